"""Names that stand for conditions, and the conditions put in their place."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from splitrun.terms.tree import (
    And,
    Arithmetic,
    Between,
    Calculation,
    Call,
    Column,
    Comparison,
    In,
    IsBoolean,
    IsNull,
    Like,
    Logic,
    Negative,
    Not,
    Or,
    Predicate,
    Tree,
    parts,
)

__all__ = ["height", "size", "substituted"]


def size(tree: Tree) -> int:
    """Count the nodes of a tree."""
    return 1 + sum(size(part) for part in parts(tree))


def height(tree: Tree) -> int:
    """Count the nodes from the top of a tree to its deepest leaf."""
    return 1 + max((height(part) for part in parts(tree)), default=0)


def substituted(tree: Tree, meanings: Mapping[str, Tree]) -> Tree:
    """Put conditions in the place of the columns that name them.

    Args:
        tree: The expression.
        meanings: What names stand for; any other column stays.
    """
    match tree:
        case Column(name=name):
            return meanings.get(name, tree)
        case Not() | And() | Or():
            return in_logic(tree, meanings)
        case Comparison() | In() | Between() | Like() | IsNull() | IsBoolean():
            return in_predicate(tree, meanings)
        case Arithmetic() | Negative() | Call():
            return in_calculation(tree, meanings)
        case _:
            return tree


def in_logic(tree: Logic, meanings: Mapping[str, Tree]) -> Tree:
    """Put conditions into the parts of a junction."""
    match tree:
        case Not(of=part):
            return replace(tree, of=substituted(part, meanings))
        case And(of=of) | Or(of=of):
            return replace(tree, of=tuple(substituted(part, meanings) for part in of))


def in_predicate(tree: Predicate, meanings: Mapping[str, Tree]) -> Tree:
    """Put conditions into what is compared."""
    match tree:
        case Comparison(left=left, right=right):
            return replace(tree, left=substituted(left, meanings), right=substituted(right, meanings))
        case In(value=value, of=of):
            members = tuple(substituted(part, meanings) for part in of)
            return replace(tree, value=substituted(value, meanings), of=members)
        case Between(value=value, low=low, high=high):
            ends = {"low": substituted(low, meanings), "high": substituted(high, meanings)}
            return replace(tree, value=substituted(value, meanings), **ends)
        case Like(value=value, pattern=pattern):
            return replace(tree, value=substituted(value, meanings), pattern=substituted(pattern, meanings))
        case IsNull(value=value) | IsBoolean(value=value):
            return replace(tree, value=substituted(value, meanings))


def in_calculation(tree: Calculation | Call, meanings: Mapping[str, Tree]) -> Tree:
    """Put conditions into what is calculated with."""
    match tree:
        case Arithmetic(left=left, right=right):
            return replace(tree, left=substituted(left, meanings), right=substituted(right, meanings))
        case Negative(of=part):
            return replace(tree, of=substituted(part, meanings))
        case Call(of=of):
            return replace(tree, of=tuple(substituted(part, meanings) for part in of))
