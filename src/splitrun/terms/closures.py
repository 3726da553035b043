"""Expression trees compiled to closures. Empty until assignment is built."""

from __future__ import annotations
