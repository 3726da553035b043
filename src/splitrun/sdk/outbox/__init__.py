"""What a client has seen, on its way out: records made by the caller, encoded and sent by a thread.

The rules: the caller appends to a deque and never waits; encoding, compression, disk and network are the
sender's; memory is bounded by count and bytes and what is dropped is counted; an event's id is made once.
"""

from __future__ import annotations
