"""What stands at the top of a readout whose plan was sealed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from splitrun.judge.readout import Amendment
from splitrun.plan.sealing.deviations import Deviation
from splitrun.report.registration.standing import Standing, standing
from tests.judge.registrations import registration

ALPHA = Deviation("analysis.alpha", "0.05", "0.1", confirmatory=True)
TITLE = Deviation("title", "", '"Vouchers"', confirmatory=False)
AMENDED = Amendment(
    number=1,
    at=datetime(2026, 11, 9, tzinfo=UTC),
    by="bob",
    reason="no more traffic",
    fields=("duration.enrol",),
    looks=1,
    effects=False,
    units=1234,
    confirmatory=True,
)
REGISTERED = Standing("Registered 2026-11-02 by ann (sha256:12ab12ab12ab…)", alarming=False)


def test_nothing_stands_where_nothing_was_sealed() -> None:
    assert standing(None) == ()


@pytest.mark.requirement("R12")
def test_when_and_by_whom_it_was_sealed_stands_there() -> None:
    assert standing(registration()) == (REGISTERED,)


@pytest.mark.requirement("R12")
def test_what_is_worst_stands_first() -> None:
    found = standing(
        registration(late="forgotten", exposures=1, deviations=(TITLE, ALPHA), early="in a hurry", version=2)
    )

    assert [(one.says, one.alarming) for one in found] == [
        ("LATE: sealed after 1 unit had been exposed: forgotten", True),
        ("Deviates from the sealed plan: analysis.alpha 0.05 → 0.1", True),
        ("Registered 2026-11-02 by ann (sha256:12ab12ab12ab…), version 2", False),
        ("Read before its planned end, so intervals hold at any time from then on: in a hurry", True),
        ('Differs from the sealed plan where no number rests on it: title nothing → "Vouchers"', False),
    ]


@pytest.mark.requirement("R11")
def test_an_amendment_tells_what_had_been_seen() -> None:
    found = standing(registration(amendment=1, amendments=(AMENDED,)))

    assert [one.says for one in found] == [
        "Registered 2026-11-02 by ann (sha256:12ab12ab12ab…), 1 amendment",
        (
            "Amendment 1, 2026-11-09 by bob, after 1 look of 1,234 units (no effect had been seen): "
            "duration.enrol: no more traffic"
        ),
    ]


def test_a_reason_that_a_terminal_would_obey_is_shown_and_not_obeyed() -> None:
    (first, *_) = standing(registration(late="\x1b[31mred", exposures=None))

    assert "\x1b" not in first.says
    assert first.says.startswith("LATE: sealed after units had been exposed")
