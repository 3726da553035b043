"""Small cells: which levels of segments are not shown, so that nobody is told from the few around them.

Nothing here changes a number that decides; it is asked once everything is judged.
"""

from __future__ import annotations
