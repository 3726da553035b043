"""A declared frame, measured by `splitrun baseline` and told by `splitrun plan`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from splitrun.conduct.desk import Desk
from splitrun.conduct.planning.baseline import baseline
from splitrun.conduct.planning.kept import keep_history
from splitrun.conduct.planning.looking import Looking
from splitrun.conduct.planning.preview import preview
from splitrun.conduct.registry.place import URL
from splitrun.errors import SpecError
from splitrun.plan.power.history import History
from splitrun.plan.representation.frame import left_out, represented
from splitrun.plan.sealing.canonical import reopened
from splitrun.report.planning.text import preview_text
from tests.conduct.planning.worlds import EXPERIMENT, project

NOW = Desk(now=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
WEEK = Looking(units="visits", since=date(2026, 2, 1), until=date(2026, 2, 8))

DECLARED = """\
audience: not tablets
frame: {population: people, by: [device, country]}
sources: {people: {csv: data/people.csv, unit: user_id}}
"""
AUDIENCES = "audiences: {tablets: \"device = 'tablet'\"}\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """46 people are on mobiles, 31 on tablets, 23 on desktops; of every five, three are in Germany."""
    monkeypatch.delenv(URL, raising=False)
    experiment = project(tmp_path)
    devices = ["mobile"] * 46 + ["tablet"] * 31 + ["desktop"] * 23
    rows = [f"{user},{device},{'DE' if user % 5 < 3 else 'FR'}" for user, device in enumerate(devices)]
    (tmp_path / "data" / "people.csv").write_text("\n".join(["user_id,device,country", *rows]) + "\n")
    (tmp_path / "flags" / "audiences.yaml").write_text(AUDIENCES)
    experiment.write_text(EXPERIMENT + DECLARED)
    return experiment


def measured(shop: Path) -> History:
    return baseline(shop, WEEK, desk=NOW)


@pytest.mark.requirement("R10")
def test_a_level_of_the_population_that_the_frame_misses_is_flagged(shop: Path) -> None:
    found = measured(shop).baselines.frame

    assert found is not None
    assert (found.units, found.inside, found.measured) == (100, 69, "2026-03-01")
    assert [(one.label, one.population, one.frame) for one in found.by["device"]] == [
        ("mobile", 46, 46),
        ("tablet", 31, 0),
        ("desktop", 23, 23),
    ]
    # users 46 to 76 are on tablets: 46, 47, 75, 76 and three of every five from 50 to 74 are in Germany
    assert [(one.label, one.population, one.frame) for one in found.by["country"]] == [
        ("DE", 60, 41),
        ("FR", 40, 28),
    ]
    assert left_out(found).endswith("leaves out 31 % of the population people (31 of 100 units): "
                                    "no unit with device = tablet")  # fmt: skip


@pytest.mark.requirement("R10")
def test_what_was_measured_of_the_frame_stands_in_the_plan(shop: Path) -> None:
    before = preview(shop, desk=NOW)
    keep_history(measured(shop), shop.parents[1])

    after = preview(shop, desk=NOW)

    assert "frame_unmeasured" in [one.code for one in before.advice]
    assert "frame_leaves_out" in [one.code for one in after.advice]
    assert after.ready
    assert represented(after.plan) == measured(shop).baselines.frame
    assert "WHOM THE FRAME STANDS FOR" in preview_text(after)
    assert reopened(after.canonical) == after.plan
    shop.write_text(EXPERIMENT + DECLARED.replace("not tablets", "tablets"))
    assert "frame_unmeasured" in [one.code for one in preview(shop, desk=NOW).advice]


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (("population: people", "population: peopel"), "there is no source 'peopel'.*did you mean 'people'"),
        (("[device, country]", "[plan]"), "people: there is no column 'plan', which frame.by names"),
        (("csv: data/people.csv", "csv: data/gone.csv"), "gone.csv"),
    ],
)
def test_a_frame_that_cannot_be_measured_is_told_and_stops_nobody(
    shop: Path, spoilt: tuple[str, str], says: str
) -> None:
    shop.write_text(EXPERIMENT + DECLARED.replace(*spoilt))

    found = measured(shop)

    assert found.baselines.frame is None
    assert found.baselines.metrics
    (note,) = [note for note in found.notes if "frame" in note]
    assert note.startswith("the frame is not measured: ")
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(note)


@pytest.mark.requirement("R10")
def test_without_an_audience_the_frame_is_the_whole_population(shop: Path) -> None:
    shop.write_text(EXPERIMENT + DECLARED.replace("audience: not tablets\n", ""))

    found = measured(shop).baselines.frame

    assert found is not None
    assert (found.units, found.inside, left_out(found)) == (100, 100, "")


def test_an_experiment_that_is_a_mapping_has_a_frame_too(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.parents[1])
    rows = {"csv": "data/people.csv", "unit": "user_id"}
    written = {
        "key": "checkout",
        "unit": "user",
        "hypothesis": {
            "change": "one page",
            "because": "carts are dropped",
            "expect": {"metric": "bought", "direction": "higher", "mei": "9pp"},
        },
        "flag": "checkout-flow",
        "variants": {"control": {"serve": "three"}, "one-page": {"serve": "one"}},
        "sources": {"people": rows, "orders": {"csv": "data/orders.csv", "unit": "user_id", "time": "at"}},
        "metrics": {"primary": [{"key": "bought", "kind": "share", "source": "orders", "better": "higher"}]},
        "analysis": {"method": "fixed"},
        "audience": "device <> 'tablet'",
        "frame": {"population": "people", "by": ["device"]},
    }

    found = baseline(written, Looking(units="orders", days=7), desk=NOW).baselines.frame

    assert found is not None
    assert (found.units, found.inside) == (100, 69)


def test_a_source_of_the_experiment_s_own_file_may_be_history(shop: Path) -> None:
    own = DECLARED.replace("people: {", "clicks: {csv: data/visits.csv, unit: user_id, time: at}, people: {")
    shop.write_text(EXPERIMENT + own)

    assert baseline(shop, Looking(units="clicks", days=7), desk=NOW).units
    with pytest.raises(SpecError, match="there is no source 'click'"):
        baseline(shop, Looking(units="click", days=7), desk=NOW)
