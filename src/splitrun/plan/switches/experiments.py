"""Experiments that are dealt here: what is wrong with one, and how clients need it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from splitrun.assign.ruleset import Arm
from splitrun.assign.ruleset import Experiment as Compiled
from splitrun.assign.slots import dealing_salt, threshold, thresholds
from splitrun.errors import Mistake
from splitrun.plan.question import CONTROL, unserved
from splitrun.plan.switches.audiences import condition_mistakes
from splitrun.plan.switches.flags import unnamed
from splitrun.plan.switches.ground import Ground, Running, meant, runs, unit_of, variants_of
from splitrun.plan.switches.layers import ranges
from splitrun.plan.switches.values import fault, plain, type_of
from splitrun.spec.experiment import Experiment, Variant
from splitrun.spec.segment import Segment
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested
from splitrun.terms.parse import parse
from splitrun.terms.substitution import substituted
from splitrun.terms.tree import columns

__all__ = ["experiment", "experiment_mistakes"]


def experiment_mistakes(ground: Ground, one: Running) -> Iterator[Mistake]:
    """Give everything that keeps an experiment from being dealt."""
    said, site = one.experiment, one.site
    if said.weights is not None:
        says = "the weights are said to be unknown, and units are dealt by them"
        yield site.mistake(says, "take `weights` out, and write weights at the variants", "weights")
    yield from condition_mistakes(said.audience, ground.audiences, site / "audience")
    yield from flag_mistakes(ground, one)
    yield from layer_mistakes(ground, one)


def flag_mistakes(ground: Ground, one: Running) -> Iterator[Mistake]:
    """Its flag is there, asks it, is asked with its units, and has the variants that are served."""
    said, site = one.experiment, one.site
    if said.flag is None:
        return
    if said.flag not in ground.board.flags:
        says = f"there is no flag {said.flag!r}"
        yield site.mistake(says, suggested(said.flag, ground.board.flags), "flag")
        return
    flag = ground.board.flags[said.flag]
    if one.key not in (key for _, key in runs(flag.value)):
        says = f"no rule of flag {said.flag!r} asks this experiment"
        yield site.mistake(
            says, f"write {{experiment: {one.key}}} among its rules in {flag.site.document.file}", "flag"
        )
    unit = unit_of(ground, flag.value)
    if unit != said.unit:
        says = f"flag {said.flag!r} is asked with units of type {unit!r}, and this deals {said.unit!r}"
        yield site.mistake(says, "let both have one unit type", "unit")
    yield from unserved(said, site / "variants")
    for key, variant in said.variants.items():
        if variant.serve is not None:
            yield from unnamed(variant.serve, said.flag, flag.value, site / "variants", key, "serve")


def layer_mistakes(ground: Ground, one: Running) -> Iterator[Mistake]:
    """Its layer is there, has slots for it and its unit type, and the parameters that are set."""
    said, site = one.experiment, one.site
    if said.layer is None:
        for key, variant in said.variants.items():
            if variant.parameters:
                says = "parameters are a layer's, and this experiment names no layer"
                yield (site / "variants" / key).mistake(says, "write `layer`, or take them out", "parameters")
        return
    if said.layer not in ground.board.layers:
        says = f"there is no layer {said.layer!r}"
        yield site.mistake(says, suggested(said.layer, ground.board.layers), "layer")
        return
    layer = ground.board.layers[said.layer]
    if one.key not in layer.value.slots:
        says = f"layer {said.layer!r} has no slots for this experiment"
        yield site.mistake(
            says, f"write {one.key}: [0%, 50%] below its `slots` in {layer.site.document.file}", "layer"
        )
    if layer.value.unit != said.unit:
        says = (
            f"layer {said.layer!r} divides units of type {layer.value.unit!r}, and this deals {said.unit!r}"
        )
        yield site.mistake(says, "let both have one unit type", "unit")
    for key, variant in said.variants.items():
        yield from parameter_mistakes(said.layer, layer.value.parameters, variant, site / "variants" / key)


def parameter_mistakes(
    layer: str, known: dict[str, object], variant: Variant, site: Site
) -> Iterator[Mistake]:
    """A variant sets parameters that the layer has, to values of their type."""
    for name, value in variant.parameters.items():
        if name not in known:
            says = f"layer {layer!r} has no parameter {name!r}"
            yield (site / "parameters").mistake(says, suggested(name, known), name)
            continue
        wanted = type_of(known[name])
        wrong = fault(value, wanted) if wanted is not None else ""
        if wrong:
            says = f"{wrong}, and parameter {name!r} of layer {layer!r} is one"
            yield (site / "parameters").mistake(says, f"write a {wanted}", name)


def experiment(ground: Ground, one: Running) -> Compiled:
    """Make the experiment as clients need it, of one in which nothing is wrong."""
    said, version, below = one.experiment, one.version, threshold(one.coverage)
    layer = None if said.layer is None else ground.board.layers[said.layer].value
    tree = None if said.audience is None else substituted(parse(said.audience), ground.audiences)
    return Compiled(
        flag=said.flag,
        unit=said.unit,
        version=version,
        phase=one.standing.phase if one.standing else 1,
        salt=dealing_salt(one.key, version, said.salt),
        arms=arms(ground, said),
        coverage=below,
        coverage_salt=f"coverage:{one.key}:{version}",
        audience=tree,
        layer=said.layer,
        slots=()
        if layer is None
        else tuple(sorted((threshold(low), threshold(high)) for low, high in ranges(layer.slots[one.key]))),
        holdouts=tuple(
            name for name, holdout in ground.board.holdouts.items() if one.key in holdout.value.experiments
        ),
        enrolling=one.standing.enrolling if one.standing else True,
        attributes=attributes(ground, said),
    )


def arms(ground: Ground, said: Experiment) -> tuple[Arm, ...]:
    """Deal the slots among the variants: control first, then the treatments as written, as in the plan."""
    order = sorted(said.variants, key=lambda key: key != CONTROL)
    served = {} if said.flag is None else variants_of(ground.board.flags[said.flag].value)
    total = sum(variant.weight for variant in said.variants.values())
    ends = thresholds(Fraction(said.variants[key].weight, total) for key in order)
    return tuple(
        Arm(
            variant=key,
            serve=meant(said.variants[key].serve, served) or "",
            below=end,
            parameters={name: plain(value) for name, value in said.variants[key].parameters.items()},
        )
        for key, end in zip(order, ends, strict=True)
    )


def attributes(ground: Ground, said: Experiment) -> tuple[str, ...]:
    """Name the attributes that the declared segments are cut by, each once."""
    match said.segments:
        case dict() as cuts:
            segments = tuple(cuts.values())
        case names:
            shelf = ground.library.segments
            segments = tuple(shelf[name].value for name in names if name in shelf)
    return tuple(dict.fromkeys(name for segment in segments for name in cut_by(segment)))


def cut_by(segment: Segment) -> tuple[str, ...]:
    """Name the attributes that a segment is cut by."""
    if segment.values is not None:
        return (segment.values,)
    return () if segment.when is None else columns(parse(segment.when))
