"""Two sets of definitions held against each other: what differs, what follows from it, what is refused."""

from __future__ import annotations
