"""A ruleset after another: what counts on, and what may not change under units that are dealt already."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from splitrun.assign.ruleset import Experiment, Ruleset
from splitrun.assign.transmission import sealed
from splitrun.errors import Mistake, SpecError

__all__ = ["succeeding"]

RESTART = "take it back, or raise the experiment's `version`: all units are dealt afresh"


def succeeding(made: Ruleset, before: Ruleset) -> Ruleset:
    """Number a ruleset after the one that was published before it.

    The version grows where anything differs. An experiment's phase grows where its coverage, its audience or
    whether it enrols differs, so that exposures tell the stretches apart.

    Args:
        made: Freshly compiled.
        before: What clients have.

    Returns:
        The same with version and phases counted on; equal to `before` where nothing differs.

    Raises:
        SpecError: It would move units that are dealt already, or is of another project; all mistakes.
    """
    mistakes = [*strange(made, before), *moved(made, before)]
    if mistakes:
        raise SpecError(mistakes)
    phased = {key: counted(one, before.experiments.get(key)) for key, one in made.experiments.items()}
    same = replace(made, version=before.version, experiments=phased)
    if sealed(same) == sealed(before):
        return before
    return replace(same, version=before.version + 1)


def counted(made: Experiment, before: Experiment | None) -> Experiment:
    """Count an experiment's phase on, where it is the same deal."""
    if before is None or before.version != made.version:
        return made
    differs = (made.coverage, made.audience, made.enrolling) != (
        before.coverage,
        before.audience,
        before.enrolling,
    )
    return replace(made, phase=before.phase + differs)


def strange(made: Ruleset, before: Ruleset) -> Iterator[Mistake]:
    """A ruleset follows one of its own project and environment."""
    if (made.project, made.environment) != (before.project, before.environment):
        says = (
            f"the ruleset that is there is of project {before.project!r}, environment "
            f"{before.environment!r}; this is of {made.project!r}, {made.environment!r}"
        )
        yield Mistake(says, "name another file for it")


def moved(made: Ruleset, before: Ruleset) -> Iterator[Mistake]:
    """What says which units get which variant stays as it is while an experiment runs."""
    for key, one in made.experiments.items():
        old = before.experiments.get(key)
        path = f"experiments.{key}"
        if old is None or one.version > old.version:
            continue
        if one.version < old.version:
            says = f"version {one.version} is older than version {old.version}, which was published"
            yield Mistake(says, f"write version: {old.version} or more", path)
            continue
        for changed in changes(one, old):
            yield Mistake(f"{changed} changed while version {one.version} runs", RESTART, path)
    for name, holdout in made.holdouts.items():
        was = before.holdouts.get(name)
        held = [key for key in made.experiments if name in made.experiments[key].holdouts]
        running = [key for key in held if key in before.experiments]
        if was is not None and was.below != holdout.below and running:
            says = f"the share of holdout {name!r} changed while {', '.join(running)} runs"
            yield Mistake(says, "take it back, or name a new holdout", f"holdouts.{name}")


def changes(one: Experiment, old: Experiment) -> Iterator[str]:
    """Name what would move units."""
    parts = [(arm.variant, arm.below) for arm in one.arms], [(arm.variant, arm.below) for arm in old.arms]
    if parts[0] != parts[1]:
        yield "the variants or their weights"
    if one.salt != old.salt:
        yield "the salt"
    if one.unit != old.unit:
        yield "the unit type"
    if (one.layer, one.slots) != (old.layer, old.slots):
        yield "the layer or its slots"
    if set(one.holdouts) != set(old.holdouts):
        yield "the holdouts"
