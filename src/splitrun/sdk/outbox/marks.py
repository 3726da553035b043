"""Which exposures callers have logged: once per unit, experiment and phase, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from splitrun.assign.evaluation import Detail, Evaluation, Reason
from splitrun.assign.ruleset import Experiment, Ruleset
from splitrun.sdk.outbox.plain import LARGEST, SEGMENTS, UnfitError, segment
from splitrun.sdk.outbox.queue import MANY, SMALL_TEXT
from splitrun.sdk.outbox.records import Met, Stretch

__all__ = ["Mark", "Marks"]


class Mark:
    """What logging an exposure to one experiment needs, and the units that are logged.

    `fresh` is asked on every call. It holds unit ids, and tuples for triggers and for experiments whose unit
    is not the one that the caller names: those are found out on the slow path. Sets, because asking a large
    one touches half the memory that asking a mapping does. Threads that meet a unit at the same moment may
    both log it, and so does whoever meets one that was here before the last turn: the sender leaves out the
    second (`splitrun.sdk.outbox.twins`).
    """

    __slots__ = (
        "asks", "attribute", "declared", "experiment", "fresh", "full", "other", "slow", "stretch",
        "unit_type",
    )  # fmt: skip

    def __init__(self, ruleset: Ruleset, experiment: Experiment) -> None:
        self.experiment = experiment
        self.unit_type = experiment.unit
        self.declared = experiment.attributes
        self.attribute = ruleset.units.get(experiment.unit, experiment.unit)
        asked = []
        if experiment.flag is not None and experiment.flag in ruleset.flags:
            asked.append(ruleset.flags[experiment.flag].unit)
        if experiment.layer is not None and experiment.layer in ruleset.layers:
            asked.append(ruleset.layers[experiment.layer].unit)
        self.other = any(name != experiment.unit for name in asked)
        self.slow = self.other or len(self.declared) > MANY
        self.asks = self.slow or bool(self.declared)
        """Whether more than the unit is asked for."""
        self.fresh: set[object] = set()
        self.full = 0
        """More in `fresh` than so many ask for a look at the room of all; see `Marks.turn`."""
        self.stretch = Stretch(experiment.unit)

    def same_stretch(self, before: Mark) -> bool:
        """Whether what was logged under `before` counts for this one too."""
        now, then = self.experiment, before.experiment
        return (now.version, now.phase, now.enrolling, now.unit) == (
            then.version,
            then.phase,
            then.enrolling,
            then.unit,
        )

    def follow(self, past: Mark) -> None:
        """Go on from what was logged under the mark of the ruleset before."""
        if self.same_stretch(past):
            self.stretch = past.stretch
            # what callers name may be another unit since: the keys are others then, too
            self.fresh = past.fresh if self.other is past.other else set()
        elif (self.experiment.version, self.unit_type) == (past.experiment.version, past.unit_type):
            self.stretch.follow(past.stretch)

    def key(self, unit: str, *, trigger: bool) -> object:
        """Under what a unit is remembered."""
        if trigger:
            return (unit,)
        return (unit, "") if self.other else unit

    def written(self) -> set[object]:
        """Give the keys under which the sender knows what callers have logged."""
        if not self.other:
            return self.fresh
        return {key[0] if len(key) > 1 else key for key in self.fresh if type(key) is tuple}

    def dealt(self, key: str, unit: str) -> Evaluation:
        """What the experiment of a key deals a unit; the answer holds no id."""
        from splitrun.assign.slots import slot  # noqa: PLC0415 - loaded with the first ruleset

        of = self.experiment
        at = slot(of.salt, unit)
        variant = next(arm.variant for arm in of.arms if at < arm.below)
        return Evaluation(
            of.flag or key, None, variant, Reason.DEFAULT, Detail.OPTED_OUT, 0, key, of.version, of.phase,
            of.enrolling,
        )  # fmt: skip

    def carried(self, attributes: Mapping[str, object]) -> tuple[dict[str, object], int, list[str]]:
        """Take the declared attributes and no others.

        Returns:
            Their plain values, how much text they hold, and what was wrong with those that are left out.
        """
        values: dict[str, object] = {}
        text = 0
        for name in self.declared:
            item = attributes.get(name)
            if item is None:
                continue
            if type(item) is str and item.isascii():
                text += len(item)
            elif type(item) is not bool and not (type(item) is int and -LARGEST <= item <= LARGEST):
                return self.sifted(attributes)
            values[name] = item
        return self.sifted(attributes) if text > SMALL_TEXT else (values, text, [])

    def sifted(self, attributes: Mapping[str, object]) -> tuple[dict[str, object], int, list[str]]:
        """Do as `carried` does for attributes of any kind and size."""
        values: dict[str, object] = {}
        size = 0
        wrong: list[str] = []
        for name in self.declared:
            item = attributes.get(name)
            if item is None:
                continue
            try:
                values[name], taken = segment(item, name, SEGMENTS - size)
                size += taken
            except UnfitError as error:
                wrong.append(str(error))
        return values, size, wrong


class Marks:
    """The marks of all experiments of a ruleset, and the bound they share.

    When half of the room is taken all begin anew; what is logged again then the sender knows, as long as it
    remembers. A unit that it has forgotten, too, is sent again, which analysis does not mind.
    """

    def __init__(self, ruleset: Ruleset, room: int, before: Marks | None = None) -> None:
        self.half = max(1, room // 2)
        self.turns: dict[str, object] = {}
        """Who turns; empty but while somebody does. `setdefault` is atomic, and safe in a signal handler."""
        self.of: dict[str, Mark] = {}
        for name, experiment in ruleset.experiments.items():
            mark = Mark(ruleset, experiment)
            past = before.of.get(name) if before else None
            if past is not None:
                mark.follow(past)
            self.of[name] = mark
        self.share()

    def first(self, mark: Mark, key: object, log: Callable[[], None]) -> bool:
        """Log what was not logged lately; answers whether it did.

        A signal handler may raise anywhere in here, and another thread may be here as well: what is logged
        twice then is left out by the sender, what would never be logged is lost. So it is logged before it is
        remembered.

        Args:
            mark: The experiment's mark.
            key: `Mark.key` of the unit.
            log: What to do the first time.
        """
        if key in mark.fresh:
            return False
        # the same lines stand where nanoseconds count
        log()
        mark.fresh.add(key)
        if len(mark.fresh) > mark.full:
            self.turn()
        return True

    def left(self, unit: str, waiting: Iterable[object] = ()) -> Iterator[tuple[Mark, Evaluation]]:
        """Give what a unit leaves, having met it, and remember no longer that it did.

        Whether it met it in this phase or in one before is the same: an experiment is left once. Where the
        experiment has another unit than the caller names, whoever decides is not who was exposed.

        Args:
            unit: As callers name it.
            waiting: What the sender has not looked at yet: after a turn nothing else knows of it.
        """
        logged = {each.stretch for each in waiting if type(each) is Met and each.unit == unit}
        for name, mark in self.of.items():
            if mark.other:
                continue
            waits = not logged.isdisjoint(mark.stretch.line())
            if unit in mark.fresh or waits or mark.stretch.knows(unit):
                mark.fresh.discard(unit)
                mark.fresh.discard(mark.key(unit, trigger=True))
                yield mark, mark.dealt(name, unit)

    def turn(self) -> None:
        """Look how much room is taken, and begin anew where it is; not two at once."""
        claim, turns = object(), self.turns
        try:
            if turns.setdefault("", claim) is not claim:
                return
            if self.taken() > self.half:
                for each in self.of.values():
                    each.fresh = set()
            self.share()
            del turns[""]
        except BaseException:
            if turns.get("") is claim:
                del turns[""]
            raise

    def taken(self) -> int:
        """Units that are remembered, over all experiments."""
        return sum(len(each.fresh) for each in self.of.values())

    def share(self) -> None:
        """Let every experiment have its part of the room that is left, until somebody looks again."""
        part = max(0, self.half - self.taken()) // max(1, len(self.of))
        for each in self.of.values():
            each.full = len(each.fresh) + part

    def renew(self, waiting: Iterable[object] = ()) -> None:
        """Live on in the child of a fork: the thread of the parent that turned is not here.

        Args:
            waiting: What the parent sends, in order; for the child's own sender that was written.
        """
        # a new one: a handler may have forked in the middle of a turn
        self.turns = {}
        for mark in self.of.values():
            mark.stretch.lately |= mark.written()
        for record in waiting:
            match record:
                case Met(left=True):
                    record.stretch.forget(record.unit)
                case Met():
                    record.stretch.lately.add(record.key)
                case _:
                    pass
