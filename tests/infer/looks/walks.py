"""Paths of z under a known truth, for calibration."""

from __future__ import annotations

import numpy as np

from splitrun.moments import FloatArray

__all__ = ["walks"]


def walks(paths: int, times: FloatArray, *, seed: int, drift: float = 0.0) -> FloatArray:
    """z at given information, shape (paths, looks): Brownian motion over the root of its time."""
    rng = np.random.default_rng(seed)
    gaps = np.diff(times, prepend=0.0)
    score = np.cumsum(rng.normal(drift * gaps, np.sqrt(gaps), size=(paths, len(times))), axis=1)
    return np.asarray(score / np.sqrt(times), dtype=np.float64)
