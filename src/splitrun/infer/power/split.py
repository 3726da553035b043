"""How large a defect of the split a size shows: the chi-square test on counts (Cohen 1988, chapter 7)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, chndtr

from splitrun.moments import FloatArray

__all__ = ["split_power"]


def split_power(
    seen: npt.ArrayLike, planned: npt.ArrayLike, units: npt.ArrayLike, alpha: float
) -> FloatArray:
    """How likely a split that is off is found out.

    Args:
        seen: Shares of the variants as they truly are, shape (variants,), adding up to 1.
        planned: Shares as planned, each above 0, shape (variants,).
        units: Of all variants together, any shape.
        alpha: Of the test.

    Returns:
        Shape of `units`.
    """
    truth, due = np.asarray(seen, dtype=np.float64), np.asarray(planned, dtype=np.float64)
    square = float(np.sum((truth - due) ** 2 / due))
    dof = len(due) - 1
    away = square * np.asarray(units, dtype=np.float64)
    return np.asarray(1 - chndtr(chdtri(dof, alpha), dof, away))
