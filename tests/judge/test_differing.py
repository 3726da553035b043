"""Whether effects differ between levels: read at the planned end, or at any time, and withheld before."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest

from splitrun.infer.looks.always import AlwaysValid
from splitrun.judge.readout import Heterogeneity, Readout
from splitrun.measure.measured import Measured
from splitrun.report.form import written
from splitrun.report.markdown import markdown
from splitrun.report.text import text
from splitrun.spec.analysis import Method
from splitrun.spec.plan import Plan
from tests.check.worlds import measured, ones, plan, primary
from tests.judge.test_looks import at, looking, open_ended
from tests.judge.test_reading import known, read

Values = npt.NDArray[np.float64]
CELLS: list[Values] = [ones(400, 1000), ones(560, 1000), ones(600, 1000), ones(530, 1000)]
LOOKS = [1000, 2000, 4000]


def cut(method: Method, *, key: str = "fetched") -> Plan:
    """Three weekly looks, 4,000 planned units, a segment of two levels."""
    metric = primary(key)
    if key == "revenue":
        metric = primary(key, metric=open_ended(key).metric)
    of = looking((metric,), method=method, planned_units=4000)
    return of.model_copy(update={"segments": plan(segments=["near"]).segments})


def near(cells: list[Values] = CELLS, *, key: str = "fetched") -> Measured:
    return measured({key: cells}, segment="near", levels=("no", "yes"))


def only(found: Readout) -> Heterogeneity:
    (one,) = found.heterogeneity
    return one


@pytest.mark.requirement("R36")
@pytest.mark.parametrize("method", [Method.GROUP_SEQUENTIAL, Method.HYBRID])
def test_before_the_planned_end_nobody_says_whether_effects_differ(method: Method) -> None:
    found = at(14, LOOKS[:2], near(), cut(method))

    one = only(found)
    assert (one.q, one.p, one.p_adjusted) == (None, None, None)
    assert one.withheld is not None
    assert one.withheld == (
        "it is read at the planned end, 2026-11-23 09:00+00:00, because the test holds for one reading"
    )
    for shown in (text(found), markdown(found), written(found)):
        words = " ".join(shown.replace("\\", "").split())
        assert "because the test holds for one reading" in words
        assert "Q =" not in words


@pytest.mark.requirement("R36")
@pytest.mark.parametrize("method", [Method.GROUP_SEQUENTIAL, Method.HYBRID])
def test_at_the_planned_end_levels_are_compared_once(method: Method) -> None:
    once = only(read(cut(method).model_copy(update={"analysis": plan().analysis}), near()))

    ended = only(at(21, LOOKS, near(), cut(method)))

    assert ended == once
    assert ended.withheld is None


@pytest.mark.requirement("R36")
def test_at_any_time_two_levels_have_the_p_of_their_difference() -> None:
    found = at(3, None, near(), cut(Method.SEQUENTIAL))

    # the e-value of the difference of both effects, tuned at 4,000 units, of which all have come
    no, yes = (known(each.absolute) for each in found.comparisons[1:])
    z = (no.effect - yes.effect) / np.hypot(no.stderr, yes.stderr)
    expected = np.exp(-AlwaysValid.tuned(0.05, 4000).log_e(z, 4000))
    assert only(found).p == pytest.approx(float(expected), rel=1e-9)
    assert only(found).p_adjusted == only(found).p


def test_at_any_time_every_level_waits_for_its_units() -> None:
    few = [ones(4, 40), ones(20, 40), ones(600, 1000), ones(530, 1000)]

    one = only(at(3, None, near(few), cut(Method.SEQUENTIAL)))

    assert one.p is None
    assert one.withheld == "no: too early for a verdict: fewer than 500 units in one of the variants"


@pytest.mark.parametrize("method", [Method.GROUP_SEQUENTIAL, Method.SEQUENTIAL, Method.HYBRID])
def test_totals_without_an_end_are_not_compared(method: Method) -> None:
    found = at(21, LOOKS, near(key="revenue"), cut(method, key="revenue"))

    assert only(found).withheld == (
        "its totals have no end and grow between looks, so its interval only describes"
    )


def test_a_plan_for_one_reading_compares_levels_whenever_it_is_read() -> None:
    found = at(14, None, near(), cut(Method.FIXED))

    assert only(found).withheld is None
    assert timedelta(days=14) < cut(Method.FIXED).analysis.looks[-1]
