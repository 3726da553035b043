"""The files at hand: held against the registry, and what a step brings in of what they say otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

from splitrun.conduct.definitions.comparing import Compared, against, side
from splitrun.conduct.definitions.kept import opened, written
from splitrun.conduct.lifecycle.applying import VERB, Wanted, remarks, writings
from splitrun.conduct.lifecycle.footing import Footing, refusal
from splitrun.errors import Mistake, RefusedError, SpecError
from splitrun.govern.lifecycle.table import Rule, Verb
from splitrun.plan.difference.difference import Step
from splitrun.plan.difference.uses import used
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Writing
from splitrun.store.registry.documents import Kind

__all__ = ["Brought", "brought", "same_as_files"]


@dataclass(frozen=True, slots=True)
class Brought:
    """The registry as it is once the step has been taken, and what is written to make it so."""

    footing: Footing
    writings: tuple[Writing, ...] = ()
    remarks: tuple[Remark, ...] = ()


def same_as_files(footing: Footing, key: str) -> None:
    """Refuse to seal what the files at hand say otherwise, where they name the experiment.

    Raises:
        RefusedError: Which definitions differ.
        SpecError: The files have mistakes.
    """
    found = differing(footing, key)
    if found is not None and found[1]:
        listed = ", ".join(f"{one.kind} {one.key}" for one in found[1])
        says = f"the files differ from the registry in {listed}"
        raise refusal(Rule.APPLIED, says, "look at it with `splitrun diff`, then run `splitrun apply`")


def brought(footing: Footing, key: str, verb: Verb) -> Brought:
    """Bring in what the files say otherwise of what an experiment rests on; `apply` leaves it to the step.

    Args:
        footing: The registry.
        key: The experiment.
        verb: The step: a restart may change what deals units, an amendment may not.

    Raises:
        RefusedError: Units that are dealt would be moved, or another experiment would be harmed.
        SpecError: The files have mistakes.
    """
    found = differing(footing, key)
    if found is None or not found[1]:
        return Brought(footing)
    compared, steps = found
    only = frozenset({key})
    taking = Wanted(restarting=only) if verb is Verb.RESTART else Wanted(amending=only)
    harms = [
        Mistake(f"experiment {one.experiment!r} is {one.stands}: {one.says}", one.remedy, Rule.FIXED.value)
        for step in steps
        for one in step.consequences
        if one.blocks and not taking.takes(one)
    ]
    if harms:
        raise RefusedError(list(dict.fromkeys(harms)))
    wanted = writings(compared, steps)
    bodies = {name: one.body for name, one in compared.documents.items()}
    for one in wanted:
        bodies.pop((one.kind, one.key), None)
        if one.body is not None:
            bodies[one.kind, one.key] = one.body
    says = opened(bodies)
    if says.mistakes:
        raise SpecError(says.mistakes)
    return Brought(replace(footing, says=says), wanted, remarks(compared, steps, VERB, footing.reason))


def differing(footing: Footing, key: str) -> tuple[Compared, tuple[Step, ...]] | None:
    """Give where the files differ from the registry in what an experiment rests on.

    Returns:
        None where the files do not name the experiment.

    Raises:
        SpecError: The files have mistakes.
    """
    files = written(footing.home.root)
    if (Kind.EXPERIMENT, key) not in files:
        return None
    compared = against(footing.registry, files, "")
    kept = {name: one.body for name, one in compared.documents.items()}
    rests = used(side(files), key) | used(side(kept), key) | {(Kind.EXPERIMENT.value, key)}
    return compared, tuple(one for one in compared.difference.steps if (one.kind, one.key) in rests)
