"""What would be sealed, with what stands in its way and what the registry holds."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from splitrun.conduct.definitions.kept import written
from splitrun.conduct.desk import Desk
from splitrun.conduct.planning.kept import keep_history, place_of
from splitrun.conduct.planning.power import forecast_of
from splitrun.conduct.planning.preview import preview
from splitrun.conduct.registry.place import URL, home
from splitrun.errors import SpecError
from splitrun.plan.power.history import History
from splitrun.plan.seal import digest
from splitrun.report.planning.preview import Preview
from splitrun.spec.power.baselines import Baselines, MeanBaseline, ShareBaseline
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, Seal, Writing
from splitrun.store.registry.documents import Kind
from tests.conduct.planning.worlds import EXPERIMENT, SETTINGS, project

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DESK = Desk(now=lambda: NOON)


def history(**more: object) -> History:
    known = Baselines(
        units_per_day=200.0,
        metrics={
            "bought": ShareBaseline(share=0.16),
            "revenue": MeanBaseline(mean=7.0, sd=20.0, r2=0.25),
            "gone": ShareBaseline(share=0.5),
        },
        measured="2,800 units of visits",
        until="2026-02-16",
    )
    days = (date(2026, 2, 2), date(2026, 2, 16))
    whole = History(
        "checkout", "visits", *days, "Europe/Berlin", NOON.date(), 2_800, 2_800, known, (("p90", "why"),)
    )
    return (
        whole if not more else History(**{**{name: getattr(whole, name) for name in whole.__slots__}, **more})
    )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(URL, raising=False)
    return project(tmp_path)


def shown(shop: Path, **more: object) -> Preview:
    return preview(shop, desk=DESK, **more)  # type: ignore[arg-type]  # the words are what is tested


@pytest.mark.requirement("R06")
def test_what_was_measured_is_found_beside_the_experiment(shop: Path) -> None:
    file = keep_history(history(), shop.parents[1])

    found = shown(shop)

    assert Path(file).name == "checkout.yaml"
    assert found.ready
    assert found.plan.baselines is not None
    assert found.plan.baselines.units_per_day == 200.0
    # what the plan no longer measures does not enter it
    assert set(found.plan.baselines.metrics) == {"bought", "revenue"}
    assert found.age == 13
    assert found.forecast is not None
    assert found.forecast.planned == 2_800
    assert found.digest == digest(found.plan)
    assert json.loads(found.canonical)["baselines"]["until"] == "2026-02-16"
    assert forecast_of(shop, None, {}, lambda: NOON).planned == 2_800


def test_what_the_experiment_says_itself_counts_more_than_what_was_measured(shop: Path) -> None:
    keep_history(history(), shop.parents[1])
    shop.write_text(EXPERIMENT + "baselines: {metrics: {bought: {share: 20%}}}\n")

    by_file, by_hand = shown(shop), shown(shop, baselines={"metrics": {"bought": {"share": "30%"}}})

    for found, share in ((by_file, 0.2), (by_hand, 0.3)):
        assert found.plan.baselines is not None
        assert found.plan.baselines.metrics["bought"] == ShareBaseline(share=share)
        assert found.plan.baselines.units_per_day == 200.0


@pytest.mark.requirement("R06")
def test_baselines_that_are_old_are_told_with_their_age(shop: Path) -> None:
    keep_history(history(), shop.parents[1])
    late = datetime(2026, 6, 1, tzinfo=UTC)

    found = preview(shop, desk=Desk(now=lambda: late))

    assert found.age == 105
    assert [one.code for one in found.advice if one.code == "old_baselines"]
    assert "old_baselines" in [one.code for one in forecast_of(shop, None, {}, lambda: late).advice]


@pytest.mark.requirement("R83")
def test_a_project_may_refuse_baselines_that_are_old(shop: Path) -> None:
    keep_history(history(), shop.parents[1])
    (shop.parents[1] / "splitrun.yaml").write_text(SETTINGS + "policy: {baselines: {max_age: 30d}}\n")
    ended = datetime(2026, 2, 16, tzinfo=UTC)

    found = {
        days: preview(shop, desk=Desk(now=lambda at=ended + timedelta(days=days): at)).rules  # type: ignore[misc]  # a clock of its day
        for days in (30, 31)
    }

    assert found[30] == ()
    (told,) = found[31]
    assert told.name == "stale_baselines"
    assert told.says == (
        "the baselines are of a history that ended 31 days ago, on 2026-02-16, and splitrun.yaml wants at "
        "most 30d"
    )
    assert told.next == "measure them again with `splitrun baseline checkout`"


def test_baselines_that_somebody_wrote_are_not_written_over(shop: Path) -> None:
    folder = shop.parents[1] / "baselines"
    folder.mkdir()
    (folder / "checkout.yaml").write_text("units_per_day: 3\n")

    with pytest.raises(SpecError, match="is there already and is no report of splitrun"):
        keep_history(history(), shop.parents[1])


def test_a_place_where_no_folder_can_be_made_is_told(shop: Path) -> None:
    (shop.parents[1] / "baselines").write_text("this is a file")

    with pytest.raises(SpecError, match="no folder can be made here"):
        keep_history(history(), shop.parents[1])


def test_measured_baselines_are_written_over_by_newer_ones(shop: Path) -> None:
    keep_history(history(), shop.parents[1])

    keep_history(history(until=date(2026, 2, 20)), shop.parents[1])

    assert shown(shop).age == 9


@pytest.mark.requirement("R07")
def test_what_stands_in_the_way_is_told_while_nothing_is_known(shop: Path) -> None:
    found = shown(shop)

    assert not found.ready
    assert found.forecast is None
    assert "nothing is known of 'bought'" in found.refusals[0].says
    assert found.standing is None


def test_rules_that_are_not_kept_stand_in_the_way_until_they_are_waived(shop: Path) -> None:
    keep_history(history(), shop.parents[1])
    (shop.parents[1] / "splitrun.yaml").write_text(
        SETTINGS + "policy: {duration: {min: 21d}, guardrails: [revenue]}\n"
    )

    found = shown(shop)
    shop.write_text(EXPERIMENT + "waivers: {minimum_duration: the sale ends before}\n")
    waived = shown(shop)

    assert [rule.name for rule in found.rules] == ["minimum_duration"]
    assert not found.ready
    assert waived.ready
    assert waived.rules[0].waiver == "the sale ends before"


def committed(shop: Path, *writings: Writing, seals: tuple[Seal, ...] = ()) -> None:
    said = (Remark("apply", "project", "first", "shop"),)
    with home(shop.parent).registry(make=NOON) as registry:
        registry.commit(Change(NOON, "ann", said, writings, seals=seals))


def applied(shop: Path) -> None:
    bodies = written(shop.parent)
    committed(shop, *(Writing("shop", kind, key, body, None) for (kind, key), body in bodies.items()))


def test_a_registry_that_holds_the_same_is_told_to(shop: Path) -> None:
    keep_history(history(), shop.parents[1])
    applied(shop)

    found = shown(shop)

    assert found.standing is not None
    assert (found.standing.applied, found.standing.differs, found.standing.seal) == (True, (), None)


def test_files_that_differ_from_the_registry_are_named_field_by_field(shop: Path) -> None:
    applied(shop)
    shop.write_text(EXPERIMENT.replace("mei: 9pp", "mei: 5pp"))

    found = shown(shop)

    assert found.standing is not None
    assert "hypothesis.expect.mei" in " ".join(one.field for one in found.standing.differs)


def test_a_plan_that_is_sealed_already_is_compared_with_the_one_at_hand(shop: Path) -> None:
    applied(shop)
    keep_history(history(), shop.parents[1])
    first = shown(shop)
    committed(shop, seals=(Seal("shop", "checkout", 1, first.canonical),))
    shop.write_text(EXPERIMENT.replace("enrol: 14d", "enrol: 21d"))

    same, other = first, shown(shop)

    assert same.standing is not None
    assert other.standing is not None
    seal = other.standing.seal
    assert seal is not None
    assert (seal.digest, seal.version, seal.amendment, seal.actor) == (first.digest, 1, 0, "ann")
    assert "duration.enrol" in [one.field for one in seal.deviations]


def test_a_registry_that_does_not_know_the_experiment_says_so(shop: Path) -> None:
    committed(shop, Writing("bank", Kind.SEGMENT, "tier", "{}", None))

    found = shown(shop)

    assert found.standing is not None
    assert not found.standing.applied
    assert found.standing.unread is None


def test_a_registry_that_cannot_be_read_stops_nobody(shop: Path) -> None:
    (shop.parents[1] / "state").mkdir()
    (shop.parents[1] / "state" / "registry.db").write_text("this is no database")

    found = shown(shop)

    assert found.standing is not None
    assert found.standing.unread


def test_an_experiment_alone_has_no_project_and_no_rules(tmp_path: Path) -> None:
    lone = tmp_path / "lone.yaml"
    sources = (
        "exposures: {csv: e.csv, unit: user_id, variant: arm, time: at}\n"
        "sources: {orders: {csv: o.csv, unit: user_id, time: at}}\n"
    )
    text = EXPERIMENT.replace("flag: checkout-flow\n", sources)
    text = text.replace("{serve: three}", "{}").replace("{serve: one}", "{}")
    text = text.replace(
        "[bought]", "[{key: bought, kind: share, source: orders, window: 7d, better: higher}]"
    ).replace("  guardrails: [{metric: revenue, margin: 40%, mode: watch}]\n  secondary: [basket, p90]\n", "")
    lone.write_text(text)
    keep_history(history(), tmp_path)

    found = preview(lone, start=date(2026, 5, 1), desk=DESK)

    assert place_of(lone) == tmp_path
    assert place_of({}) is None
    assert found.ready
    assert (found.standing, found.rules, found.start) == (None, (), date(2026, 5, 1))


def test_a_registry_whose_definitions_make_no_plan_says_so(shop: Path) -> None:
    bodies = written(shop.parent)
    del bodies[Kind.METRIC, "bought"]
    committed(shop, *(Writing("shop", kind, key, body, None) for (kind, key), body in bodies.items()))

    found = shown(shop)

    assert found.standing is not None
    assert found.standing.applied
    assert "bought" in str(found.standing.unread)
