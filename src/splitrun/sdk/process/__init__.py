"""How a client lives in a process: threads, forks and exit.

The rules: a child of a fork starts with an empty queue, locks of its own and threads that start when they are
first needed; the way out takes two seconds at most.
"""

from __future__ import annotations
