"""Whether the methods of `splitrun.infer` err as often as they say: simulated worlds whose truth is known.

A program and no part of the package: `python -m calibrate` (`make calibrate`) writes `docs/calibration.md`.
"""

from __future__ import annotations
