"""Which exposures have been logged: once per unit, experiment and phase, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping

from splitrun.assign.ruleset import Experiment, Ruleset

__all__ = ["Mark", "Marks"]


class Mark:
    """What logging an exposure to one experiment needs, and the units that are logged.

    `fresh` is asked on every call. It holds unit ids, and a tuple of the id for a trigger. It stays empty where
    the experiment's unit is not the one that the caller names, so that the slow path finds out.
    """

    __slots__ = ("attribute", "declared", "experiment", "fresh", "older", "other", "unit_type")

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
        self.fresh: dict[object, int] = {}
        self.older: dict[object, int] = {}

    def same_stretch(self, before: Mark) -> bool:
        """Whether what was logged under `before` counts for this one too."""
        now, then = self.experiment, before.experiment
        return (now.version, now.phase, now.enrolling, now.unit) == (
            then.version,
            then.phase,
            then.enrolling,
            then.unit,
        )


class Marks:
    """The marks of all experiments of a ruleset, and the bound they share.

    Memory is two generations: when half of the room is taken, the older generation is forgotten and the
    fresh one becomes the older. A unit that was forgotten is logged again, which analysis does not mind.
    """

    def __init__(self, ruleset: Ruleset, room: int, before: Marks | None = None) -> None:
        self.room = max(2, room)
        self.taken = before.taken if before else 0
        self.of: dict[str, Mark] = {}
        for name, experiment in ruleset.experiments.items():
            mark = Mark(ruleset, experiment)
            past = before.of.get(name) if before else None
            if past is not None and mark.same_stretch(past):
                mark.fresh, mark.older = past.fresh, past.older
            self.of[name] = mark

    def first(self, mark: Mark, unit: object, number: int) -> bool:
        """Whether nobody has logged the unit before; of several threads exactly one is told so.

        Args:
            mark: The experiment's mark.
            unit: The unit's id; in a tuple for a trigger.
            number: A number that no other call has.
        """
        # asking and setting in one step is what makes it exact among threads
        if mark.fresh.setdefault(unit, number) != number:
            return False
        self.taken += 1
        known = unit in mark.older
        if self.taken > self.room // 2:
            self.taken = 0
            for each in self.of.values():
                each.older, each.fresh = each.fresh, {}
        return not known

    @staticmethod
    def carried(mark: Mark, attributes: Mapping[str, object]) -> dict[str, object]:
        """Take the declared attributes and no others; what could change later is left out."""
        return {
            name: attributes[name]
            for name in mark.declared
            if name in attributes and type(attributes[name]) not in {list, dict, set}
        }
