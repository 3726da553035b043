"""What of a readout is as it was sealed, and what was thought of afterwards."""

from __future__ import annotations
