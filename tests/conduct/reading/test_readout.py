"""Readouts of sealed plans, and the looks that they leave in the log."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from splitrun.conduct.analyze import analyze
from splitrun.conduct.desk import Desk
from splitrun.conduct.experiment import plan_of
from splitrun.conduct.reading.readout import Wish, readout
from splitrun.conduct.registry.place import home
from splitrun.errors import SpecError, StoreError
from splitrun.infer.estimate import Estimate, Kind, Unknown, Why
from splitrun.judge.readout import Registration, Verdict
from splitrun.plan.sealing.canonical import reopened
from splitrun.report.notebook import Shown
from splitrun.spec.plan import Plan
from splitrun.store.canonical import canonical, digest
from splitrun.store.registry.documents import SealedPlan
from tests.conduct.reading.checkouts import AFTER, EXPERIMENT, SEALED, looks, project, seal

BEFORE = "2026-11-10T12:00:00+00:00"
DESK = Desk(now=lambda: AFTER)
LATE = "LATE: sealed after 1,234 units had been exposed: the test had been started by hand"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return project(tmp_path)


def read(
    file: Path,
    as_of: datetime | str | None = AFTER,
    *,
    reason: str | None = None,
    early: str | None = None,
    environment: str | None = None,
) -> Shown:
    wish = Wish(environment, reason, early, "ann")
    return readout("checkout", file.parent, as_of=as_of, wish=wish, desk=DESK)


def amended(sealed: SealedPlan, **rules: object) -> Plan:
    plan = reopened(sealed.body)
    return plan.model_copy(update={"analysis": plan.analysis.model_copy(update=rules)})


def seal_of(shown: Shown) -> Registration:
    assert shown.registration is not None
    return shown.registration


@pytest.mark.requirement("R11", "R12")
def test_a_readout_reads_the_sealed_plan_and_not_the_file(file: Path) -> None:
    sealed = seal(file)
    file.write_text(EXPERIMENT.replace("{method: fixed, planned_units: 400}", "{method: fixed, alpha: 0.2}"))

    shown = read(file)

    assert shown.plan == reopened(sealed.body)
    assert shown.lineage.plan_digest == sealed.digest
    assert (shown.registered, seal_of(shown).confirmatory, seal_of(shown).recorded) == (True, True, True)
    assert f"Registered 2026-11-02 by ann ({sealed.digest[:19]}…)" in repr(shown)


@pytest.mark.requirement("R12")
def test_every_look_stands_in_the_log_with_what_was_seen(file: Path) -> None:
    sealed = seal(file)

    shown = read(file, reason="weekly review")

    (entry,) = looks(file)
    said = json.loads(entry.content)
    assert (entry.actor, entry.subject, entry.reason) == ("ann", "experiment/checkout", "weekly review")
    assert (entry.project, entry.environment) == ("shop", "production")
    assert said == {
        "readout": digest(canonical(json.loads(shown.to_json()))),
        "plan": sealed.digest,
        "version": 1,
        "as_of": AFTER.isoformat(),
        "exposed": 400,
        "effects": True,
        "judged": True,
        "information": 1,
        "decision": None,
        "early": None,
    }


def test_nothing_is_shown_where_the_look_cannot_be_kept(file: Path) -> None:
    seal(file)
    for key in (file.parents[1] / "state" / "keys").iterdir():
        key.unlink()

    with pytest.raises(StoreError):
        read(file)


@pytest.mark.requirement("R07")
def test_a_plan_for_one_reading_is_blinded_before_its_planned_end(file: Path) -> None:
    seal(file)

    shown = read(file, BEFORE)

    # refunds are to be proved: over all units nothing is told before the end, and harm is watched by segment
    whole = [found for found in shown.comparisons if found.segment is None]
    assert all(found.absolute == Unknown(Why.NO_ALPHA) for found in whole)
    assert all(found.control.mean is None for found in whole)
    assert "before_first_look" in [finding.code for finding in shown.findings]
    assert shown.plan.analysis.method == "fixed"
    assert sum(count.exposed for count in shown.units) > 100
    assert json.loads(looks(file)[0].content)["judged"] is False


def test_a_blinded_look_without_watched_harm_shows_no_effect_at_all(file: Path) -> None:
    file.write_text(EXPERIMENT.replace("segments: {country: {values: country}}\n", ""))
    seal(file)

    read(file, BEFORE)

    assert json.loads(looks(file)[0].content)["effects"] is False


@pytest.mark.requirement("R07")
def test_an_early_look_needs_a_reason_and_makes_intervals_always_valid_from_then_on(file: Path) -> None:
    seal(file)

    early = read(file, BEFORE, early="the shop closes tomorrow")
    end = read(file)

    for shown in (early, end):
        absolute = shown.comparisons[0].absolute
        assert isinstance(absolute, Estimate)
        assert absolute.kind is Kind.ALWAYS_VALID
        assert seal_of(shown).early == "the shop closes tomorrow"
        assert "Read before its planned end, so intervals hold at any time" in repr(shown)
    assert [json.loads(entry.content)["early"] for entry in looks(file)] == ["the shop closes tomorrow"] * 2


def test_at_the_planned_end_nothing_is_early(file: Path) -> None:
    seal(file)

    shown = read(file, early="in a hurry")

    absolute = shown.comparisons[0].absolute
    assert isinstance(absolute, Estimate)
    assert (absolute.kind, seal_of(shown).early) == (Kind.FIXED, None)


@pytest.mark.parametrize(
    ("wish", "rules", "says"),
    [
        ({"early": " "}, "{method: fixed, planned_units: 400}", "--early: no reason is given"),
        ({"reason": ""}, "{method: fixed, planned_units: 400}", "--reason: no reason is given"),
        (
            {"environment": "prodution"},
            "{method: fixed}",
            "there is no environment 'prodution'; .*production",
        ),
        ({"early": "now"}, "{method: fixed}", "no `planned_units`.*amend the plan"),
        ({"early": "now"}, "{method: sequential, planned_units: 400}", "leave `--early` out"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_with_what_to_do(
    file: Path, wish: dict[str, str], rules: str, says: str
) -> None:
    file.write_text(EXPERIMENT.replace("{method: fixed, planned_units: 400}", rules))
    seal(file)

    with pytest.raises(SpecError, match=says):
        read(file, **wish)
    assert looks(file) == []


def test_an_experiment_that_was_not_sealed_has_no_readout(file: Path) -> None:
    seal(file)

    with pytest.raises(SpecError, match=r"no plan of 'chekout' is sealed.*splitrun register chekout"):
        readout("chekout", file.parent)


def test_a_plan_without_exposures_has_nothing_to_read(file: Path) -> None:
    seal(file, plan_of(file).model_copy(update={"exposures": None}))

    with pytest.raises(SpecError, match=r"names no exposures.*amend the plan"):
        read(file)


@pytest.mark.requirement("R12")
def test_a_plan_that_was_sealed_late_says_so_on_every_form_for_ever(file: Path) -> None:
    sealed = seal(file, late="the test had been started by hand", exposures=1234, reason="better late")
    seal(file, amended(sealed, alpha=0.01), follows=sealed, reason="stricter", confirmatory=True)

    for shown in (read(file), analyze(file, as_of=AFTER, desk=DESK)):
        forms = [
            repr(shown),
            shown._repr_html_(),
            shown.to_html(),
            shown.to_markdown(),
            shown._repr_markdown_(),
        ]
        assert all(LATE in " ".join(form.split()) for form in forms)
        assert shown.to_dict()["registration"]["late"] == "the test had been started by hand"  # type: ignore[index]  # a mapping
        assert (shown.registered, seal_of(shown).confirmatory) == (False, False)
        assert not any(found.registered for found in shown.comparisons)


@pytest.mark.requirement("R11", "R13")
def test_what_was_amended_after_effects_had_been_seen_is_exploratory(file: Path) -> None:
    first = seal(file)
    seen = {"looks": 2, "effects": True, "units": 1000}
    seal(file, amended(first, alpha=0.1), follows=first, reason="more power", seen=seen, confirmatory=False)

    shown = read(file)

    (one,) = seal_of(shown).amendments
    assert (one.fields, one.looks, one.effects, one.units) == (("analysis.alpha",), 2, True, 1000)
    assert seal_of(shown).deviations == ()
    assert {found.verdict for found in shown.comparisons} == {Verdict.EXPLORATORY}
    assert "Amendment 1, 2026-11-02 by ann, after 2 looks of 1,000 units (effects had been seen)" in " ".join(
        repr(shown).split()
    )


@pytest.mark.requirement("R11")
def test_what_was_amended_before_any_effect_was_seen_stays_confirmatory(file: Path) -> None:
    first = seal(file)
    seen = {"looks": 1, "effects": False, "units": 9}
    seal(file, amended(first, alpha=0.01), follows=first, reason="stricter", seen=seen, confirmatory=True)

    shown = read(file)

    assert (shown.registered, seal_of(shown).confirmatory, seal_of(shown).amendment) == (True, True, 1)
    assert "1 amendment" in repr(shown)


def test_facts_that_cannot_be_read_are_no_facts(file: Path) -> None:
    seal(file, late=1)

    with pytest.raises(StoreError, match="kept beside the sealed plan of 'checkout' cannot be read"):
        read(file)


@pytest.mark.requirement("R12")
def test_a_file_that_is_not_what_was_sealed_is_told_field_by_field(file: Path) -> None:
    seal(file)
    file.write_text(EXPERIMENT.replace("planned_units: 400", "planned_units: 400, alpha: 0.1"))

    shown = analyze(file, as_of=AFTER, desk=DESK)

    assert [one.field for one in seal_of(shown).deviations] == ["analysis.alpha"]
    assert "Deviates from the sealed plan: analysis.alpha 0.05 → 0.1" in repr(shown)
    assert (shown.registered, shown.decision, seal_of(shown).recorded) == (False, None, False)
    assert "stands in no log of looks" in repr(shown)


def test_a_version_that_was_not_sealed_is_not_registered(file: Path) -> None:
    seal(file)
    (file.parents[1] / "flags").mkdir()
    (file.parents[1] / "flags" / "page.yaml").write_text("flags:\n  page: {type: boolean, default: off}\n")
    served = "variants: {control: {serve: off}, one-page: {serve: on}}\nflag: page\nversion: 2"
    file.write_text(EXPERIMENT.replace("variants: {control: {}, one-page: {}}", served))

    assert analyze(file, as_of=AFTER, desk=DESK).registration is None


def test_without_a_registry_nothing_is_registered_and_none_is_made(file: Path) -> None:
    shown = analyze(file, as_of=AFTER, desk=DESK)

    assert (shown.registration, shown.registered, shown.post_hoc) == (None, False, ())
    assert not (file.parents[1] / "state").exists()


@pytest.mark.requirement("R12")
def test_two_that_look_at_once_are_two_looks(file: Path) -> None:
    seal(file)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: read(file), range(4)))

    assert len(looks(file)) == 4
    with home(file.parent).registry() as registry:
        assert registry.integrity() == ()
        # the first key, the seal, and the looks
        assert [entry.number for entry in registry.entries()] == list(range(1, 7))


def test_a_sealed_plan_is_of_its_moment(file: Path) -> None:
    sealed = seal(file)

    assert (sealed.at, seal_of(read(file)).at) == (SEALED, SEALED)
