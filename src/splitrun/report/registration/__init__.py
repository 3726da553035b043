"""What stands at the top of a readout: when its plan was sealed, and what is not as it was sealed."""

from __future__ import annotations
