"""What people may ask for: to take no part, to be forgotten, to see what is kept of them."""

from __future__ import annotations
