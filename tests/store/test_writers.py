"""Many processes at once, and processes that are killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from splitrun.errors import ConflictError
from splitrun.store.registry.asked import object_of
from splitrun.store.registry.documents import Kind
from tests.store.places import Place, change, fill
from tests.store.sizes import sized

ROOT = Path(__file__).parents[2]


def start(place: Place, how: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", place.url, str(place.folder), how, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(started: subprocess.Popen[str]) -> str:
    out, err = started.communicate(timeout=300)
    assert started.returncode == 0, err
    return out


def test_sixteen_writers_lose_no_update_and_leave_no_gap(place: Place) -> None:
    place.registry().close()
    times = sized(2, 60)
    ended(start(place, "count", "16", str(times)))

    with closing(place.registry()) as registry:
        last = registry.find("shop", Kind.METRIC, "counter")
        chain = [entry.number for entry in registry.entries()]

    assert last is not None
    assert object_of(last.body)["number"] == last.revision == 16 * times
    assert chain == list(range(1, 16 * times + 2))
    found = place.verified()
    assert (found.faults, found.behind) == ((), 0)


def test_a_writer_killed_between_commit_and_head_leaves_what_can_be_gone_on_from(place: Place) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 2)
    dying = start(place, "die", "3")
    dying.communicate(timeout=60)
    assert dying.returncode == -9

    behind = place.verified()
    with closing(place.registry()) as registry:
        kept = registry.find("shop", Kind.METRIC, "m3")
        with pytest.raises(ConflictError):
            registry.commit(change(3))
        registry.commit(change(4))

    assert kept is not None
    assert (behind.fine, behind.behind) == (True, 1)
    assert (place.verified().fine, place.verified().behind) == (True, 0)


def test_the_very_first_writer_killed_before_the_head_leaves_what_can_be_gone_on_from(
    on_sqlite: Place,
) -> None:
    on_sqlite.registry().close()
    start(on_sqlite, "die", "1").communicate(timeout=60)

    found = on_sqlite.verified()
    with closing(on_sqlite.registry()) as registry:
        registry.commit(change(2))

    assert (found.fine, found.entries, found.behind) == (True, 2, 2)
    assert on_sqlite.verified().fine


def test_a_writer_killed_anywhere_leaves_what_can_be_gone_on_from(place: Place) -> None:
    rng = random.Random(5)  # noqa: S311 - seeded on purpose
    place.registry().close()
    number = 1
    for _ in range(sized(2, 40)):
        running = start(place, "go on", str(number))
        assert running.stdout is not None
        line = running.stdout.readline()
        time.sleep(rng.random() / 20)
        running.kill()
        told = [line, *running.communicate(timeout=60)[0].splitlines()]
        told_last = int(next(one for one in reversed(told) if one.strip()))

        found = place.verified()
        with closing(place.registry()) as registry:
            number = len(registry.documents("shop")) + 1
            repeated = replace(change(number), token=f"change-{number}")
            first, second = registry.commit(repeated), registry.commit(repeated)
            number += 1

        assert found.fine, found.faults
        assert number - 1 >= told_last
        assert (first.repeated, second.repeated) == (False, True)
    assert place.verified().fine
