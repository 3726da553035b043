"""What each version of the methods answers on a small project; `python -m` writes it anew.

It is no proof of any number (those are held against R and published tables elsewhere): it notices that an
answer has changed, so that nobody changes a method under sealed plans without counting its version on.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from splitrun.conduct.analyze import analyze
from splitrun.conduct.desk import Desk
from splitrun.conduct.experiment import plan_of
from splitrun.plan.sealing.methods import methods
from tests.conduct.reading.checkouts import AFTER, EXPERIMENT, project

__all__ = ["ANSWERS", "WORLDS", "answer", "changed"]

Answer = dict[str, Any]

ANSWERS = Path(__file__).with_name("answers.json")
FIXED = "{method: fixed, planned_units: 400}"
REVENUE = "kind: mean, source: orders, value: amount, window: 1d, cap: {at: 90}"
RATIO = "kind: ratio, over: {source: orders, value: amount}, under: {source: orders, count: rows}, window: 1d"
MORE = "{key: ordered, kind: share, source: orders, window: 1d, better: higher}"
MIDDLE = "2026-11-11T12:00:00+00:00"

WORLDS: dict[str, tuple[tuple[str, str], str]] = {
    "fixed": (("", ""), AFTER.isoformat()),
    "two primaries": (("[{key: bought", f"[{MORE}, {{key: bought"), AFTER.isoformat()),
    "ratio": ((REVENUE, RATIO), AFTER.isoformat()),
    "quantile": (
        (REVENUE, "kind: quantile, source: exposures, at: 0.5, per: unit, value: tenure"),
        AFTER.isoformat(),
    ),
    "cap": ((REVENUE, REVENUE.replace("at: 90", "quantile: 0.9")), AFTER.isoformat()),
    "clusters": (("time: at, pre_exposure", "time: at, cluster: tenure, pre_exposure"), AFTER.isoformat()),
    "adjusted": (
        (FIXED, "{method: fixed, adjust: {covariates: [tenure], strata: [country]}}"),
        AFTER.isoformat(),
    ),
    "looks": ((FIXED, "{method: group_sequential, planned_units: 400, looks: 4, futility: true}"), MIDDLE),
    "any time": ((FIXED, "{method: sequential, planned_units: 400}"), MIDDLE),
    "hybrid": ((FIXED, "{method: hybrid, planned_units: 400}"), AFTER.isoformat()),
}
"""What is written in place of what, and as of when it is read."""


def answer(name: str, folder: Path) -> Answer:
    """The methods of a world with their versions, and what its readout says, in numbers and in words."""
    change, as_of = WORLDS[name]
    file = project(folder, EXPERIMENT.replace(*change) if change[0] else EXPERIMENT)
    said = analyze(file, as_of=as_of, desk=Desk(now=lambda: AFTER)).to_dict()
    kept = {key: said[key] for key in ("estimates", "heterogeneity", "findings", "decision", "units", "look")}
    leaves = dict(flat(kept))
    return {
        "methods": methods(plan_of(file)),
        "numbers": {path: rounded(value) for path, value in leaves.items() if type(value) in {int, float}},
        "words": {path: value for path, value in leaves.items() if telling(path, value)},
    }


def rounded(value: object) -> float:
    """Nine digits, which is more than is compared."""
    return float(f"{value:.9g}")


def flat(tree: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value with its path."""
    match tree:
        case dict():
            for name, value in tree.items():
                yield from flat(value, f"{path}.{name}")
        case list():
            for index, value in enumerate(tree):
                yield from flat(value, f"{path}.{index}")
        case _:
            yield path, tree


def telling(path: str, value: object) -> bool:
    """Whether a text or truth value is an answer; sentences may be worded otherwise."""
    return type(value) in {str, bool} and path.rpartition(".")[2] not in {"says", "next"}


def changed(old: Answer | None, new: Answer) -> list[str]:
    """The paths of what is answered otherwise; numbers to one in a million."""
    if old is None:
        return []
    paths = {path: None for part in ("numbers", "words") for path in (*old[part], *new[part])}
    return [
        path
        for path in paths
        if old["words"].get(path) != new["words"].get(path)
        or not near(old["numbers"].get(path), new["numbers"].get(path))
    ]


def near(old: float | None, new: float | None) -> bool:
    """Whether two numbers are the same up to how a machine rounds."""
    if old is None or new is None:
        return old is new
    return abs(old - new) <= 1e-6 * max(abs(old), abs(new)) + 1e-12


def main() -> None:
    """Write the answers anew; a changed answer under the same versions is refused."""
    kept: dict[str, Answer] = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    found: dict[str, Answer] = {}
    for name in WORLDS:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = answer(name, Path(folder) / "shop")
        old = kept.get(name)
        if old is not None and changed(old, found[name]) and old["methods"] == found[name]["methods"]:
            sys.exit(f"{name!r} is answered otherwise: count on a version in plan/sealing/methods.py first")
    ANSWERS.write_text(
        "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in found.items()) + "\n}\n"
    )


if __name__ == "__main__":
    main()
