"""The reference cases as they are kept in `tests/cases`, and how a value agrees with one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from splitrun.infer.estimate import Estimate, Estimates

__all__ = ["CASES", "FOLDER", "ROOT", "Case", "numbers", "one"]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "cases"

NAMED = {
    "lin_se_hc2": ("rel", "lin_gram_vs_hc2_rel"),
    "cluster_bootstrap_se_control": ("rel", "bootstrap_rel"),
    "cluster_bootstrap_se_treatment": ("rel", "bootstrap_rel"),
    "cluster_bootstrap_se_diff": ("rel", "bootstrap_rel"),
    "p_single_step": ("abs", "p_abs"),
}
"""Keys with a tolerance of their own in the case: what it replaces, and its name there."""
LABELS = {"order"}
"""Expected keys that name the order of others and are no values."""


@dataclass(frozen=True)
class Case:
    id: str
    method: str
    inputs: dict[str, Any]
    expected: dict[str, Any]
    oracle: str
    oracle_kind: str
    tolerance: dict[str, float]
    notes: str = ""

    def agrees(self, ours: object, theirs: object, key: str = "") -> bool:
        """Compare as the cases file says: |ours - theirs| <= abs + rel * |theirs|."""
        got, expected = numbers(ours), numbers(theirs)
        if got.shape != expected.shape:
            return False
        allowed = dict(self.tolerance)
        if key in NAMED:
            replaced, name = NAMED[key]
            allowed[replaced] = self.tolerance[name]
        bounded = np.isfinite(expected)
        reach = allowed["abs"] + allowed["rel"] * np.abs(expected[bounded])
        near = np.abs(got[bounded] - expected[bounded]) <= reach
        return bool(np.all(near) and np.all(got[~bounded] == expected[~bounded]))


def flat(expected: dict[str, Any]) -> dict[str, Any]:
    """Values by dotted keys, as `control.q`."""
    found: dict[str, Any] = {}
    for key, value in expected.items():
        if isinstance(value, dict):
            found |= {f"{key}.{inner}": each for inner, each in value.items()}
        elif key not in LABELS:
            found[key] = value
    return found


CASES = [
    Case(**case | {"tolerance": dict(case["tolerance"]), "expected": flat(case["expected"])})
    for case in json.loads((FOLDER / "stat_cases.json").read_text())["cases"]
]


def numbers(value: object) -> npt.NDArray[np.float64]:
    return np.asarray(value, dtype=np.float64).reshape(-1)


def one(estimates: Estimates) -> Estimate:
    cell = estimates.cell(0)
    assert isinstance(cell, Estimate), cell
    return cell
