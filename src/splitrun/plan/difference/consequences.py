"""What a change of a definition does to experiments that have a life: nothing, a note, or harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from splitrun.plan.difference.fields import Field, differing
from splitrun.plan.difference.side import EXPERIMENT, TEMPLATE, Name, Side
from splitrun.plan.switches.ground import meant, runs, variants_of
from splitrun.spec.experiment import Experiment
from splitrun.spec.flag import Flag
from splitrun.spec.model import Choice

__all__ = ["Case", "Consequence", "Risk", "Run", "Way", "consequences"]


class Way(Choice):
    """What takes in a change that may not be applied as it is."""

    AMEND = "amend"
    RESTART = "restart"


class Risk(Choice):
    """Whether a change may be applied."""

    SAFE = "safe"
    """It may; where something is said beside it, somebody should know."""
    AMENDMENT = "needs amendment"
    """It is in a sealed plan, and comes in by `splitrun amend` with its reason."""
    REFUSED = "refused"
    """It would move units, or take away what an experiment needs."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where an experiment stands in an environment."""

    experiment: str
    environment: str
    state: str


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a change of one definition means for one experiment."""

    risk: Risk
    experiment: str
    stands: str
    """In which states it is where: `running in production`."""
    path: str
    """In the definition that changed, or in the experiment."""
    says: str
    remedy: str
    way: Way | None = None
    """The verb that takes it in."""
    blocks: bool = False
    """Whether it keeps the difference from being applied, unless that verb is announced."""


@dataclass(frozen=True, slots=True)
class Case:
    """One definition that differs, and one experiment that rests on it."""

    name: Name
    fields: tuple[Field, ...]
    before: Side
    after: Side
    runs: tuple[Run, ...]
    """Of the experiment."""

    @property
    def experiment(self) -> str:
        """The experiment's key."""
        return self.runs[0].experiment

    @property
    def removed(self) -> bool:
        """Whether the definition is taken out."""
        return self.name not in self.after.values

    def one(self, side: Side) -> Experiment | None:
        """The experiment as a side has it."""
        return side.experiment(self.experiment)

    @property
    def stands(self) -> str:
        """Where the experiment stands, in words."""
        return ", ".join(f"{one.state} in {one.environment}" for one in self.runs)

    def never(self, says: str, remedy: str, path: str = "") -> Consequence:
        """Refuse what no verb takes in."""
        return Consequence(Risk.REFUSED, self.experiment, self.stands, path, says, remedy, blocks=True)

    def refused(self, says: str, path: str = "") -> Consequence:
        """Refuse what would deal units otherwise than they were."""
        key = self.experiment
        remedy = f"take it back, or `splitrun apply --restarting {key}`, then `splitrun restart {key}`"
        return Consequence(Risk.REFUSED, key, self.stands, path, says, remedy, Way.RESTART, blocks=True)

    def amended(self, field: Field, why: str, *, blocks: bool = True) -> Consequence:
        """Send a change to `amend`."""
        key = self.experiment
        then = f"`splitrun amend {key} --reason TEXT`"
        remedy = f"take it back, or `splitrun apply --amending {key}`, then {then}"
        if not blocks:
            remedy = f"take it over before it starts: {then}"
        says = f"{field.says}: {why}"
        return Consequence(Risk.AMENDMENT, key, self.stands, field.name, says, remedy, Way.AMEND, blocks)

    def noted(self, says: str, remedy: str, path: str = "") -> Consequence:
        """Let a change pass, and say what it does."""
        return Consequence(Risk.SAFE, self.experiment, self.stands, path, says, remedy)


HELD = frozenset({"running", "paused", "observing"})
"""States in which units are dealt, or their windows ripen."""

SEALED = frozenset({"registered"})
CLOSED = frozenset({"stopped", "decided"})

DEAL = {
    "flag": "the flag it runs on",
    "layer": "the layer it runs in",
    "salt": "the salt units are dealt with",
    "unit": "the unit type it deals",
    "variants": "what its units get",
    "version": "which deal of the units it is",
    "weights": "the weights units are dealt by",
}
"""What says which units get what."""

LOOSE = frozenset({"extends", "key", "owner", "template", "title"})
"""What no unit and no number rests on; what a template fills is compared by what it filled."""


def consequences(case: Case) -> tuple[Consequence, ...]:
    """Say what a change means for an experiment that has a life.

    What is a draft, archived or invalid is held to nothing.
    """
    states = {run.state for run in case.runs}
    kind = case.name[0]
    if states & HELD:
        return tuple(RULES.get(kind, nothing)(case))
    if kind not in {EXPERIMENT, TEMPLATE} or not states & (SEALED | CLOSED):
        return tuple(noticed(case)) if kind in MEASURES and states & (SEALED | CLOSED) else ()
    if case.one(case.after) is None:
        remedy = f"put it back, or end it first: `splitrun archive {case.experiment}`"
        return (case.never("it is taken out before it is archived", remedy),)
    return tuple(resealed(case) if states & SEALED else outlived(case))


def nothing(_: Case) -> Iterator[Consequence]:
    """Nothing follows."""
    yield from ()


def experiment(case: Case) -> Iterator[Consequence]:
    """An experiment that deals units changes by amendment or restart only."""
    if case.one(case.after) is None:
        key = case.experiment
        remedy = f"put it back, or end it first: `splitrun stop {key}`, then decide and archive it"
        yield case.never("it is taken out while it lives", remedy)
        return
    for field in changes(case):
        top = field.top
        if top in DEAL:
            yield case.refused(f"{field.says}: this is {DEAL[top]}", field.name)
        elif top not in LOOSE:
            yield case.amended(field, "it is sealed")


def template(case: Case) -> Iterator[Consequence]:
    """What a template fills is the experiment's; the metrics it brings are sealed with it."""
    yield from experiment(case)
    for field in case.fields:
        if field.top == "definitions":
            yield case.amended(field, f"template {case.name[1]!r} brings it, and it is sealed")


def resealed(case: Case) -> Iterator[Consequence]:
    """An experiment that is sealed and has not begun changes by amendment."""
    for field in changes(case):
        if field.top not in LOOSE:
            yield case.amended(field, "it is sealed, and not started yet", blocks=False)


def outlived(case: Case) -> Iterator[Consequence]:
    """An experiment that has ended is read as it was sealed."""
    if any(field.top not in LOOSE for field in changes(case)):
        yield case.noted("it has ended and is read as it was sealed", "nothing is to be done")


def changes(case: Case) -> tuple[Field, ...]:
    """Where the experiment differs, with all that templates and other experiments fill."""
    key = case.experiment
    sides = (case.before, case.after)
    before, after = ((side.filled(key), side.values.get((EXPERIMENT, key))) for side in sides)
    moved = () if not shuffled(case) else (Field(("variants",), "the order of treatments", "another order"),)
    return (*differing(before, after), *moved)


def shuffled(case: Case) -> bool:
    """Whether the same treatments are dealt in another order."""
    was, now = case.one(case.before), case.one(case.after)
    if was is None or now is None or was.variants.keys() != now.variants.keys():
        return False
    return [key for key in was.variants if key != "control"] != [
        key for key in now.variants if key != "control"
    ]


def flag(case: Case) -> Iterator[Consequence]:
    """A flag goes on serving what its experiment deals."""
    one, key = case.one(case.before), case.name[1]
    if one is None or one.flag != key:
        yield case.noted(f"its flag asks flag {key!r} first, which changes", "look at whom it still reaches")
        return
    was, now = (flag_of(side, key) for side in (case.before, case.after))
    if was is None or now is None:
        yield case.refused(f"flag {key!r}, which it runs on, is taken out")
        return
    yield from switched(case, key)
    for name, variant in one.variants.items():
        if served(was, variant.serve) != served(now, variant.serve):
            yield case.refused(f"variant {name!r} would serve something else of flag {key!r}", "variants")
    if case.experiment not in (asks for _, asks in runs(now)):
        yield case.refused(f"no rule of flag {key!r} asks it any longer", "rules")
    elif ahead(was, case.experiment) != ahead(now, case.experiment):
        yield case.noted("rules ahead of it change whom it meets", "look at whom it still reaches", "rules")


def switched(case: Case, key: str) -> Iterator[Consequence]:
    """A flag keeps its type and unit; it may be switched off at any time."""
    for field in case.fields:
        if field.top in {"type", "unit"}:
            yield case.refused(f"flag {key!r}: {field.says}", field.name)
        if field.top in {"archived", "environments", "on", "requires"}:
            says = f"flag {key!r}: {field.says}: it may meet no units any longer"
            yield case.noted(says, f"say so in its life: `splitrun pause {case.experiment}`", field.name)


def flag_of(side: Side, key: str) -> Flag | None:
    """A flag as a side has it."""
    known = None if side.says.board is None else side.says.board.flags.get(key)
    return None if known is None else known.value


def served(one: Flag, said: object) -> tuple[str, object]:
    """What a flag serves for what an experiment names."""
    known = variants_of(one)
    key = meant(said, known)
    return ("", None) if key is None else (type(known[key]).__name__, known[key])


def ahead(one: Flag, experiment: str) -> tuple[object, ...]:
    """The rules that are asked before an experiment is."""
    places = [index for index, asks in runs(one) if asks == experiment]
    return one.rules[: places[0]] if places else one.rules


def layer(case: Case) -> Iterator[Consequence]:
    """The part of a layer that an experiment holds stays its own."""
    name, key, one = case.name[1], case.experiment, case.one(case.before)
    if case.removed:
        yield case.refused(f"layer {name!r}, which it runs in, is taken out")
        return
    sets = (
        set() if one is None else {each for variant in one.variants.values() for each in variant.parameters}
    )
    for field in case.fields:
        top, deeper = field.top, field.path[1:2]
        if top == "unit" or (top == "slots" and deeper == (key,)):
            yield case.refused(f"layer {name!r}: {field.says}", field.name)
        elif top == "parameters" and sets & set(map(str, deeper)):
            yield case.refused(f"layer {name!r}: {field.says}: its variants read it", field.name)


def holdout(case: Case) -> Iterator[Consequence]:
    """The units kept from an experiment stay the same."""
    name, key = case.name[1], case.experiment
    holds = [holders(side, name) for side in (case.before, case.after)]
    if (key in holds[0]) != (key in holds[1]):
        verb = "would be kept" if key in holds[1] else "would no longer be kept"
        yield case.refused(f"units of holdout {name!r} {verb} from it", "experiments")
        return
    for field in case.fields:
        if field.top in {"share", "unit"}:
            yield case.refused(f"holdout {name!r}: {field.says}", field.name)


def holders(side: Side, name: str) -> tuple[str, ...]:
    """The experiments that a holdout keeps units from."""
    known = None if side.says.board is None else side.says.board.holdouts.get(name)
    return () if known is None else known.value.experiments


def audience(case: Case) -> Iterator[Consequence]:
    """Who is eligible may change; the stretch after it is told apart."""
    says = f"audience {case.name[1]!r} changes whom it meets"
    yield case.noted(says, "the next ruleset opens a new phase of it, and exposures tell the two apart")


def measure(case: Case) -> Iterator[Consequence]:
    """A metric, and what it is made of, is sealed by content; what is there stays there while it is used."""
    kind, key = case.name
    if case.removed:
        remedy = f"put it back until {case.experiment!r} is archived"
        yield case.never(f"{kind} {key!r} is taken out while it is used", remedy)
    else:
        yield from noticed(case)


def noticed(case: Case) -> Iterator[Consequence]:
    """Say that a sealed plan keeps what it was sealed with."""
    says = f"{case.name[0]} {case.name[1]!r} as it is sealed stays in its plan: the change does not reach it"
    remedy = f"leave it so, or take the change over: `splitrun amend {case.experiment} --reason TEXT`"
    yield case.noted(says, remedy)


def project(case: Case) -> Iterator[Consequence]:
    """Environments stay while something lives in them, and ids of units what they are."""
    now = case.after.says.project
    one = case.one(case.before)
    for run in case.runs:
        if run.state in HELD and now is not None and run.environment not in now.environments:
            says = f"environment {run.environment!r} is taken out"
            yield case.never(says, "put it back until nothing lives in it", "environments")
    was = case.before.says.project
    if now is None or was is None or one is None:
        return
    told, tells = (side.units.get(one.unit) for side in (was, now))
    if (told and told.key) != (tells and tells.key):
        yield case.refused(f"units of type {one.unit!r} would be known by another id", f"units.{one.unit}")
    asked = None if one.flag is None else flag_of(case.before, one.flag)
    if asked is not None and asked.unit is None and [*was.units][:1] != [*now.units][:1]:
        yield case.refused(f"flag {one.flag!r} would be asked with another unit type", "units")
    if was.timezone != now.timezone and one.timezone is None:
        yield case.noted(
            "its plan keeps the timezone it was sealed with", "nothing is to be done", "timezone"
        )


MEASURES = frozenset({"group", "metric", "segment", "source"})

RULES: Mapping[str, Callable[[Case], Iterator[Consequence]]] = {
    EXPERIMENT: experiment,
    "audience": audience,
    "flag": flag,
    "holdout": holdout,
    "layer": layer,
    "project": project,
    TEMPLATE: template,
    **dict.fromkeys(MEASURES, measure),
}
