"""The rulesets of the vectors, written by hand."""

from __future__ import annotations

import hashlib
from fractions import Fraction

from splitrun.assign.ruleset import (
    WHOLE,
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
from splitrun.terms.parse import parse

__all__ = ["RULESETS", "experiment", "flag", "ruleset", "switch"]

HALF = 2**31
STAFF = ("ada", "grace", "user-7")


def part(share: str) -> int:
    return int(Fraction(share) * WHOLE)


def experiment(key: str, flag: str | None, **more: object) -> Experiment:
    """An experiment with two halves on a switch, unless something else is said."""
    written: dict[str, object] = {
        "unit": "user",
        "version": 1,
        "phase": 1,
        "salt": f"variant:{key}:1",
        "arms": (Arm("control", "off", HALF), Arm("treatment", "on", WHOLE)),
        "coverage_salt": f"coverage:{key}:1",
    }
    return Experiment(flag=flag, **{**written, **more})  # type: ignore[arg-type]  # whatever a test writes


def flag(type_: Type, default: str, variants: dict[str, object], **more: object) -> Flag:
    return Flag(**{"type": type_, "unit": "user", "variants": variants, "default": default, **more})  # type: ignore[arg-type]  # whatever a test writes


def switch(**more: object) -> Flag:
    """A flag that is on or off."""
    return flag(Type.BOOLEAN, "off", {"off": False, "on": True}, **more)


def ruleset(**more: object) -> Ruleset:
    units = {"user": "user_id", "device": "device_id", "account": "account_id"}
    written: dict[str, object] = {
        "project": "shop",
        "environment": "production",
        "version": 7,
        "units": units,
    }
    return Ruleset(**{**written, **more})  # type: ignore[arg-type]  # whatever a test writes


def hashes(salt: str, *ids: str) -> IdList:
    return IdList(salt, tuple(hashlib.sha256(f"{salt}:{one}".encode()).hexdigest()[:32] for one in ids))


def serve(variant: str, when: str | None = None, coverage: int = WHOLE, salt: str = "") -> Serve:
    return Serve(variant, None if when is None else parse(when), coverage, salt)


COLOURS: dict[str, object] = {"grey": "#888", "blue": "#00f", "red": "#f00"}

FLAGS = ruleset(
    flags={
        "plain": switch(),
        "off": switch(on=False, rules=(serve("on"),)),
        "archived": switch(archived=True, on=False, rules=(serve("on"),)),
        "everybody": switch(rules=(serve("on"),)),
        "number": flag(Type.NUMBER, "few", {"few": 3, "many": 0.5}, rules=(serve("many", "plan = 'pro'"),)),
        "object": flag(
            Type.OBJECT, "a", {"a": {"x": [1, None]}, "b": {}}, rules=(serve("b", "age >= 18 and age < 65"),)
        ),
        "colour": flag(
            Type.STRING,
            "grey",
            COLOURS,
            overrides=(Override("red", "staff"), Override("blue", "testers")),
            rules=(
                serve("blue", "country in ('DE', 'AT') and not (plan = 'free')"),
                serve("red", "lower(name) like 'g%' or beta is true"),
                serve("blue", None, part("1/10"), "rollout:colour"),
                serve("red", "country <> 'US'", part("3/10"), "rollout:colour"),
            ),
        ),
        "by-device": switch(unit="device", rules=(serve("on", None, part("1/4"), "rollout:by-device"),)),
        "needs-everybody": switch(requires=(Requirement("everybody", ("on",)),), rules=(serve("on"),)),
        "needs-colour": switch(requires=(Requirement("colour", ("blue", "red")),), rules=(serve("on"),)),
        "needs-off": switch(requires=(Requirement("off", ("off",)),), rules=(serve("on"),)),
        "needs-device": switch(
            requires=(Requirement("by-device", ("on",)), Requirement("needs-colour", ("off",))),
            rules=(serve("on"),),
        ),
    },
    lists={
        "staff": hashes("list:staff", *STAFF),
        "testers": hashes("list:testers", "user-8", "ünïcode-ïd", "ada"),
    },
)  # fmt: skip

THIRDS = (
    Arm("control", "grey", part("1/3")),
    Arm("blue", "blue", part("2/3")),
    Arm("red", "red", WHOLE),
)

EXPERIMENTS = ruleset(
    version=8,
    flags={
        "halves": switch(rules=(Run("halves"),)),
        "covered": switch(rules=(Run("covered"),)),
        "targeted": switch(rules=(serve("on", "plan = 'internal'"), Run("targeted"))),
        "thirds": flag(Type.STRING, "grey", COLOURS, rules=(Run("thirds"), serve("blue", "country = 'DE'"))),
        "paused": switch(rules=(Run("paused"),)),
        "stopped": switch(rules=(Run("stopped"),)),
        "per-device": switch(rules=(Run("per-device"),)),
        "two": switch(rules=(Run("two-first"), Run("two-second"))),
        "needs-halves": switch(requires=(Requirement("halves", ("on",)),), rules=(Run("after-halves"),)),
        "uneven": switch(rules=(Run("uneven"),)),
    },
    experiments={
        "halves": experiment("halves", "halves"),
        "covered": experiment("covered", "covered", coverage=part("1/5"), phase=3),
        "targeted": experiment(
            "targeted", "targeted", audience=parse("country in ('DE', 'FR') and age >= 18"), coverage=HALF
        ),
        "thirds": experiment("thirds", "thirds", arms=THIRDS, audience=parse("plan is not null"), version=2),
        "paused": experiment("paused", "paused", enrolling=False, phase=2),
        "stopped": experiment("stopped", "stopped", coverage=0, phase=4),
        "per-device": experiment("per-device", "per-device", unit="device", coverage=part("9/10")),
        "two-first": experiment("two-first", "two", audience=parse("country = 'DE'")),
        "two-second": experiment("two-second", "two", coverage=HALF),
        "after-halves": experiment("after-halves", "needs-halves"),
        "uneven": experiment(
            "uneven",
            "uneven",
            arms=(Arm("control", "off", part("1/10")), Arm("no", "on", part("1/10")), Arm("t", "on", WHOLE)),
        ),
    },
)  # fmt: skip

SPARSE: dict[str, object] = {"columns": 2, "title": "Shop", "fast": False}

LAYERS = ruleset(
    version=9,
    flags={
        "checkout": switch(rules=(Run("one-page"),)),
        "basket": switch(rules=(Run("big-basket"),)),
        "search": switch(rules=(Run("by-account"),)),
    },
    experiments={
        "one-page": experiment(
            "one-page", "checkout", layer="shop", slots=((0, part("2/5")),), holdouts=("q4",),
            arms=(Arm("control", "off", HALF), Arm("t", "on", WHOLE, {"columns": 1})),
        ),
        "big-basket": experiment(
            "big-basket", "basket", layer="shop", slots=((part("2/5"), part("3/5")), (part("9/10"), WHOLE)),
            holdouts=("q4", "devices"), coverage=HALF, audience=parse("country = 'DE'"),
        ),
        "title": experiment(
            "title", None, layer="shop", slots=((part("3/5"), part("4/5")),), coverage=part("7/10"),
            arms=(Arm("control", "", HALF), Arm("t", "", WHOLE, {"title": "Store", "fast": True})),
        ),
        "by-account": experiment(
            "by-account", "search", unit="account", layer="accounts", slots=((0, HALF),)
        ),
    },
    layers={
        "shop": Layer("user", "layer:shop", SPARSE, ("one-page", "big-basket", "title")),
        "accounts": Layer("account", "layer:accounts", {}, ("by-account",)),
        "empty": Layer("user", "layer:empty", {"depth": 1}),
    },
    holdouts={
        "q4": Holdout("user", "holdout:q4", part("2/5")),
        "devices": Holdout("device", "holdout:devices", part("1/10")),
    },
)  # fmt: skip

RULESETS = {"flags": FLAGS, "experiments": EXPERIMENTS, "layers": LAYERS}
