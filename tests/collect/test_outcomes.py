from __future__ import annotations

import pytest
from msgspec.structs import replace

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import (
    Arm,
    Experiment,
    Flag,
    Holdout,
    IdList,
    Layer,
    Override,
    Requirement,
    Ruleset,
    Run,
    Serve,
    Type,
)
from splitrun.assign.slots import listed
from splitrun.collect.outcomes import Judge
from splitrun.sdk.event import Exposure, Unit
from splitrun.terms.parse import parse

HALF = 2**31
WHOLE = 2**32


def ruleset(
    version: int = 3,
    salt: str = "variant:test:1",
    holdout: int = 0,
    coverage: int = WHOLE,
    staff: tuple[str, ...] = (),
) -> Ruleset:
    return Ruleset(
        project="shop",
        environment="production",
        version=version,
        units={"visitor": "visitor_id"},
        lists={"staff": IdList(salt="list:staff", hashes=tuple(listed("list:staff", one) for one in staff))},
        holdouts={"all": Holdout(unit="visitor", salt="holdout:all", below=holdout)},
        flags={
            "button": Flag(
                type=Type.BOOLEAN,
                unit="visitor",
                variants={"old": False, "new": True},
                default="old",
                overrides=(Override(list="staff", serve="new"),),
                rules=(Run(experiment="test"),),
            )
        },
        experiments={
            "test": Experiment(
                unit="visitor",
                version=1,
                phase=1,
                salt=salt,
                flag="button",
                holdouts=("all",) if holdout else (),
                audience=parse("country = 'CH'"),
                coverage=coverage,
                coverage_salt="coverage:test:1",
                arms=(
                    Arm(variant="control", serve="old", below=HALF),
                    Arm(variant="treatment", serve="new", below=WHOLE),
                ),
            )
        },
    )


def shown(unit: str, of: Ruleset, **other: object) -> Exposure:
    """An exposure as the SDK logs it."""
    found = Evaluator(of).answer("button", unit, {"country": "CH"})
    plain = Exposure(
        "0" * 32,
        "2026-11-22T08:00:00Z",
        Unit("visitor", unit),
        "button",
        "test",
        1,
        1,
        found.variant or "",
        of.version,
        "SPLIT",
        attributes={"country": "CH"},
    )
    return replace(plain, **other)


def judge(*rulesets: Ruleset) -> Judge:
    known = {one.version: one for one in rulesets}
    found = Judge(known.get)
    for version in known:
        found.held(version)
    return found


def other(variant: str) -> str:
    return {"control": "treatment", "treatment": "control"}[variant]


UNITS = [f"u{number}" for number in range(40)]


def test_what_the_sdk_logs_is_ok() -> None:
    told = {judge(ruleset()).outcome(shown(unit, ruleset())) for unit in UNITS}

    assert told == {"ok"}


def test_a_ruleset_that_is_nowhere_is_asked_for_again() -> None:
    known: dict[int, Ruleset] = {}
    one = Judge(known.get)
    exposure = shown("u1", ruleset())

    before = one.outcome(exposure)
    known[3] = ruleset()

    assert (before, one.outcome(exposure)) == ("unknown ruleset", "ok")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"variant": "green"}, "unknown variant"),
        ({"experiment": "nothing"}, "unknown version"),
        ({"version": 2}, "unknown version"),
        ({"attributes": {"country": "DE"}}, "outside the audience"),
        ({"attributes": {}}, "ok"),
    ],
)
def test_what_is_wrong_with_an_exposure_is_named(changed: dict[str, object], expected: str) -> None:
    told = {judge(ruleset()).outcome(shown(unit, ruleset(), **changed)) for unit in UNITS}

    assert told == {expected}


def test_a_variant_that_is_not_the_units_is_tampering_unless_something_explains_it() -> None:
    of, older = ruleset(), ruleset(2, salt="variant:test:1:old")
    wrong = [shown(unit, of, variant=other(shown(unit, of).variant)) for unit in UNITS]

    alone = {judge(of).outcome(one) for one in wrong}
    sticky = {judge(of).outcome(replace(one, detail="sticky")) for one in wrong}
    beside = {
        judge(older, of).outcome(one) for one in wrong if shown(one.unit.id, older).variant == one.variant
    }

    assert (alone, sticky, beside) == ({"tampering"}, {"sticky"}, {"stale ruleset"})


def test_a_unit_on_a_list_may_get_what_the_list_serves() -> None:
    of = ruleset(staff=tuple(UNITS))
    exposures = [replace(shown(unit, ruleset()), variant="treatment") for unit in UNITS]

    told = [judge(of).outcome(one) for one in exposures]

    assert set(told) == {"override"}


def test_what_another_variant_than_its_list_serves_is_logged_for_a_unit_is_not_ok() -> None:
    of = ruleset(staff=tuple(UNITS))
    exposures = [replace(shown(unit, ruleset()), variant="control") for unit in UNITS]

    told = [judge(of).outcome(one) for one in exposures]

    due = [shown(unit, ruleset()).variant for unit in UNITS]
    assert told == ["on a list" if one == "control" else "tampering" for one in due]


@pytest.mark.parametrize("changed", [{"on": False}, {"archived": True}, {"rules": ()}], ids=repr)
def test_nothing_is_ok_where_the_flag_asks_no_experiment(changed: dict[str, object]) -> None:
    of = ruleset()
    off = replace(of, flags={"button": replace(of.flags["button"], **changed)})
    exposures = [shown(unit, of) for unit in UNITS]

    told = {judge(off).outcome(one) for one in exposures}
    kept = {judge(off).outcome(replace(one, detail="sticky")) for one in exposures}

    assert (told, kept) == ({"flag is off"}, {"flag is off"})


def mixed(of: Ruleset, *changed: str) -> Ruleset:
    """The same, where some parts are of another unit type than the experiment."""
    parts: dict[str, dict[str, object]] = {
        "flag": {"flags": {"button": replace(of.flags["button"], unit="house")}},
        "holdout": {"holdouts": {"all": replace(of.holdouts["all"], unit="house")}},
        "layer": {
            "layers": {"page": Layer("house", "layer:page", {}, ("test",))},
            "experiments": {
                "test": replace(of.experiments["test"], layer="page", slots=((0, HALF),), holdouts=())
            },
        },
        "rule": {
            "flags": {
                "button": replace(
                    of.flags["button"],
                    unit="house",
                    overrides=(),
                    rules=(Serve("old", coverage=HALF, salt="rule:button"), Run("test")),
                )
            }
        },
        "required": {
            "flags": {
                "button": replace(of.flags["button"], requires=(Requirement("house", ("new",)),)),
                "house": replace(
                    of.flags["button"],
                    unit="house",
                    overrides=(),
                    rules=(Serve("new", coverage=HALF, salt="rule:house"),),
                ),
            }
        },
        "earlier": {
            "flags": {"button": replace(of.flags["button"], rules=(Run("other"), Run("test")))},
            "experiments": {
                "test": replace(of.experiments["test"], holdouts=()),
                "other": replace(of.experiments["test"], salt="other", coverage=HALF, audience=None),
            },
            "holdouts": {"all": replace(of.holdouts["all"], unit="house")},
        },
    }
    values = {name: value for part in changed for name, value in parts[part].items()}
    return replace(of, units={"visitor": "visitor_id", "house": "house_id"}, **values)


@pytest.mark.parametrize("part", ["flag", "holdout", "layer", "rule", "required", "earlier"])
def test_what_asks_for_the_id_of_another_type_of_unit_is_not_recomputable(part: str) -> None:
    of = mixed(ruleset(holdout=HALF), part)
    evaluator = Evaluator(of)
    told = []
    for number, unit in enumerate(UNITS):
        ids = {"country": "CH", "house_id": f"h{number}", "visitor_id": unit}
        given = f"h{number}" if of.flags["button"].unit == "house" else unit
        found = evaluator.answer("button", given, ids)
        if found.experiment == "test":
            told.append(judge(of).outcome(shown(unit, ruleset(), variant=found.variant, ruleset=of.version)))

    assert told
    assert set(told) <= {"not recomputable"}


@pytest.mark.parametrize(
    ("gate", "expected"),
    [(ruleset(holdout=HALF), "in a holdout"), (ruleset(coverage=HALF), "outside coverage")],
)
def test_units_that_should_have_been_turned_away_are_told_where(gate: Ruleset, expected: str) -> None:
    of = gate

    told = [judge(of).outcome(replace(shown(unit, ruleset()), ruleset=3)) for unit in UNITS]

    assert set(told) == {"ok", expected}
