"""Every check finds its own defect in a world that has it, and nothing in one that has not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from splitrun.check.doubts import CHECKS, doubts
from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.outcomes.alike import asymmetry_over_clusters
from splitrun.check.outcomes.skewed import skewed
from splitrun.check.times.looks import (
    after_planned_end,
    before_first_look,
    partial_weeks,
    planned_end,
    planned_end_missed,
)
from splitrun.check.units.cluster import few_clusters
from splitrun.measure.measured import (
    CapOrigin,
    Capping,
    Clusters,
    ClusterSums,
    Dirt,
    Erased,
    Quantiles,
    SourceFacts,
    TextInNumber,
)
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Duration, Method, Mode, Trigger
from splitrun.spec.plan import Plan
from tests.check.represented import DEVICES, sampled
from tests.check.worlds import evidence, guardrail, measured, plan, primary, ratio, started, two_shares

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
WEEK = timedelta(weeks=1)
World = Callable[[], Evidence]


def planned(**changes: object) -> Plan:
    return plan().model_copy(update=changes)


def exposures(**changes: object) -> Plan:
    rows = plan().exposures
    assert rows is not None
    return planned(exposures=rows.model_copy(update=changes))


def triggered() -> Evidence:
    world = evidence(of=planned(trigger=Trigger(source="events")))
    cells = replace(world.measured.cells, units=np.array([500, 380]))
    return replace(world, measured=replace(world.measured, cells=cells))


def without_treatment() -> Evidence:
    unweighted = planned(weights_known=False)
    return Evidence(unweighted, two_shares((200, 500), (0, 0)))


def small() -> Evidence:
    return Evidence(plan(), two_shares((10, 20), (12, 22)))


def constant() -> Evidence:
    values = [np.ones(60), np.ones(60)]
    return Evidence(plan(), measured({"fetched": values}))


def looking(days: float, looks: tuple[int, ...]) -> Evidence:
    """A group-sequential plan with three weekly looks and 1,000 planned units."""
    weekly = tuple(timedelta(weeks=week) for week in (1, 2, 3))
    of = plan(method=Method.GROUP_SEQUENTIAL, looks=weekly, planned_units=1000)
    return Evidence(of, started(two_shares((200, 500), (250, 500)), days=days, looks=looks))


def enrolling(days: float, looks: tuple[timedelta, ...] = ()) -> Evidence:
    """Three weeks of enrolment, of which so many days have passed."""
    of = plan(looks=looks).model_copy(update={"duration": Duration(enrol=timedelta(days=21))})
    return Evidence(of, started(two_shares((200, 500), (250, 500)), days=days))


@pytest.mark.parametrize(
    ("days", "says"),
    [
        (10, "10 days"),
        (1, "1 day"),
        (0.5, "12 hours"),
        (1 / 24, "1 hour"),
        (43 / 86_400, "less than a minute"),
        (0, "less than a minute"),
    ],
)
def test_how_long_units_were_enrolled_is_told_as_people_count(days: float, says: str) -> None:
    found = partial_weeks(enrolling(days))

    assert found is not None
    assert found.says.startswith(f"units were enrolled for {says}, ")


def baskets(factor: float) -> Evidence:
    """Revenue per order, with so many times the orders in treatment."""
    orders = np.tile([3.0, 5.0], 250)
    control, treatment = (
        np.stack([10 * orders, orders], axis=1),
        factor * np.stack([10 * orders, orders], axis=1),
    )
    noise = np.linspace(-1, 1, 500)[:, None] * [1.0, 0.0]
    return Evidence(plan([ratio("basket")]), measured({"basket": [control + noise, treatment + noise]}))


def unexposed(of: Plan) -> Evidence:
    """A plan of a duration, and data without any moment."""
    return Evidence(of, two_shares((200, 500), (250, 500)))


def sequential(world: Evidence) -> Evidence:
    """The same under a plan that withholds its verdicts by itself."""
    rules = world.plan.analysis.model_copy(update={"method": Method.SEQUENTIAL})
    return replace(world, plan=world.plan.model_copy(update={"analysis": rules}))


def uneven(with_outcome: tuple[int, int]) -> Evidence:
    """A tenth of the units in treatment, and few with the outcome."""
    of = plan(weights={"control": 9, "voucher": 1})
    return Evidence(of, two_shares((with_outcome[0], 900), (with_outcome[1], 100)))


def unclustered() -> Evidence:
    world = evidence()
    none = np.zeros(0, dtype=np.int64)
    return replace(world, measured=replace(world.measured, clusters=Clusters(none, none, {}, lost=3)))


def coarse() -> Evidence:
    """Quantiles of 250 in control, exact, and of 275 in the treatment, read from a bin."""
    world = evidence()
    none = np.full((2, 1), np.nan)
    held = Quantiles(
        value=np.array([[250.0], [275.0]]),
        inside=(),
        low=none,
        high=none,
        tied=none,
        off=np.array([[0.0], [1.25]]),
    )
    found = {("latency", None): held, ("latency", "near"): held, ("size", None): replace(held, off=None)}
    return replace(world, measured=replace(world.measured, quantiles=found))


def in_clusters(count: int) -> Evidence:
    """So many clusters, each with units in the first cell of both variants."""
    world = evidence()
    code = np.tile(np.arange(count), 2)
    variants = world.measured.cells.variant.code
    cell = np.repeat([int(np.flatnonzero(variants == index)[0]) for index in range(2)], count)
    return replace(world, measured=replace(world.measured, clusters=Clusters(code, cell, {}, lost=0)))


def capped(origin: CapOrigin) -> Evidence:
    """12 of 1,000 units cut down to 500, and 550 at zero."""
    world = evidence()
    column = world.measured.columns["fetched"]
    cap = Capping(at=(500.0,), origin=origin, capped=np.array([5, 7]), uncapped=column.moments)
    changed = replace(column, capping=cap, zeros=np.array([300, 250]))
    return replace(world, measured=replace(world.measured, columns={"fetched": changed}))


def reaching(last: timedelta) -> Evidence:
    """An experiment of 20 days: its events end so long after its first exposure."""
    world, first = evidence(), datetime(2026, 1, 1, tzinfo=UTC)
    sources = (
        SourceFacts("exposures", "csv", "e.csv", 9, None, first),
        SourceFacts("orders", "csv", "o.csv", 9, None, first + last - timedelta(days=2)),
        SourceFacts("untimed", "csv", "u.csv", 9, None),
    )
    reach = replace(world.measured, sources=sources, first_exposure=first, as_of=first + timedelta(days=20))
    return replace(world, measured=reach)


TEXT = TextInNumber(source="orders", column="amount", rows=3, examples=("n/a", "12 EUR"))
WORLDS: dict[str, tuple[Severity, World, str]] = {
    "split": (
        Severity.STOP,
        # 1,000 units, 600 against 400: chi-square 40, p = 2.5e-10
        lambda: evidence(exposed=np.array([600, 400])),
        "control has 600 exposed units where 500 were due (chi-square test of the weights, p = 3e-10)",
    ),
    "triggered_split": (
        Severity.STOP,
        triggered,
        "control has 500 triggered units where 440 were due",
    ),
    "empty_variant": (Severity.STOP, without_treatment, "no unit of voucher is left to analyse"),
    "no_events_met": (
        Severity.STOP,
        lambda: evidence(dirt=Dirt(strangers={"orders": ("999", "999.9"), "clicks": ("999", "")})),
        (
            "(orders: units have ids like '999', its rows like '999.9', "
            "clicks: units have ids like '999', its rows none; 9 stands for a digit, a for a letter)"
        ),
    ),
    "crossover": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(crossover_units=20)),
        "20 units of 1,000 (2 %) seen in two or more variants, analysed in the variant they met first",
    ),
    "conflicting_rows": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(conflicting_units={"fetched": 10})),
        "10 of 1,000 units (1 %) disagree on fetched",
    ),
    "missing_outcome": (
        Severity.NOTE,
        lambda: evidence(missing=(5, 4)),
        "fetched: control 5 of 505 (0.99 %), voucher 4 of 504 (0.794 %)",
    ),
    "unknown_variant": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(exposure_rows=1003, unknown_variants=(("Vouchre", 2), ("b", 1)))),
        (
            "3 exposure rows of 1,003 with a variant that is not in the plan (control, voucher) left out: "
            "'Vouchre' (2 rows), 'b' (1 row)"
        ),
    ),
    "before_first_look": (
        Severity.WARN,
        lambda: looking(6.5, ()),
        "none of 3 planned looks has come, so no alpha may be spent yet and no effect is shown",
    ),
    "after_planned_end": (
        Severity.WARN,
        lambda: looking(24, (300, 600, 900)),
        "the planned end was 2026-11-23 09:00+00:00, and the data goes on to 2026-11-26 09:00+00:00",
    ),
    "planned_end_missed": (
        Severity.WARN,
        lambda: replace(late(Method.HYBRID, days=20.5), clock=datetime(2026, 11, 24, tzinfo=UTC)),
        (
            "the planned end was 2026-11-23 09:00+00:00, and the data is read as of its last row, "
            "2026-11-22 21:00+00:00"
        ),
    ),
    "early_look": (
        Severity.WARN,
        lambda: enrolling(14, looks=(timedelta(days=21),)),
        "the planned end is 2026-11-23 09:00+00:00, and this reading comes before it",
    ),
    "partial_weeks": (
        Severity.WARN,
        lambda: enrolling(10),
        "units were enrolled for 10 days, which is no whole number of weeks",
    ),
    "denominator_moved": (
        Severity.WARN,
        lambda: baskets(1.5),
        # 500 units each with 4 orders, and 6 in treatment; standard deviation 1 and 1.5
        "basket of voucher: 4 to 6 per unit, p = ",
    ),
    "skewed": (
        Severity.WARN,
        lambda: uneven((5, 5)),
        # 5 of 1,005 units are ones: skewness 13.8, and g = 13.8 (1/100 - 1/905) / sqrt(1/100 + 1/905)
        "fetched of voucher: ",
    ),
    "too_few_units": (Severity.WARN, small, "control has 20 units, voucher has 22 units"),
    "unrepresentative": (
        Severity.WARN,
        lambda: sampled({"mobile": 333, "desktop": 167}, DEVICES),
        "device = tablet is 0 % of them and 31 % of it (standardised difference -0.948)",
    ),
    "zero_spread": (
        Severity.WARN,
        constant,
        "fetched is 1 for all 60 units of control, fetched is 1 for all 60 units of voucher",
    ),
    "no_unit": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(exposure_rows=2000, no_unit=2)),
        "2 exposure rows of 2,000 without a unit id left out",
    ),
    "no_cluster": (
        Severity.WARN,
        unclustered,
        "3 units without a cluster left out",
    ),
    "few_clusters": (
        Severity.WARN,
        lambda: in_clusters(9),
        "too few clusters to trust an interval: control has 9 clusters, voucher has 9 clusters",
    ),
    "exposures_no_time": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(exposure_rows=1001, no_time=1)),
        "1 exposure row of 1,001 without a readable time left out",
    ),
    "events_no_time": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(events_no_time={"orders": 7, "clicks": 0})),
        "7 events without a readable time not counted (orders: 7 rows)",
    ),
    "mixed_time_zones": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(zoneless={"orders": 4}, zoned={"orders": 996})),
        (
            "some times name their zone (orders: 996 rows) and some do not (orders: 4 rows); "
            "those without were read in Europe/Berlin"
        ),
    ),
    "future_rows": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(future_rows={"orders": 2})),
        "2 rows of a time that has not come yet not counted (orders: 2 rows)",
    ),
    "source_ends_early": (
        Severity.WARN,
        lambda: reaching(timedelta(days=20, minutes=-73)),
        "as of 2026-01-21 00:00 UTC, and the last row lies long before it (orders on 2026-01-18 22:47 UTC)",
    ),
    "quarantined_rows": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(quarantined={"exposures": (6, (2, 5, 9, 12, 13, 20)), "clicks": (0, ())})),
        (
            "rows that could not be read were put aside "
            "(exposures: 6 of 1,006 rows, first at line 2, 5, 9, 12, 13 and 1 more)"
        ),
    ),
    "text_in_number": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(text_in_number=(TEXT,))),
        "(orders.amount: 3 rows, like 'n/a', '12 EUR')",
    ),
    "not_finite": (
        Severity.WARN,
        lambda: evidence(dirt=Dirt(not_finite={"fetched": 1})),
        "values that are NaN or infinite, taken as missing (fetched: 1 row)",
    ),
    "weights_unknown": (
        Severity.NOTE,
        lambda: evidence(of=planned(weights_known=False)),
        "no split test was possible; units seen: control 500, voucher 500",
    ),
    "no_exposure_time": (
        Severity.NOTE,
        lambda: evidence(of=exposures(time=None)),
        "windows, series over time and several looks are not to be had",
    ),
    "immature": (
        Severity.NOTE,
        lambda: evidence(immature=(30, 20)),
        "fetched: 950 of 1,000 matured (95 %)",
    ),
    "cap_from_experiment": (
        Severity.NOTE,
        lambda: capped(CapOrigin.EXPERIMENT),
        "fetched at 500: 12 units capped (1.2 %), 55 % zero",
    ),
    "coarse_quantile": (
        Severity.NOTE,
        coarse,
        "may be off by at most so much: latency of 275 in voucher by 1.2",
    ),
    "exposures_left_out": (
        Severity.NOTE,
        lambda: evidence(dirt=Dirt(logged={"override": 12, "older version": 3, "linked": 2})),
        "12 units or more of the lake left out: 12 override, 3 older version",
    ),
    "erased": (
        Severity.NOTE,
        lambda: without((2, 3), (1, 0), (17, 4)),
        "(control 2, voucher 3); 1 unit opted out or about to be erased (control 1, voucher 0); 4 units of",
    ),
    "leaving": (
        Severity.NOTE,
        lambda: replace(evidence(), withdrew=np.array([52, 48])),
        "after exposure 100 withdrew consent (control 52, voucher 48) (chi-square, p = 0.69)",
    ),
    "late_events": (
        Severity.NOTE,
        lambda: evidence(
            dirt=Dirt(late_rows={"events": 3}),
            of=plan().model_copy(update={"lateness": timedelta(days=3)}),
        ),
        "3 events came in more than 3d after they happened and are not counted (events: 3 rows)",
    ),
    "untriggered": (
        Severity.NOTE,
        lambda: evidence(dirt=Dirt(untriggered_units=250)),
        "250 units of 1,000 exposed (25 %) never met the trigger",
    ),
    "no_variant": (
        Severity.NOTE,
        lambda: evidence(dirt=Dirt(no_variant=1)),
        "1 exposure row without a variant (null) left out",
    ),
    "duplicate_exposures": (
        Severity.NOTE,
        lambda: evidence(dirt=Dirt(duplicate_exposures=1234)),
        "1,234 exposure rows repeat a unit in the same variant",
    ),
    "events_before_exposure": (
        Severity.NOTE,
        lambda: evidence(dirt=Dirt(events_before={"orders": 3})),
        "3 events before the unit's exposure not counted (orders: 3 rows)",
    ),
    "events_unexposed": (
        Severity.NOTE,
        lambda: evidence(dirt=Dirt(events_unexposed={"orders": 1})),
        "1 event of units that were never exposed not counted (orders: 1 row)",
    ),
    "zoneless": (
        Severity.NOTE,
        lambda: evidence(dirt=Dirt(zoneless={"orders": 1000})),
        "times without a zone (orders: 1,000 rows) were read in Europe/Berlin",
    ),
}

BESIDES = {"empty_variant": ["weights_unknown"]}
"""With known weights the split test would stop first."""


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("code", WORLDS)
def test_a_defect_is_found_by_its_own_check_and_by_no_other(code: str) -> None:
    severity, world, says = WORLDS[code]

    finding, *others = doubts(world())

    assert (finding.code, finding.severity) == (code, severity)
    assert [other.code for other in others] == BESIDES.get(code, [])
    assert says in finding.says
    assert finding.next
    assert "  " not in finding.says + finding.next


def without(
    units: tuple[int, int],
    left_out: tuple[int, int] = (0, 0),
    since: tuple[int, int] | None = None,
    exposed: tuple[int, int] | None = None,
) -> Evidence:
    """A world of whom some were erased, or opted out."""
    world = evidence(exposed=None if exposed is None else np.array(exposed))
    gone = Erased(np.array(units), np.array(left_out), since)
    return replace(world, measured=replace(world.measured, erased=gone))


@pytest.mark.requirement("R78")
def test_a_split_that_erasure_explains_stops_nothing() -> None:
    # chi-square of 500:400 against 1:1 is 11.1, p = 0.0009 (scipy.stats.chisquare); with 100 erased it is 0
    explained, note = doubts(without((0, 100), exposed=(500, 400)))

    assert (explained.code, explained.severity, note.code) == ("split", Severity.WARN, "erased")
    assert "(control 0, voucher 100): with them it fits the weights" in explained.says


@pytest.mark.requirement("R78")
def test_erasure_hides_no_split_that_was_there_before() -> None:
    # 500:500 are left of 500:600, whose chi-square is 9.1, and of 500:620, where it is 12.9, p = 0.0003
    assert [one.severity for one in doubts(without((0, 100)))] == [Severity.NOTE]
    stop, _ = doubts(without((0, 120)))

    assert (stop.code, stop.severity) == ("split", Severity.STOP)
    assert "voucher has 620 exposed units" in stop.says or "control has 500 exposed units" in stop.says


def test_more_than_one_unit_in_a_hundred_with_conflicting_rows_stops() -> None:
    (finding,) = doubts(evidence(dirt=Dirt(conflicting_units={"fetched": 11})))

    assert (finding.code, finding.severity) == ("conflicting_rows", Severity.STOP)


def test_every_check_is_named_like_its_code_and_has_a_world() -> None:
    assert [check.__name__ for check in CHECKS] == list(WORLDS)


def test_more_than_one_row_in_a_hundred_put_aside_stops() -> None:
    # 10 of 1,010 rows are less than 1 %, 11 of 1,011 are more
    severities = [
        doubts(evidence(dirt=Dirt(quarantined={"exposures": (rows, ())})))[0].severity for rows in (10, 11)
    ]

    assert severities == [Severity.WARN, Severity.STOP]


@pytest.mark.parametrize("written", ["0,43", "-1.234,5", "12,00"])
def test_decimal_commas_are_told_by_name(written: str) -> None:
    text = TextInNumber(source="o", column="amount", rows=3, examples=(written,))

    (finding,) = doubts(evidence(dirt=Dirt(text_in_number=(text,))))

    assert f"{written!r} has a decimal comma" in finding.next


def test_a_source_that_ends_within_a_tenth_of_the_time_is_no_doubt() -> None:
    # 10 % of 20 days are 2 days
    assert doubts(reaching(timedelta(days=20))) == ()


def test_a_healthy_world_raises_no_doubt() -> None:
    assert doubts(evidence()) == ()


@pytest.mark.parametrize(
    "healthy",
    [
        lambda: looking(8, (400,)),
        lambda: looking(15, (1000, 1000)),
        lambda: enrolling(22, looks=(timedelta(days=21),)),
        lambda: enrolling(13.9),
        lambda: enrolling(90),
        lambda: baskets(1.0),
        lambda: sequential(uneven((5, 5))),
        lambda: sequential(unexposed(plan().model_copy(update={"duration": Duration(enrol=WEEK)}))),
        lambda: uneven((450, 50)),
        lambda: capped(CapOrigin.WRITTEN),
        lambda: capped(CapOrigin.BASELINE),
    ],
)
def test_a_world_without_the_defect_raises_no_doubt(healthy: World) -> None:
    assert doubts(healthy()) == ()


@pytest.mark.requirement("R49")
@pytest.mark.parametrize(("days", "whole"), [(6, False), (7, True), (10, False), (14.3, True), (20, False)])
def test_enrolment_so_far_should_cover_whole_weeks(days: float, whole: bool) -> None:  # noqa: FBT001 - pytest hands parameters over by name
    found = [finding.code for finding in doubts(enrolling(days))]

    assert found == ([] if whole else ["partial_weeks"])


def test_clusters_make_a_denominator_less_certain() -> None:
    orders = [np.full((50, 2), [20.0, 4.0]), np.full((50, 2), [30.0, 6.0])]
    world = measured({"basket": orders})
    # one cluster of 49 units in each variant, which alone makes the difference, and one of one unit
    clusters = Clusters(
        code=np.array([0, 1, 2, 3]),
        cell=np.array([0, 0, 1, 1]),
        sums={
            "basket": ClusterSums(
                units=np.array([49.0, 1.0, 49.0, 1.0]),
                totals=np.array([[989.0, 205.0], [11.0, -5.0], [1479.0, 303.0], [21.0, -3.0]]),
                squares=np.zeros(4),
            )
        },
        lost=0,
    )

    found = doubts(Evidence(plan([ratio("basket")]), replace(world, clusters=clusters)))

    assert "denominator_moved" not in [finding.code for finding in found]


def test_the_gravest_finding_comes_first() -> None:
    dirt = Dirt(no_variant=1, no_unit=1)

    found = doubts(evidence(dirt=dirt, exposed=np.array([600, 400])))

    assert [finding.code for finding in found] == ["split", "no_unit", "no_variant"]


def test_every_check_is_explained_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")

    rows = {
        row.split("|")[1].strip(" `"): row.split("|")[2] for row in page.splitlines() if row.startswith("| `")
    }

    named = {check.__name__ for check in CHECKS}
    assert named <= rows.keys()
    assert all(WORLDS[code][0].value in rows[code] for code in named)


def test_ten_clusters_per_variant_are_enough() -> None:
    assert few_clusters(in_clusters(10)) is None


@pytest.mark.parametrize(
    ("largest", "says"), [(70.0, None), (200.0, "40 clusters that count as 7.6 of one size")]
)
def test_many_clusters_of_which_a_few_hold_most_units_count_as_few(largest: float, says: str | None) -> None:
    world = in_clusters(40)
    held = world.measured.clusters
    assert held is not None
    units = np.where(held.code < 3, largest, 10.0)
    sums = ClusterSums(units, units[:, None], units)

    found = few_clusters(
        replace(world, measured=replace(world.measured, clusters=replace(held, sums={"fetched": sums})))
    )

    # (3 * 70 + 370)² / (3 * 70² + 3,700) = 18.3; (600 + 370)² / (120,000 + 3,700) = 7.6, hand arithmetic
    assert (found is None) if says is None else (found is not None and says in found.says)


def guarded(segments: tuple[str, ...] = (), planned_units: int | None = 1000) -> Evidence:
    """Before the first look, with a guardrail that is watched and one that is to be proved."""
    size = Size(value=0.5, relative=False)
    of = plan(
        [guardrail("load", size, mode=Mode.WATCH), guardrail("errors", size)],
        segments=segments,
        method=Method.GROUP_SEQUENTIAL,
        looks=(WEEK,),
        planned_units=planned_units,
    )
    values = [np.tile([1.0, 2.0], 50)] * 2
    return Evidence(of, started(measured({"load": values, "errors": values}), days=3, looks=[]))


@pytest.mark.parametrize(
    ("world", "says"),
    [
        (lambda: looking(6.5, ()), "and no effect is shown"),
        (guarded, "and no effect is shown; only harm of load, errors is watched all the same"),
        (lambda: guarded(("near",)), "only harm of load, errors is watched all the same"),
        (lambda: guarded(planned_units=None), "and no effect is shown"),
    ],
)
def test_before_the_first_look_only_what_is_so_is_said_of_harm(world: World, says: str) -> None:
    found = before_first_look(world())

    assert found is not None
    assert found.says.endswith(says)


def test_before_the_first_look_no_doubt_tells_outcomes_by_variant() -> None:
    of = plan(
        [primary("bought"), primary("kept")],
        method=Method.GROUP_SEQUENTIAL,
        looks=(WEEK,),
        planned_units=1000,
    )
    few, none, all_alike = np.zeros(100), np.zeros(100), [np.ones(100)] * 2
    few[:3] = 1.0
    world = measured({"bought": [none, few], "kept": all_alike})

    early, at_look = (
        {one.code: one.says for one in doubts(Evidence(of, started(world, days=days, looks=[])))}
        for days in (3, 9)
    )

    assert "too_few_units" not in early
    assert early["zero_spread"] == "every unit has the same value (kept is 1 for all 200 units)"
    assert "bought is 0 for all 100 units of control" in at_look["zero_spread"]
    assert "bought has 3 conversions among 100 units" in at_look["too_few_units"]


def late(method: Method, days: float = 24, looks: tuple[int, ...] = (300, 600, 900)) -> Evidence:
    world = looking(days, looks)
    rules = world.plan.analysis.model_copy(update={"method": method})
    return replace(world, plan=world.plan.model_copy(update={"analysis": rules}))


@pytest.mark.parametrize("method", [Method.FIXED, Method.GROUP_SEQUENTIAL, Method.HYBRID])
def test_units_that_matured_after_the_planned_end_are_found(method: Method) -> None:
    end = datetime(2026, 11, 23, 9, tzinfo=UTC)

    assert planned_end(late(method).plan, late(method).measured) == end
    # 1,000 units by then: nobody came later
    same = late(method, looks=(300, 600, 1000))
    assert planned_end(same.plan, same.measured) is None
    on_time = late(method, days=21)
    assert planned_end(on_time.plan, on_time.measured) is None
    timeless = replace(late(method).measured, as_of=None)
    assert planned_end(late(method).plan, timeless) is None


def test_a_planned_end_is_missed_only_where_the_clock_has_passed_it_and_the_data_has_not() -> None:
    after, before = (datetime(2026, 11, day, 9, tzinfo=UTC) for day in (23, 22))
    for method in (Method.FIXED, Method.GROUP_SEQUENTIAL, Method.HYBRID):
        found = planned_end_missed(replace(late(method, days=20), clock=after))
        assert found is not None
        assert found.next.endswith("read the end with --as-of 2026-11-23T09:00:00+00:00")
        assert planned_end_missed(replace(late(method, days=20), clock=before)) is None
        assert planned_end_missed(replace(late(method, days=21), clock=after)) is None
        assert planned_end_missed(late(method, days=20)) is None

    assert planned_end_missed(replace(late(Method.SEQUENTIAL, days=20), clock=after)) is None


def test_an_always_valid_plan_has_no_end_that_its_alpha_is_spent_at() -> None:
    world = late(Method.SEQUENTIAL)

    assert planned_end(world.plan, world.measured) is None
    assert after_planned_end(world) is None


def test_a_reading_held_at_the_planned_end_says_up_to_when_there_is_data() -> None:
    world = late(Method.GROUP_SEQUENTIAL, days=21)
    beyond = datetime(2026, 12, 1, 9, tzinfo=UTC)

    found = after_planned_end(replace(world, measured=replace(world.measured, beyond=beyond)))

    assert found is not None
    assert found.says == (
        "the planned end was 2026-11-23 09:00+00:00, and the data goes on to 2026-12-01 09:00+00:00: "
        "all alpha was spent at the planned end, so its reading is shown, and later units are left out"
    )


def skewed_by(role: str) -> Finding | None:
    """15 % of 9,000 and of 600 units with the outcome: skewness 1.96, g = 0.078."""
    size = Size(value=0.1, relative=False)
    metric = guardrail("fetched", size) if role == "guardrail" else primary()
    return skewed(Evidence(plan([metric]), two_shares((1350, 9000), (90, 600))))


def test_one_sided_tests_are_doubted_from_half_the_skewness_on() -> None:
    assert skewed_by("primary") is None
    found = skewed_by("guardrail")
    assert found is not None
    assert "fetched of voucher: +0.07" in found.says


def totals(skew: float, *, mixed: bool) -> Evidence:
    """400 clusters, of one variant each or of both; treatment's totals are skewed by so much."""
    rng = np.random.default_rng(4)
    world, count = evidence(), 400
    code = np.tile(np.arange(count), 2) if mixed else np.arange(2 * count)
    variants = world.measured.cells.variant.code
    cell = np.repeat([int(np.flatnonzero(variants == index)[0]) for index in range(2)], count)
    own = rng.normal(size=2 * count)
    own[count:] = 12 * stats.gamma(4 / skew**2).rvs(count, random_state=5) if skew else own[count:]
    sums = ClusterSums(np.full(2 * count, 5.0), own[:, None], own**2)
    clusters = Clusters(code, cell, {"fetched": sums}, lost=0)
    return replace(world, measured=replace(world.measured, clusters=clusters))


@pytest.mark.parametrize("mixed", [False, True])
def test_over_clusters_the_skewness_is_that_of_what_each_adds(*, mixed: bool) -> None:
    assert skewed(totals(0.0, mixed=mixed)) is None
    found = skewed(totals(6.0, mixed=mixed))
    assert found is not None

    world = totals(6.0, mixed=mixed).measured
    assert world.clusters is not None
    own = world.clusters.sums["fetched"].totals[:, 0]
    error = np.concatenate([-(own[:400] - own[:400].mean()), own[400:] - own[400:].mean()])
    error = error.reshape(2, 400).sum(axis=0) if mixed else error
    g = asymmetry_over_clusters(world, primary(), 1, (np.zeros_like(world.cells.variant.code), 1))
    assert g is not None
    # scipy's skewness of the clusters' parts, over the root of their number
    assert g[0] == pytest.approx(stats.skew(error) / np.sqrt(len(error)), rel=1e-9)


def test_levels_have_a_skewness_each_and_metrics_without_clusters_none() -> None:
    world = totals(6.0, mixed=False).measured
    assert world.clusters is not None
    levels = np.arange(len(world.cells.variant.code)) % 2

    found = asymmetry_over_clusters(world, primary(), 1, (np.zeros_like(levels), 3))

    assert found is not None
    assert np.isfinite(found[0])
    assert found[1:].tolist() == [0.0, 0.0]
    assert asymmetry_over_clusters(world, primary("other"), 1, (levels, 2)) is None
