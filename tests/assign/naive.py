"""A second interpreter of rulesets, written from the page alone: walks plain JSON, compares exact fractions.

It shares nothing with `splitrun.assign` but the typed form of expressions, which `tests.terms.truth` walks.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import msgspec

from splitrun.terms.tree import Tree
from tests.terms.truth import truth

__all__ = ["answered", "parameters", "slot"]

Json = dict[str, Any]
"""Between the JSON of the vectors and an answer anything may stand."""

EVERYTHING = 2**32


class MissingError(Exception):
    """The id of a unit type is not among the attributes."""


def slot(salt: str, unit: str) -> int:
    return int(hashlib.sha256(f"{salt}:{unit}".encode()).hexdigest()[:8], 16)


def share(salt: str, unit: str) -> Fraction:
    return Fraction(slot(salt, unit), EVERYTHING)


def below(threshold: int) -> Fraction:
    return Fraction(threshold, EVERYTHING)


NONE = {
    "null", "NULL", "Null", "(null)", "<null>", "nil", "<nil>", "none", "None", "NONE", "undefined", "NaN",
    "nan", "[object Object]", "00000000-0000-0000-0000-000000000000",
}  # fmt: skip


class OddError(Exception):
    """An id that cannot be one."""


def checked(unit: str) -> str:
    if not unit:
        raise MissingError
    if unit in NONE or "\0" in unit or len(unit.encode()) > 4_096:
        raise OddError
    return unit


CODES = {MissingError: "TARGETING_KEY_MISSING", OddError: "INVALID_CONTEXT"}


def error(code: str) -> Json:
    return {"reason": "ERROR", "detail": "error", "error": code}


class Reader:
    def __init__(self, ruleset: Json, given: str, unit: str, attributes: Json, *, opted_out: bool) -> None:
        self.ruleset, self.given, self.unit = ruleset, given, unit
        self.attributes, self.opted_out = attributes, opted_out

    def id(self, kind: str) -> str:
        if kind == self.given:
            return self.unit
        found = self.attributes.get(self.ruleset["units"][kind])
        if found is None:
            raise MissingError
        return checked(str(found))

    def true(self, tree: Json) -> bool:
        numbers = (int, float)
        row: Mapping[str, Any] = defaultdict(
            lambda: None,
            {
                name: float(value) if isinstance(value, numbers) and not isinstance(value, bool) else value
                for name, value in self.attributes.items()
            },
        )
        return truth(msgspec.convert(tree, Tree), row) is True

    def flag(self, key: str) -> tuple[str, Json]:
        """The variant of the flag that is served, and what else there is to say."""
        flag = self.ruleset["flags"][key]
        default = flag["default"]
        if flag.get("archived"):
            return default, {"reason": "DISABLED", "detail": "archived"}
        if not flag.get("on", True):
            return default, {"reason": "DISABLED", "detail": "off"}
        for override in flag.get("overrides", ()):
            known = self.ruleset["lists"][override["list"]]
            digest = hashlib.sha256(f"{known['salt']}:{self.id(flag['unit'])}".encode()).hexdigest()
            if digest[:32] in known["hashes"]:
                return override["serve"], {"reason": "TARGETING_MATCH", "detail": "override"}
        if self.opted_out:
            return default, {"reason": "DEFAULT", "detail": "opted_out"}
        for required in flag.get("requires", ()):
            if self.flag(required["flag"])[0] not in required["variants"]:
                return default, {"reason": "DEFAULT", "detail": "prerequisite"}
        return self.rules(flag)

    def rules(self, flag: Json) -> tuple[str, Json]:
        rules = flag.get("rules", ())
        last = {"reason": "DEFAULT" if rules else "STATIC", "detail": "default"}
        for rule in rules:
            if rule["rule"] == "serve":
                reason = self.serve(rule, flag["unit"])
                if reason:
                    return rule["serve"], {"reason": reason, "detail": "rule"}
            else:
                arm, said = self.experiment(rule["experiment"])
                if arm is not None:
                    return arm["serve"], said
                last = said
        return flag["default"], last

    def serve(self, rule: Json, unit: str) -> str | None:
        if rule.get("when") and not self.true(rule["when"]):
            return None
        coverage = rule.get("coverage", EVERYTHING)
        if coverage < EVERYTHING:
            return "SPLIT" if share(rule["salt"], self.id(unit)) < below(coverage) else None
        return "TARGETING_MATCH" if rule.get("when") else "STATIC"

    def experiment(self, key: str) -> tuple[Json | None, Json]:
        experiment = self.ruleset["experiments"][key]
        declined = self.declined(experiment)
        if declined:
            return None, {"reason": "DEFAULT", "detail": declined}
        at = share(experiment["salt"], self.id(experiment["unit"]))
        arm = next(arm for arm in experiment["arms"] if at < below(arm["below"]))
        return arm, {
            "reason": "SPLIT",
            "detail": "variant",
            "variant": arm["variant"],
            "experiment": key,
            "version": experiment["version"],
            "phase": experiment["phase"],
            "enrolling": experiment.get("enrolling", True),
        }

    def declined(self, experiment: Json) -> str | None:
        for name in experiment.get("holdouts", ()):
            holdout = self.ruleset["holdouts"][name]
            if share(holdout["salt"], self.id(holdout["unit"])) < below(holdout["below"]):
                return "holdout"
        if experiment.get("layer"):
            layer = self.ruleset["layers"][experiment["layer"]]
            at = share(layer["salt"], self.id(layer["unit"]))
            if not any(below(start) <= at < below(end) for start, end in experiment.get("slots", ())):
                return "layer"
        if experiment.get("audience") and not self.true(experiment["audience"]):
            return "audience"
        coverage = experiment.get("coverage", EVERYTHING)
        if coverage < EVERYTHING:
            at = share(experiment["coverage_salt"], self.id(experiment["unit"]))
            if not at < below(coverage):
                return "coverage"
        return None


def answered(ruleset: Json, case: Json) -> Json:
    """Answer a case of the vectors as the page says."""
    flag = ruleset.get("flags", {}).get(case["flag"])
    if flag is None:
        return error("FLAG_NOT_FOUND")
    reader = Reader(ruleset, flag["unit"], case["unit"], case["attributes"], opted_out=case["opted_out"])
    try:
        if flag.get("on", True) and not flag.get("archived"):
            checked(case["unit"])
        serve, said = reader.flag(case["flag"])
    except (MissingError, OddError) as odd:
        serve, said = flag["default"], error(CODES[type(odd)])
    return {"value": flag["variants"][serve], "variant": serve, **said}


def parameters(ruleset: Json, case: Json) -> Json:
    """Answer which parameters of a layer a unit gets."""
    layer = ruleset.get("layers", {}).get(case["layer"])
    if layer is None:
        return {"values": {}, **error("FLAG_NOT_FOUND")}
    reader = Reader(ruleset, layer["unit"], case["unit"], case["attributes"], opted_out=case["opted_out"])
    defaults = layer.get("parameters", {})
    try:
        checked(case["unit"])
        if reader.opted_out:
            return {"values": defaults, "reason": "DEFAULT", "detail": "opted_out"}
        return own_parameters(ruleset, reader, layer, share(layer["salt"], case["unit"]))
    except (MissingError, OddError) as odd:
        return {"values": defaults, **error(CODES[type(odd)])}


def own_parameters(ruleset: Json, reader: Reader, layer: Json, at: Fraction) -> Json:
    defaults = layer.get("parameters", {})
    for key in layer.get("experiments", ()):
        experiment = ruleset["experiments"][key]
        if not any(below(start) <= at < below(end) for start, end in experiment.get("slots", ())):
            continue
        on = experiment["flag"]
        said = reader.experiment(key)[1] if on is None else reader.flag(on)[1]
        if said.get("experiment") != key:
            return {"values": defaults, **said}
        arm = next(arm for arm in experiment["arms"] if arm["variant"] == said["variant"])
        return {"values": {**defaults, **arm.get("parameters", {})}, **said}
    return {"values": defaults, "reason": "DEFAULT", "detail": "layer"}
