"""What is hidden is on no surface, and what decides is as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from splitrun.check.evidence import Finding, Severity
from splitrun.govern.cells.withholding import Screened
from splitrun.infer.estimate import Unknown, Why
from splitrun.judge.readout import Readout
from splitrun.report.form import form, schema, written
from splitrun.report.html import html
from splitrun.report.markdown import markdown
from splitrun.report.notebook import shown as presented
from splitrun.report.page import page
from splitrun.report.table import table
from splitrun.report.text import text
from tests.govern.cells.worlds import Units, looked, shown

SEGMENTS = ("country", "plan")
FEW = "fewer than 10 units"


def world() -> Units:
    """300 units: 7 of LI in each variant, 143 spread evenly over DE, FR and AT; all plans are large."""
    number = np.arange(300)
    country = np.array(["DE", "FR", "AT"])[number // 2 % 3]
    country[:14] = "LI"
    return Units(
        variant=number % 2,
        labels={"country": country, "plan": np.array(["free", "team"])[number // 2 % 2]},
        value=(number % 5 < 2).astype(np.float64),
        known=np.ones(300, dtype=bool),
    )


@cache
def readouts() -> tuple[Readout, Readout, Screened]:
    return shown(world(), 300, 10, SEGMENTS)


@pytest.mark.requirement("R78")
def test_a_small_level_is_hidden_with_another_and_all_else_is_shown() -> None:
    _, seen, cells = readouts()

    gone = {(one.segment, one.level) for one in seen.comparisons if one.suppressed}

    assert {("country", "LI")} < gone
    assert len(gone) == 2
    assert not [one for one in gone if one[0] == "plan"]
    assert {place.level for place in cells.hidden["fetched"]} == {level for _, level in gone}


@pytest.mark.requirement("R78")
def test_nothing_that_decides_is_touched() -> None:
    whole, seen, _ = readouts()

    def deciding(readout: Readout) -> list[object]:
        return [one for one in readout.comparisons if one.segment is None]

    assert deciding(seen) == deciding(whole)
    assert (seen.units, seen.findings, seen.decision) == (whole.units, whole.findings, whole.decision)
    kept = [one for one in seen.comparisons if not one.suppressed]
    assert all(one in whole.comparisons for one in kept)


@pytest.mark.requirement("R78")
def test_a_finding_that_tells_shares_of_levels_tells_none_where_some_are_hidden() -> None:
    whole, _, cells = readouts()
    told = Finding("unrepresentative", Severity.WARN, "country = LI is 4.7 % of them and 9.0 % of it", "look")
    other = replace(told, code="split", says="300 units")
    read = replace(whole, findings=(other, told))

    found = cells.withheld(read).findings

    assert found[0] == other
    assert (found[1].code, found[1].severity, found[1].next) == (told.code, told.severity, told.next)
    assert "LI" not in found[1].says
    assert "%" not in found[1].says
    assert FEW in found[1].says
    assert replace(cells, hidden={}).withheld(read) == read


@pytest.mark.requirement("R78")
@pytest.mark.parametrize("surface", [text, markdown, html, page, written, lambda one: repr(presented(one))])
def test_every_surface_says_that_there_are_few_units_and_why(surface: object) -> None:
    _, seen, _ = readouts()
    assert callable(surface)

    told = " ".join(str(surface(seen)).replace("\xa0", " ").split())

    assert FEW in told
    assert "min_cell: 10" in told.replace("\\", "")


@pytest.mark.requirement("R78")
def test_the_form_has_null_and_never_0_where_a_level_is_hidden() -> None:
    _, seen, _ = readouts()

    told = form(seen)

    Draft202012Validator(schema()).validate(told)
    estimates = told["estimates"]
    assert isinstance(estimates, list)
    hidden = [one for one in estimates if one["suppressed"] is not None]
    assert {one["segment"]["level"] for one in hidden} > {"LI"}
    for one in hidden:
        assert one["suppressed"]["min_cell"] == 10
        assert one["suppressed"]["says"].startswith(f"withheld: {FEW}")
        for side in (one["control"], one["treatment"]):
            assert set(side.values()) == {None}
        assert one["absolute"]["unknown"] == one["relative"]["unknown"] == "suppressed"
        assert one["p"] is None
    assert all(one["suppressed"] is None for one in estimates if one["segment"] is None)


@pytest.mark.requirement("R78")
def test_the_table_has_no_number_of_a_hidden_level() -> None:
    _, seen, _ = readouts()

    rows = [row for row in table(seen).to_pylist() if row["suppressed"]]

    assert rows
    assert not [value for row in rows for value in row.values() if isinstance(value, (int, float)) and value]
    assert not [row for row in rows if row["control_units"] is not None]


@pytest.mark.requirement("R78")
def test_levels_and_statements_do_not_tell_sizes_by_their_order() -> None:
    _, seen, _ = readouts()

    mine = [one for one in seen.comparisons if (one.metric, one.segment) == ("fetched", "country")]

    assert [one.suppressed is None for one in mine] == [True, True, False, False]
    assert [one.level for one in mine[2:]] == sorted(one.level or "" for one in mine[2:])
    assert seen.lineage.sql[0].sql.startswith("-- withheld")


@pytest.mark.requirement("R78")
def test_a_test_between_levels_is_withheld_where_one_of_them_is() -> None:
    whole, seen, _ = readouts()
    before = {one.segment: one for one in whole.heterogeneity}

    tests = {one.segment: one for one in seen.heterogeneity}

    assert (tests["country"].q, tests["country"].p, tests["country"].p_adjusted) == (None, None, None)
    assert FEW in str(tests["country"].withheld)
    assert (tests["plan"].q, tests["plan"].p) == (before["plan"].q, before["plan"].p)
    # 1 primary x 1 treatment x 2 segments: Bonferroni's bound, which Holm never exceeds
    assert before["plan"].p is not None
    assert tests["plan"].p_adjusted == pytest.approx(min(1.0, 2 * before["plan"].p))
    assert (tests["plan"].p_adjusted or 0.0) >= (before["plan"].p_adjusted or 0.0)


@pytest.mark.requirement("R78")
def test_a_metric_that_few_are_known_of_hides_its_own_levels_alone() -> None:
    units = world()
    known = units.known.copy()
    known[units.labels["plan"] == "free"] = np.arange((units.labels["plan"] == "free").sum()) < 6
    units = replace(units, known=known)

    _, seen, cells = shown(units, 300, 10, ("plan",))

    assert not cells.hidden["fetched"]
    assert {place.level for place in cells.hidden["revenue"]} == {"free", "team"}
    assert {one.metric for one in seen.comparisons if one.suppressed} == {"revenue"}


@pytest.mark.requirement("R78")
def test_a_later_look_hides_what_three_new_units_would_tell() -> None:
    units = world()
    order = np.argsort(np.arange(300) == 0, kind="stable")
    units = Units(
        units.variant[order],
        {key: of[order] for key, of in units.labels.items()},
        units.value[order],
        units.known[order],
    )
    _, first, cells = shown(units, 294, 2, SEGMENTS)

    _, again, _ = shown(units, 294, 2, SEGMENTS, past=[looked(cells, first)])
    _, second, _ = shown(units, 296, 2, SEGMENTS, past=[looked(cells, first)])

    assert [one.suppressed for one in again.comparisons] == [one.suppressed for one in first.comparisons]
    assert not [one for one in first.comparisons if one.suppressed]
    assert [one for one in second.comparisons if one.suppressed]
    assert second.as_of is not None
    assert first.as_of is not None
    assert second.as_of - first.as_of == timedelta(minutes=2)


def test_nothing_is_hidden_where_no_least_is_asked_for() -> None:
    whole, seen, cells = shown(world(), 300, 1, SEGMENTS)

    assert seen == whole
    assert not any(cells.hidden.values())


def test_a_hidden_effect_says_why_it_has_no_number() -> None:
    _, seen, _ = readouts()

    effects = {one.absolute for one in seen.comparisons if one.suppressed}

    assert effects == {Unknown(Why.SUPPRESSED)}
    assert "fewer units than may be shown" in Why.SUPPRESSED.says


@pytest.mark.requirement("R78")
def test_units_that_would_give_a_metric_away_are_hidden_too() -> None:
    # 12 of LI in each variant, of 9 of whom revenue is known, as it is of everybody else
    units = world()
    country, known = units.labels["country"].copy(), units.known.copy()
    country[14:24], known[:6] = "LI", False
    units = replace(units, labels={**units.labels, "country": country}, known=known)

    _, seen, cells = shown(units, 300, 10, ("country",))

    assert "LI" in {place.level for place in cells.hidden["revenue"]}
    assert len(cells.hidden["revenue"]) > 1
    assert "LI" in {one.level for one in seen.comparisons if one.suppressed and one.metric == "fetched"}


@pytest.mark.requirement("R78")
def test_two_levels_with_few_units_between_them_are_not_both_shown() -> None:
    # whoever is older is grown, and three of the grown in each variant are not older
    number = np.arange(300)
    units = Units(
        variant=number % 2,
        labels={
            "grown": np.where(number < 200, "true", "false"),
            "older": np.where(number < 194, "true", "false"),
        },
        value=(number % 5 < 2).astype(np.float64),
        known=np.ones(300, dtype=bool),
    )

    _, seen, _ = shown(units, 300, 10, ("grown", "older"))

    gone = {(one.segment, one.level) for one in seen.comparisons if one.suppressed}
    assert gone
    assert not {("grown", "true"), ("older", "true")} - gone or len({one[0] for one in gone}) == 1


def test_a_readout_without_segments_hides_nothing() -> None:
    whole, seen, cells = shown(world(), 300, 10, ())

    assert seen == whole
    assert not cells.hidden
