"""An evaluation of a flag, as OpenTelemetry tells it, as an exposure.

It is read in all its published shapes: the record of today's conventions, the one with the names before them,
and the events that hooks put on spans. What a record does not tell is asked of the ruleset that it names,
else of the newest; what is asked never depends on the variant, so that none's exposures are kept more often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from splitrun.assign.evaluation import Reason
from splitrun.assign.ruleset import WHOLE, Experiment, Flag, Run, Serve
from splitrun.collect.codes import Code
from splitrun.collect.otlp.record import Record, UnfitError
from splitrun.collect.outcomes import Held, asked, kinds
from splitrun.sdk.event import Exposure, Unit
from splitrun.spec.project import Otlp

__all__ = ["CARRIED", "EVALUATIONS", "Evaluations", "Known", "identified"]

EVALUATIONS = frozenset({"feature_flag.evaluation", "feature_flag"})
"""Names of the event: today's, and that of hooks before it."""
CARRIED = "splitrun.attribute."
"""In front of the name of an attribute that a flag or an experiment asks."""

KEY = ("feature_flag.key",)
VARIANT = ("feature_flag.result.variant", "feature_flag.variant")
REASON = ("feature_flag.result.reason", "feature_flag.evaluation.reason", "feature_flag.reason")
CONTEXT = ("feature_flag.context.id",)
SET = ("feature_flag.set.id",)
VERSION = ("feature_flag.version",)
# today's name, and that of the conventions of 2024
FAILED = ("error.type", "feature_flag.evaluation.error.type")
EXPERIMENT = "splitrun.experiment"

OUTSIDE = {Reason.STATIC, Reason.DEFAULT, Reason.TARGETING_MATCH, Reason.DISABLED}
"""Reasons that no experiment answers with."""
LONGEST_VERSION = 15
"""Digits of a ruleset's version."""


class Known(Protocol):
    """The rulesets of a project's environment."""

    def newest(self) -> Held | None:
        """Give the one that is served; none where there is none yet."""
        ...

    def named(self, version: int) -> Held | None:
        """Give the one of a version; none where it was never published.

        Raises:
            StoreError: The registry cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """An experiment that answered, and how."""

    experiment: str
    version: int
    phase: int
    detail: str = ""
    enrolling: bool = True


class Evaluations:
    """Reads evaluations of one project and environment.

    Args:
        flag_set: Project and environment, like `shop/production`.
        known: Its rulesets.
        otlp: The project's settings.
    """

    def __init__(self, flag_set: str, known: Known, otlp: Otlp) -> None:
        self.flag_set, self.known, self.otlp = flag_set, known, otlp

    def exposure(self, record: Record, release: str) -> Exposure:
        """Read an evaluation; its id is left empty.

        Raises:
            UnfitError: It is none that an experiment answered, or does not tell enough.
            StoreError: The registry cannot be read.
        """
        reason = text(record, REASON).upper()
        if text(record, FAILED) or reason == Reason.ERROR:
            says = "the evaluation failed, and its caller's default was served; it is no exposure"
            raise UnfitError(Code.EVALUATION, says)
        key, variant = text(record, KEY), text(record, VARIANT)
        if not key or not variant:
            lacking = (KEY if not key else VARIANT)[0]
            raise UnfitError(Code.SHAPE, f"the evaluation has no {lacking}; send it")
        held = self.held(record)
        flag = held.ruleset.flags.get(key)
        if flag is None:
            says = f"the ruleset {held.ruleset.version} has no flag {key[:60]!r}; publish it"
            raise UnfitError(Code.FLAG, says)
        whose = Whose(record, held, self.otlp)
        found = told(record) or answered(key, flag, whose, reason)
        experiment = held.ruleset.experiments.get(found.experiment)
        kind = flag.unit if experiment is None else experiment.unit
        return Exposure(
            id="",
            time="",
            unit=Unit(kind, whose.need(kind)),
            flag=key,
            experiment=found.experiment,
            version=found.version,
            phase=found.phase,
            variant=variant,
            ruleset=version_of(record) or held.ruleset.version,
            reason=reason or Reason.UNKNOWN,
            detail=found.detail,
            enrolling=found.enrolling,
            release=release,
            attributes=declared(experiment, whose.carried),
        )

    def held(self, record: Record) -> Held:
        """Choose the ruleset that a record is read with.

        Raises:
            UnfitError: It is another project's or environment's, or not known.
        """
        flag_set = text(record, SET)
        if flag_set not in {"", self.flag_set}:
            says = f"the flag set is {flag_set[:120]!r}, and the key's is {self.flag_set!r}; send its own key"
            raise UnfitError(Code.FLAG, says)
        newest = self.known.newest()
        version = version_of(record)
        if version is None or (newest is not None and newest.ruleset.version == version):
            found = newest
        else:
            found = self.known.named(version)
            # who tells the experiment needs the ruleset only for its unit types; the committer judges
            found = newest if found is None and EXPERIMENT in record.attributes else found
        if found is None:
            shown = "no ruleset was" if version is None else f"the ruleset {version} was never"
            raise UnfitError(Code.RULESET, f"{shown} published in {self.flag_set}; publish first")
        return found


class Whose:
    """Tells the ids and attributes that a record carries.

    Args:
        record: Which.
        held: The ruleset, which says what ids of its unit types are called.
        otlp: The project's settings, which say it for OpenTelemetry.
    """

    def __init__(self, record: Record, held: Held, otlp: Otlp) -> None:
        self.record, self.held, self.otlp = record, held, otlp
        self.first = next(iter(held.ruleset.units), "")
        self.carried = carried(record, otlp)

    def unit(self, kind: str) -> str:
        """Give the id of a unit type; empty where there is none."""
        named = self.otlp.units.get(kind)
        if named is not None and (found := identified(self.record.look(named))):
            return found
        if kind == self.first and (found := identified(first(self.record, CONTEXT))):
            return found
        return identified(self.carried.get(self.called(kind)))

    def need(self, kind: str) -> str:
        """Give the id of a unit type.

        Raises:
            UnfitError: There is none.
        """
        found = self.unit(kind)
        if not found:
            where = CONTEXT[0] if kind == self.first else f"{CARRIED}{self.called(kind)}"
            says = f"the record names no {kind}; send {where}, or name its attribute under `otlp.units`"
            raise UnfitError(Code.UNIT, says)
        return found

    def called(self, kind: str) -> str:
        """Give the attribute that holds the id of a unit type, as flags ask it."""
        return self.held.ruleset.units.get(kind, kind)

    def asking(self, kinds: set[str]) -> dict[str, object]:
        """Give all that evaluating asks: the attributes, and ids by what they are called."""
        return {**{self.called(kind): self.unit(kind) for kind in kinds}, **self.carried}


def told(record: Record) -> Asked | None:
    """Read which experiment answered, where the record tells it, as our SDK's do."""
    match record.attributes:
        case {"splitrun.experiment": str() as key, "splitrun.experiment_version": int() as version, **more}:
            detail, phase = more.get("splitrun.detail"), more.get("splitrun.phase")
            return Asked(
                key,
                version,
                phase if type(phase) is int else 1,
                detail if type(detail) is str else "",
                more.get("splitrun.enrolling") is not False,
            )
        case _:
            return None


def answered(key: str, flag: Flag, whose: Whose, reason: str) -> Asked:
    """Find which experiment answered, by asking the ruleset again.

    Raises:
        UnfitError: None did, or that cannot be told.
    """
    runs = [rule.experiment for rule in flag.rules if type(rule) is Run]
    if not runs or reason in OUTSIDE:
        raise outside()
    ruleset = whose.held.ruleset
    units = kinds(ruleset, key)
    unit = whose.need(flag.unit)
    asking = whose.asking(units)
    lacking = sorted(name for name in asked(ruleset, key) if name not in asking)
    lacking += sorted(kind for kind in units if not whose.unit(kind))
    if not lacking:
        answer = whose.held.answer(key, unit, asking)
        if answer.error is not None:
            raise UnfitError(Code.UNIT, "no flag can be asked with the unit's id; send the id itself")
        if answer.experiment is not None:
            return Asked(
                answer.experiment, answer.version, answer.phase, answer.detail.value, answer.enrolling
            )
    dealt = any(rule.coverage < WHOLE for rule in flag.rules if type(rule) is Serve)
    if reason != Reason.SPLIT or dealt:
        raise wanting(lacking) if lacking else outside()
    if len(runs) > 1:
        says = f"the flag has {len(runs)} experiments, and the record names none; send {EXPERIMENT}"
        raise UnfitError(Code.EXPERIMENT, says)
    only = ruleset.experiments[runs[0]]
    return Asked(runs[0], only.version, only.phase, "", only.enrolling)


def outside() -> UnfitError:
    """Answer for an evaluation that is none of an experiment."""
    return UnfitError(Code.NO_EXPERIMENT, "no experiment answered; there is nothing to measure")


def wanting(names: list[str]) -> UnfitError:
    """Answer for a record that does not carry what the flag asks."""
    shown = ", ".join(names)[:200]
    says = f"the flag asks {shown}; send it as {CARRIED}NAME, or name its attribute under `otlp`"
    return UnfitError(Code.ATTRIBUTES, says)


def carried(record: Record, otlp: Otlp) -> dict[str, object]:
    """Gather the attributes that flags ask, by the names that they ask them by."""
    mapped = {name: record.look(attribute) for name, attribute in otlp.attributes.items()}
    own = {
        name.removeprefix(CARRIED): value
        for name, value in record.attributes.items()
        if name.startswith(CARRIED)
    }
    return {**{name: value for name, value in mapped.items() if value is not None}, **own}


def declared(experiment: Experiment | None, carried: Mapping[str, object]) -> dict[str, object]:
    """Take the attributes that an experiment declares, and no others, as the SDK does."""
    names = () if experiment is None else experiment.attributes
    return {name: carried[name] for name in names if carried.get(name) is not None}


def version_of(record: Record) -> int | None:
    """Read which ruleset answered; none where it does not tell one of ours."""
    written = identified(first(record, VERSION))
    ours = written.isdecimal() and written.isascii() and len(written) <= LONGEST_VERSION
    return int(written) if ours else None


def first(record: Record, names: tuple[str, ...]) -> object:
    """Give the first of some values that a record itself has."""
    inner = record.body if type(record.body) is dict else {}
    for place in (record.attributes, inner):
        for name in names:
            if place.get(name) is not None:
                return place[name]
    return None


def text(record: Record, names: tuple[str, ...]) -> str:
    """Give the first of some texts that a record itself has; empty where there is none."""
    found = first(record, names)
    return found if type(found) is str else ""


def identified(value: object) -> str:
    """Read an id, which may be a whole number; empty where there is none."""
    match value:
        case str():
            return value
        case bool():
            return ""
        case int():
            return str(value)
        case _:
            return ""
