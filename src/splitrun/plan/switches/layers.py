"""Layers and holdouts: what is wrong with them, and how clients need them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from splitrun.assign.ruleset import Holdout as CompiledHoldout
from splitrun.assign.ruleset import Layer as CompiledLayer
from splitrun.assign.slots import threshold
from splitrun.errors import Mistake
from splitrun.plan.switches.ground import Ground, known_unit
from splitrun.plan.switches.values import fault as value_fault
from splitrun.plan.switches.values import plain, type_of
from splitrun.spec.amount import written_share
from splitrun.spec.flag import Layer, Slots
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested

__all__ = ["holdout", "holdout_mistakes", "layer", "layer_mistakes", "ranges"]


def ranges(slots: Slots) -> tuple[tuple[Fraction, Fraction], ...]:
    """Give the ranges of a layer that belong to one experiment, as written."""
    ends: list[Fraction] = []
    for part in slots:
        match part:
            case Fraction():
                ends.append(part)
            case pair:
                ends += pair
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def layer_mistakes(ground: Ground, name: str) -> Iterator[Mistake]:
    """Slots belong to experiments of the layer and to one of them only; parameters have a type."""
    site, said = ground.board.layers[name].site, ground.board.layers[name].value
    yield from known_unit(ground, said.unit, site, "unit")
    for key, value in said.parameters.items():
        kind = type_of(value)
        wrong = "nothing stands here, which has no type" if kind is None else value_fault(value, kind)
        if wrong:
            yield (site / "parameters").mistake(wrong, "write the parameter's default", key)
    for key, slots in said.slots.items():
        yield from member_mistakes(ground, name, key)
        for low, high in ranges(slots):
            if threshold(low) >= threshold(high):
                says = f"no unit lies from {written_share(low)} to {written_share(high)}"
                yield (site / "slots").mistake(says, "write the smaller share first", key)
    yield from overlaps(said, site / "slots")


def member_mistakes(ground: Ground, name: str, key: str) -> Iterator[Mistake]:
    """An experiment that has slots is there, and names the layer."""
    site = ground.board.layers[name].site / "slots"
    if ground.absent(key):
        yield site.mistake(f"there is no experiment {key!r}", suggested(key, ground.known), key)
    yield from idle_mistakes(ground, key, site, key)
    one = ground.running.get(key)
    if one is not None and one.experiment.layer != name:
        names = f"names layer {one.experiment.layer!r}" if one.experiment.layer else "names no layer"
        says = f"experiment {key!r} {names}, and has slots in {name!r}"
        remedy = f"write layer: {name} in {one.site.document.file}, or take the slots out"
        yield site.mistake(says, remedy, key)


def idle_mistakes(ground: Ground, key: str, site: Site, step: str | int) -> Iterator[Mistake]:
    """Units are kept from, or kept for, experiments that Splitrun deals."""
    if key in ground.idle:
        says = f"experiment {key!r} runs on no flag and sets no parameters, so its units are not dealt here"
        yield site.mistake(says, "write `flag` in the experiment's file, or take it out here", step)


def overlaps(said: Layer, site: Site) -> Iterator[Mistake]:
    """No slot belongs to two experiments, nor to one twice."""
    held = [
        (low, high, key) for key, slots in said.slots.items() for low, high in ranges(slots) if low < high
    ]
    for index, (low, high, key) in enumerate(held):
        for before, after, other in held[:index]:
            start, end = max(low, before), min(high, after)
            if start < end:
                both = f"{other!r} and {key!r}" if other != key else f"two ranges of {key!r}"
                says = f"{both} overlap from {written_share(start)} to {written_share(end)} of the layer"
                yield site.mistake(says, "move one of them: a unit is in one experiment of a layer", key)


def layer(ground: Ground, name: str) -> CompiledLayer:
    """Make the layer as clients need it, of one in which nothing is wrong."""
    said = ground.board.layers[name].value
    members = sorted((min(ranges(slots)), key) for key, slots in said.slots.items() if key in ground.running)
    return CompiledLayer(
        unit=said.unit,
        salt=f"layer:{name}",
        parameters={key: plain(value) for key, value in said.parameters.items()},
        experiments=tuple(key for _, key in members),
    )


def holdout_mistakes(ground: Ground, name: str) -> Iterator[Mistake]:
    """A holdout keeps some units, of the experiments' own type, from experiments that are there."""
    site, said = ground.board.holdouts[name].site, ground.board.holdouts[name].value
    yield from known_unit(ground, said.unit, site, "unit")
    if not 0 < threshold(said.share) < threshold(Fraction(1)):
        says = f"a holdout of {written_share(said.share)} compares nobody with anybody"
        yield site.mistake(says, "write a share like 5%", "share")
    for index, key in enumerate(said.experiments):
        if ground.absent(key):
            remedy = suggested(key, ground.known)
            yield (site / "experiments").mistake(f"there is no experiment {key!r}", remedy, index)
        yield from idle_mistakes(ground, key, site / "experiments", index)
        one = ground.running.get(key)
        if one is not None and one.experiment.unit != said.unit:
            deals = f"experiment {key!r} deals {one.experiment.unit!r}"
            says = f"holdout {name!r} keeps units of type {said.unit!r}, and {deals}"
            yield (site / "experiments").mistake(says, "let both have one unit type", index)


def holdout(ground: Ground, name: str) -> CompiledHoldout:
    """Make the holdout as clients need it, of one in which nothing is wrong."""
    said = ground.board.holdouts[name].value
    return CompiledHoldout(unit=said.unit, salt=f"holdout:{name}", below=threshold(said.share))
