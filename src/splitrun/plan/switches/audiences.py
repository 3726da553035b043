"""Conditions, with the audiences they name put in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from splitrun.errors import Mistake
from splitrun.plan.defined import Defined
from splitrun.plan.switches.circles import circles
from splitrun.spec.written.document import Site
from splitrun.terms.kinds import mismatches
from splitrun.terms.parse import DEEPEST, parse
from splitrun.terms.substitution import height, size, substituted
from splitrun.terms.tree import And, Tree, columns, parts

__all__ = ["audience_mistakes", "condition_mistakes", "joined", "meanings"]

LARGEST = 2_000
"""Nodes of one condition, with all audiences in it written out."""


def meanings(audiences: Mapping[str, Defined[str]]) -> dict[str, Tree]:
    """Give the conditions that names of audiences stand for, each with the others in it written out.

    What is in a circle, or would grow too large, is left out; `audience_mistakes` says so.
    """
    trees = {name: parse(audience.value) for name, audience in audiences.items()}
    known: dict[str, Tree] = {}
    waiting = dict(trees)
    while waiting:
        ready = [name for name, tree in waiting.items() if not set(columns(tree)) & waiting.keys()]
        if not ready:
            break
        for name in ready:
            tree = waiting.pop(name)
            if not grown(tree, known):
                known[name] = substituted(tree, known)
    return known


def grown(tree: Tree, known: Mapping[str, Tree]) -> str:
    """Say why a condition cannot be written out, or nothing."""
    if weight(tree, known) > LARGEST:
        return f"more than {LARGEST:,} values and operators"
    # the text alone may be 100 levels high; the sum bounds what the audiences in it add
    whole = substituted(tree, known)
    return f"brackets and operators deeper than {DEEPEST}" if height(whole) > DEEPEST + 1 else ""


def weight(tree: Tree, known: Mapping[str, Tree]) -> int:
    """Count the nodes of a condition as if it were written out, each mention of a name anew."""
    mentions = [name for name in named(tree) if name in known]
    return size(tree) + sum(size(known[name]) - 1 for name in mentions)


def named(tree: Tree) -> Iterator[str]:
    """Name the columns of a tree as often as they are mentioned."""
    for part in leaves(tree):
        yield from columns(part)


def leaves(tree: Tree) -> Iterator[Tree]:
    """Give the parts of a tree that have no parts."""
    below = parts(tree)
    if not below:
        yield tree
    for part in below:
        yield from leaves(part)


def audience_mistakes(audiences: Mapping[str, Defined[str]]) -> Iterator[Mistake]:
    """Audiences do not lead back to themselves, and what they come to is not too large."""
    trees = {name: parse(audience.value) for name, audience in audiences.items()}
    for way in circles({name: columns(tree) for name, tree in trees.items()}):
        says = f"audiences name each other in a circle: {' -> '.join(way)}"
        yield audiences[way[0]].site.mistake(says, "write one of them out")
    known = meanings(audiences)
    for name, audience in audiences.items():
        if set(columns(trees[name])) & audiences.keys() <= known.keys():
            yield from condition_mistakes(audience.value, known, audience.site)


def condition_mistakes(text: str | None, known: Mapping[str, Tree], site: Site) -> Iterator[Mistake]:
    """A condition still makes sense when the audiences in it are written out."""
    if text is None:
        return
    tree = parse(text)
    wrong = grown(tree, known)
    if wrong:
        says = f"written out with its audiences, the condition has {wrong}"
        yield site.mistake(says, "split it, or use fewer audiences in it")
        return
    plain = set(mismatches(tree, {}))
    for sentence in mismatches(substituted(tree, known), {}):
        if sentence not in plain:
            says, _, remedy = sentence.partition("; ")
            yield site.mistake(says, remedy or "the name of an audience stands for true or false")


def joined(*conditions: Tree | None) -> Tree | None:
    """Give what holds where all of some conditions hold; those that are not there are not asked."""
    held = tuple(tree for tree in conditions if tree is not None)
    match held:
        case ():
            return None
        case (alone,):
            return alone
        case _:
            return And(held)
