"""Flags: what is wrong with one, and the flag as clients need it."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.assign.ruleset import WHOLE, Override, Requirement, Run, Serve, Type
from splitrun.assign.ruleset import Flag as Compiled
from splitrun.assign.slots import threshold
from splitrun.errors import Mistake
from splitrun.plan.switches.audiences import condition_mistakes, joined
from splitrun.plan.switches.circles import circles
from splitrun.plan.switches.ground import Ground, known_unit, meant, runs, unit_of, variants_of
from splitrun.plan.switches.values import fault, plain
from splitrun.spec.flag import Flag, RunRule, Scalar, ServeRule
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested
from splitrun.terms.parse import parse
from splitrun.terms.substitution import substituted
from splitrun.terms.tree import Tree

__all__ = ["flag", "flag_mistakes", "ring_mistakes", "unnamed"]


def unnamed(said: object, flag: str, of: Flag, site: Site, *path: str | int) -> Iterator[Mistake]:
    """What is said names a variant of the flag, by its key or by a value that only it serves."""
    variants = variants_of(of)
    if not variants or meant(said, variants) is not None:
        return
    written = repr(said) if type(said) is str else plain_text(said)
    yield site.mistake(
        f"flag {flag!r} has no variant {written:.80}", suggested(plain_text(said), variants), *path
    )


def plain_text(said: object) -> str:
    """Write what was said the way YAML does."""
    return str(said).lower() if type(said) is bool else str(said)


def flag_mistakes(ground: Ground, key: str) -> Iterator[Mistake]:
    """Give everything that is wrong with a flag."""
    site, said = ground.board.flags[key].site, ground.board.flags[key].value
    yield from known_unit(ground, said.unit, site, "unit")
    yield from value_mistakes(key, said, site)
    yield from unnamed(said.default, key, said, site, "default")
    known = ground.project.environments if ground.project else (ground.environment,)
    for name in said.environments:
        if name not in known:
            says = f"there is no environment {name!r} in splitrun.yaml"
            yield (site / "environments").mistake(says, suggested(name, known), name)
    yield from requirement_mistakes(ground, key)
    for index, rule in enumerate(said.rules):
        match rule:
            case ServeRule():
                yield from serve_mistakes(ground, key, index, rule)
            case RunRule(experiment=run):
                yield from run_mistakes(ground, key, index, run)
    yield from order_mistakes(said, site / "rules")


def value_mistakes(key: str, said: Flag, site: Site) -> Iterator[Mistake]:
    """A flag has variants, and each serves a value of the flag's type."""
    if not variants_of(said):
        yield site.mistake(f"flag {key!r} has no variants", "write `variants`: what each serves, by name")
    for name, value in said.variants.items():
        wrong = fault(value, Type(said.type))
        if wrong:
            says = f"{wrong}, and flag {key!r} serves {said.type} values"
            yield (site / "variants").mistake(says, f"write a {said.type}, or mend the flag's `type`", name)


def requirement_mistakes(ground: Ground, key: str) -> Iterator[Mistake]:
    """Prerequisites are flags of the project, and variants that they have."""
    site = ground.board.flags[key].site / "requires"
    for name, wanted in ground.board.flags[key].value.requires.items():
        other = ground.board.flags.get(name)
        if other is None:
            yield site.mistake(f"there is no flag {name!r}", suggested(name, ground.board.flags), name)
            continue
        match wanted:
            case tuple():
                for index, one in enumerate(wanted):
                    yield from unnamed(one, name, other.value, site, name, index)
            case _:
                yield from unnamed(wanted, name, other.value, site, name)


def ring_mistakes(ground: Ground) -> Iterator[Mistake]:
    """Flags do not require each other in a circle."""
    leads = {key: tuple(one.value.requires) for key, one in ground.board.flags.items()}
    for way in circles(leads):
        says = f"flags require each other in a circle: {' -> '.join(way)}"
        yield ground.board.flags[way[0]].site.mistake(
            says, "let one of them stand by itself", "requires", way[1]
        )


def serve_mistakes(ground: Ground, key: str, index: int, rule: ServeRule) -> Iterator[Mistake]:
    """A rule serves a variant of its flag, to units that can be told."""
    said, site = ground.board.flags[key].value, ground.board.flags[key].site / "rules" / index
    yield from unnamed(rule.serve, key, said, site, "serve")
    if rule.audience is not None and rule.audience not in ground.board.audiences:
        says = f"there is no audience {rule.audience!r}"
        yield site.mistake(says, suggested(rule.audience, ground.board.audiences), "audience")
    yield from condition_mistakes(rule.when, ground.audiences, site / "when")
    if rule.to is None:
        return
    if rule.to.list not in ground.board.lists:
        says = f"there is no list {rule.to.list!r}"
        yield site.mistake(says, suggested(rule.to.list, ground.board.lists), "to", "list")
    if rule.when is not None or rule.audience is not None or rule.coverage is not None:
        says = "a rule for a list has no condition and no coverage: it holds whatever the rules say"
        yield site.mistake(says, "take `to` out, or what stands beside it")


def run_mistakes(ground: Ground, key: str, index: int, run: str) -> Iterator[Mistake]:
    """A rule asks an experiment of this flag, and no other rule does."""
    site = ground.board.flags[key].site / "rules" / index
    if ground.absent(run):
        yield site.mistake(f"there is no experiment {run!r}", suggested(run, ground.known), "experiment")
        return
    homes = [name for name, one in ground.board.flags.items() for _, asked in runs(one.value) if asked == run]
    if len(homes) > 1:
        says = f"experiment {run!r} is asked by {len(homes)} rules, of {', '.join(dict.fromkeys(homes))}"
        yield site.mistake(says, "keep one of them", "experiment")
    one = ground.running.get(run)
    on = one.experiment.flag if one else None
    if run in ground.idle or (one is not None and on != key):
        runs_on = f"runs on flag {on!r}, and this is flag {key!r}" if on else "names no flag"
        remedy = f"write flag: {key} in the experiment's file, or take the rule out"
        yield site.mistake(f"experiment {run!r} {runs_on}", remedy, "experiment")


def order_mistakes(said: Flag, site: Site) -> Iterator[Mistake]:
    """Rules for lists stand first, where they are asked; nothing stands behind what takes everybody."""
    ruled = False
    for index, rule in enumerate(said.rules):
        listed = type(rule) is ServeRule and rule.to is not None
        if listed and ruled:
            says = "a rule for a list is asked before all others, and stands behind one"
            yield (site / index).mistake(says, "move it to the top of the rules")
        ruled = ruled or not listed
    for index, rule in enumerate(said.rules[:-1]):
        if type(rule) is ServeRule and takes_all(rule):
            says = f"rule {index + 1} serves everybody, and no unit gets as far as this"
            yield (site / (index + 1)).mistake(says, "move the rule that serves everybody to the end")
            return


def takes_all(rule: ServeRule) -> bool:
    """Whether no unit gets past a rule."""
    whole = rule.coverage is None or rule.coverage == 1
    return rule.to is None and rule.when is None and rule.audience is None and whole


def flag(ground: Ground, key: str) -> Compiled:
    """Make the flag as clients need it, of one in which nothing is wrong."""
    said = ground.board.flags[key].value
    here = said.environments.get(ground.environment)
    return Compiled(
        type=Type(said.type),
        unit=unit_of(ground, said),
        variants={name: plain(value) for name, value in variants_of(said).items()},
        default=variant(said.default, said),
        on=here.on if here else said.on,
        archived=said.archived,
        overrides=tuple(overrides(said)),
        requires=tuple(requirements(ground, said)),
        rules=tuple(rules(ground, key)),
    )


def overrides(said: Flag) -> Iterator[Override]:
    """Give the rules for lists."""
    for rule in said.rules:
        match rule:
            case ServeRule(to=to) if to is not None:
                yield Override(serve=variant(rule.serve, said), list=to.list)
            case _:
                pass


def requirements(ground: Ground, said: Flag) -> Iterator[Requirement]:
    """Give the prerequisites."""
    for name, wanted in said.requires.items():
        other = ground.board.flags[name].value
        match wanted:
            case tuple():
                named = tuple(variant(one, other) for one in wanted)
            case _:
                named = (variant(wanted, other),)
        yield Requirement(flag=name, variants=tuple(dict.fromkeys(named)))


def rules(ground: Ground, key: str) -> Iterator[Run | Serve]:
    """Give the rules that are asked in order; an experiment that does not run is not asked."""
    said = ground.board.flags[key].value
    for rule in said.rules:
        match rule:
            case RunRule(experiment=run) if run in ground.running:
                yield Run(experiment=run)
            case ServeRule(to=None):
                below = WHOLE if rule.coverage is None else threshold(rule.coverage)
                yield Serve(
                    serve=variant(rule.serve, said),
                    when=asked(ground, rule),
                    coverage=below,
                    salt="" if below == WHOLE else f"rollout:{key}",
                )
            case _:
                pass


def asked(ground: Ground, rule: ServeRule) -> Tree | None:
    """Give the condition of a rule, with its audiences written out."""
    named = None if rule.audience is None else ground.audiences[rule.audience]
    return joined(named, None if rule.when is None else substituted(parse(rule.when), ground.audiences))


def variant(said: Scalar, of: Flag) -> str:
    """Give the variant that is named; that one is, has been checked."""
    return meant(said, variants_of(of)) or ""
