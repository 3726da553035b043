"""The whole loop once, on this machine: a made-up shop, its visitors, and what is read of them."""

from __future__ import annotations
