"""A plan that the log calls timely is held against the data all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from splitrun.judge.reading import readout
from splitrun.judge.readout import Readout
from splitrun.report.registration.standing import standing
from tests.check.worlds import plan, primary, two_shares
from tests.judge.registrations import SEALED

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def read(first: datetime | None) -> Readout:
    of = plan([primary()])
    world = replace(two_shares((400, 1000), (460, 1000)), first_exposure=first)
    return readout(of, world, [], made_at=NOW, versions={}, registration=SEALED)


@pytest.mark.requirement("R12")
def test_data_that_begins_before_the_plan_was_sealed_makes_it_late() -> None:
    found = read(SEALED.at - timedelta(microseconds=1))

    assert found.registration is not None
    assert found.registration.late is None
    assert not found.registered
    assert not found.registration.confirmatory
    assert not any(one.registered for one in found.comparisons)
    assert (
        "the data begins before the plan was sealed: the plan may have been made to fit it"
        in found.limitations
    )
    assert standing(found.registration)[0].alarming
    assert standing(found.registration)[0].says == (
        "LATE: the first unit was exposed 2026-11-02, before the plan was sealed"
    )


@pytest.mark.parametrize("first", [None, SEALED.at, SEALED.at + timedelta(days=1)], ids=str)
def test_data_that_begins_with_the_plan_or_tells_no_time_leaves_it_timely(first: datetime | None) -> None:
    found = read(first)

    assert found.registered
    assert found.registration == SEALED
