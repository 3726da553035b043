"""Before anything is seen: how many units an effect needs, what a size detects, and what a method costs.

All of it turns on one number, the drift: the true effect over its standard error at the planned end. A way of
reading says which drift it needs for a power (`readings`), a comparison which drift a size gives (`demands`).
"""

from __future__ import annotations
