"""What a look tells of the planned end: how likely a win is, and what follows where it is not."""

from __future__ import annotations
