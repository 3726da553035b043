"""How a client comes by its ruleset: server or file, disk cache, bootstrap; checked before it is held.

The rules: what is refused changes nothing, the one held answers on; an older version than the one held is
refused, without asking a clock; everything read is bounded in size and time.
"""

from __future__ import annotations
