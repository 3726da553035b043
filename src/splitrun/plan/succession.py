"""A ruleset after another: what counts on, and what may not change under units that are dealt already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from msgspec import json
from msgspec.structs import replace

from splitrun.assign.ruleset import Ended, Experiment, Ruleset
from splitrun.assign.transmission import sealed
from splitrun.errors import Mistake, SpecError

__all__ = ["succeeding"]

RESTART = "take it back, or raise the experiment's `version`: all units are dealt afresh"
"""What to do about an experiment that runs."""

AFRESH = "put it back as it was, or raise the experiment's `version`: all units are dealt afresh"
"""What to do about an experiment that comes back."""


def succeeding(made: Ruleset, before: Ruleset) -> Ruleset:
    """Number a ruleset after the one that was published before it.

    The version grows where anything differs. An experiment's phase grows where its coverage, its audience or
    whether it enrols differs, so that exposures tell the stretches apart. An experiment that is taken out
    is kept in mind: it comes back as it was, in its next phase, or with a greater version.

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
    phased = {key: counted(one, key, before) for key, one in made.experiments.items()}
    same = replace(made, version=before.version, experiments=phased, ended=ended(made, before))
    if sealed(same) == sealed(before):
        return before
    return replace(same, version=before.version + 1)


def counted(made: Experiment, key: str, before: Ruleset) -> Experiment:
    """Count an experiment's phase on, where it is the same deal."""
    was = before.ended.get(key)
    if was is not None and was.version == made.version:
        return replace(made, phase=was.phase + 1)
    old = before.experiments.get(key)
    if old is None or old.version != made.version:
        return made
    differs = (made.coverage, made.audience, made.enrolling) != (old.coverage, old.audience, old.enrolling)
    return replace(made, phase=old.phase + differs)


def ended(made: Ruleset, before: Ruleset) -> dict[str, Ended]:
    """Keep in mind what has run and runs no more."""
    gone = {
        key: Ended(one.version, one.phase, fingerprint(before, key))
        for key, one in before.experiments.items()
    }
    return {key: one for key, one in {**before.ended, **gone}.items() if key not in made.experiments}


def strange(made: Ruleset, before: Ruleset) -> Iterator[Mistake]:
    """A ruleset follows one of its own project and environment."""
    if (made.project, made.environment) != (before.project, before.environment):
        says = (
            f"the ruleset that is there is of project {before.project!r}, environment "
            f"{before.environment!r}; this is of {made.project!r}, {made.environment!r}"
        )
        yield Mistake(says, "name another file for it")


def moved(made: Ruleset, before: Ruleset) -> Iterator[Mistake]:
    """What says which units get what stays as it is while a version of an experiment is in use."""
    for key, one in made.experiments.items():
        old: Experiment | Ended | None = before.experiments.get(key, before.ended.get(key))
        path = f"experiments.{key}"
        if old is None or one.version > old.version:
            continue
        if one.version < old.version:
            says = f"version {one.version} is older than version {old.version}, which was published"
            yield Mistake(says, f"write version: {old.version} or more", path)
        elif key in before.experiments:
            for changed in changes(made, before, key):
                yield Mistake(f"{changed} changed while version {one.version} runs", RESTART, path)
        elif fingerprint(made, key) != before.ended[key].deal:
            yield Mistake(f"version {one.version} was dealt otherwise before it was taken out", AFRESH, path)
    for name, holdout in made.holdouts.items():
        was = before.holdouts.get(name)
        held = [key for key in made.experiments if name in made.experiments[key].holdouts]
        running = [key for key in held if key in before.experiments]
        if was is not None and was.below != holdout.below and running:
            says = f"the share of holdout {name!r} changed while {', '.join(running)} runs"
            yield Mistake(says, "take it back, or name a new holdout", f"holdouts.{name}")


def changes(made: Ruleset, before: Ruleset, key: str) -> Iterator[str]:
    """Name what would move units, or give them something else under the same name."""
    now, then = deal(made, key), deal(before, key)
    return (what for what in now if json.encode(now[what]) != json.encode(then[what]))


def deal(ruleset: Ruleset, key: str) -> dict[str, object]:
    """Tell everything that says which units get what in an experiment."""
    one = ruleset.experiments[key]
    return {
        "the variants or their weights": [(arm.variant, arm.below) for arm in one.arms],
        "the flag": one.flag,
        "what the variants serve": served(ruleset, one),
        "the parameters of the variants": parameters(ruleset, one),
        "the salt": one.salt,
        "the unit type": one.unit,
        "the layer or its slots": (one.layer, one.slots),
        "the holdouts": sorted(one.holdouts),
    }


def served(ruleset: Ruleset, one: Experiment) -> dict[str, bytes]:
    """Give what each variant serves: the flag's value, whatever the flag calls it."""
    values = {} if one.flag is None else ruleset.flags[one.flag].variants
    return {arm.variant: plain(values.get(arm.serve)) for arm in one.arms}


def parameters(ruleset: Ruleset, one: Experiment) -> dict[str, bytes]:
    """Give, for each variant, what code reads of the parameters that any of the variants sets."""
    defaults = {} if one.layer is None else ruleset.layers[one.layer].parameters
    names = sorted({name for arm in one.arms for name in arm.parameters})
    return {
        arm.variant: plain([arm.parameters.get(name, defaults.get(name)) for name in names])
        for arm in one.arms
    }


def plain(value: object) -> bytes:
    """Write a value in one way only."""
    return json.encode(value, order="deterministic")


def fingerprint(ruleset: Ruleset, key: str) -> str:
    """Give the first 32 hexadecimal digits of SHA-256 over an experiment's deal."""
    shares = {name: ruleset.holdouts[name].below for name in sorted(ruleset.experiments[key].holdouts)}
    return hashlib.sha256(plain([deal(ruleset, key), shares])).hexdigest()[:32]
