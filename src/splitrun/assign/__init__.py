"""Which variant a unit has: a pure function of ruleset, flag, unit and attributes.

Nothing here opens a file or a socket, asks a clock or throws dice; only the standard library and msgspec are
loaded. The rules of the room: a ruleset is compiled once to closures, an evaluation never raises, a slot is
held against whole thresholds in [0, 2**32].
"""

from __future__ import annotations
