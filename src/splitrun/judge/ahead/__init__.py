"""What a look tells of the planned end: how it is likely to come out, and what follows where a win is unlikely."""

from __future__ import annotations
