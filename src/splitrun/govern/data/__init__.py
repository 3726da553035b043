"""What every field that an installation keeps is for, and what has no policy."""

from __future__ import annotations
