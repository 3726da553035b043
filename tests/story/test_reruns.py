"""The same files give the same bytes; the same rows in another order the same numbers and verdicts."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from splitrun import Access, analyze
from splitrun.conduct.desk import Desk
from splitrun.report.html import html
from splitrun.report.notebook import Shown
from splitrun.spec.templates.starting import FIRST, new_project
from tests.story.shop import PLANS, opened

EXAMPLES = Path(__file__).parents[2] / "examples"
SHIPPED = sorted(
    str(path.relative_to(EXAMPLES))
    for path in EXAMPLES.glob("*/*.yaml")
    if not (path.parent / "splitrun.yaml").is_file()
)
"""Examples of one file and its data; one that is a project collects its data while it runs."""
DESK = Desk(now=lambda: datetime(2026, 11, 22, tzinfo=UTC))
CLOSE = 1e-12
LEFT_OVER = {"effect": "stderr", "low": "stderr", "high": "stderr"}
"""What is left where larger sums cancel, and the smallest of those that it is held to."""
OF_FILES = ("made_at", "lineage")
"""What speaks of the files, whose bytes do change."""

Placed = Callable[[Path, int], Path]
"""Writes a world's files below a folder, shuffled by a seed other than 0, and gives the plan's file."""


def example(name: str) -> Placed:
    """One of the examples, with all that lies beside it."""

    def placed(folder: Path, seed: int) -> Path:
        shutil.copytree((EXAMPLES / name).parent, folder, dirs_exist_ok=True)
        mixed(folder, seed)
        return folder / Path(name).name

    return placed


def first(folder: Path, seed: int) -> Path:
    """The experiment that a new project brings."""
    for name, text in new_project().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    mixed(folder, seed)
    return folder / FIRST


def shop(plan: str) -> Placed:
    """A plan over the made-up shop; shuffled, its sessions lie in four files."""

    def placed(folder: Path, seed: int) -> Path:
        return (
            opened().shuffled(seed).written(folder, plan, files=4) if seed else opened().written(folder, plan)
        )

    return placed


def mixed(folder: Path, seed: int) -> None:
    """Put the rows of every CSV below a folder into another order."""
    for path in sorted(folder.rglob("*.csv")) if seed else ():
        head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        order = np.random.default_rng(seed).permutation(len(rows))
        ended = [row if row.endswith("\n") else f"{row}\n" for row in rows]
        path.write_text(head + "".join(ended[place] for place in order), encoding="utf-8")


WORLDS: dict[str, Placed] = {
    **{name: example(name) for name in SHIPPED},
    "a new project": first,
    **{name: shop(name) for name in PLANS},
}


def apart(one: object, other: object, path: str = "") -> Iterator[str]:
    """Every place at which two forms differ by more than rounding."""
    match one, other:
        case (dict(), dict()):
            assert one.keys() == other.keys()
            for key in one.keys() - (() if path else OF_FILES):
                match one[key], other[key]:
                    case (float() as left, float() as right):
                        size = max(abs(left), abs(right), abs(one.get(LEFT_OVER.get(key, ""), 0.0)))
                        # a reduction is 1 less a part of the variance
                        size = max(size, 1.0) if key == "reduction" else size
                        if not math.isclose(left, right, rel_tol=0, abs_tol=CLOSE * size):
                            yield f"{path}/{key}: {left!r} and {right!r}"
                    case left, right:
                        yield from apart(left, right, f"{path}/{key}")
        case (list(), list()):
            if len(one) != len(other):
                yield f"{path}: {len(one)} and {len(other)} entries"
            for place, (left, right) in enumerate(zip(one, other, strict=False)):
                yield from apart(left, right, f"{path}/{place}")
        case _:
            if one != other:
                yield f"{path}: {one!r} and {other!r}"


def read(path: Path, threads: int = 1) -> Shown:
    return analyze(path, desk=DESK, access=Access(threads=threads))


@pytest.mark.requirement("R35")
@pytest.mark.parametrize("world", WORLDS)
def test_twice_the_same_bytes_and_shuffled_the_same_numbers_and_verdicts(world: str, tmp_path: Path) -> None:
    written = WORLDS[world](tmp_path / "one", 0)
    elsewhere = WORLDS[world](tmp_path / "other", 20260322)

    once, again, shuffled = read(written), read(written), read(elsewhere)

    for show in (Shown.to_json, Shown.to_html, Shown.to_markdown, repr, html):
        assert show(once).encode() == show(again).encode()
    assert once.to_arrow() == again.to_arrow()
    digests = [[facts.digest for facts in of.lineage.data] for of in (once, shuffled)]
    assert digests[0] != digests[1]
    assert list(apart(json.loads(once.to_json()), json.loads(shuffled.to_json()))) == []


def test_several_threads_give_the_same_numbers_and_verdicts(tmp_path: Path) -> None:
    written = opened(400).written(tmp_path, "one-page")

    assert list(apart(read(written).to_dict(), read(written, threads=2).to_dict())) == []


def test_other_processes_write_the_same_bytes(tmp_path: Path) -> None:
    written = opened(400).written(tmp_path, "one-page")
    program = (
        "import sys; from tests.story.test_reruns import Path, read; print(read(Path(sys.argv[1])).to_json())"
    )

    seen = {
        subprocess.run(
            [sys.executable, "-c", program, str(written)],
            cwd=EXAMPLES.parent,
            # the order of Python's sets hangs on it
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(seen) == 1


def test_a_difference_that_is_no_rounding_is_found(tmp_path: Path) -> None:
    form = read(opened(400).written(tmp_path, "any-day")).to_dict()
    moved = json.loads(json.dumps(form))
    moved["estimates"][0]["absolute"]["high"] *= 1 + 1e-11
    moved["estimates"][0]["verdict"] = "better"
    moved["units"].pop()

    found = list(apart(json.loads(json.dumps(form)), moved))

    assert [place.split(":")[0] for place in sorted(found)] == [
        "/estimates/0/absolute/high",
        "/estimates/0/verdict",
        "/units",
    ]
