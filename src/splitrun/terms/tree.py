"""The typed form of an expression. Only the standard library and msgspec are loaded.

A tree is a plain value: frozen, compared by value, hashable, and the same after a trip through JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Literal

from msgspec import Struct

__all__ = [
    "And",
    "Arithmetic",
    "Between",
    "Boolean",
    "Call",
    "Column",
    "Comparison",
    "Function",
    "In",
    "IsBoolean",
    "IsNull",
    "Kind",
    "Like",
    "Negative",
    "Not",
    "Null",
    "Number",
    "Or",
    "Text",
    "Tree",
    "columns",
    "parts",
]


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"


class Function(StrEnum):
    """The closed list of functions."""

    LOWER = "lower"
    UPPER = "upper"
    LENGTH = "length"
    COALESCE = "coalesce"
    ABS = "abs"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    SEMVER = "semver"
    DATE = "date"
    REGEXP_MATCHES = "regexp_matches"


class Node(Struct, frozen=True, tag=str.lower, tag_field="node"):
    """What all parts of a tree share: how they are stored."""


class Text(Node, frozen=True):
    """A text in single quotes."""

    value: str


class Number(Node, frozen=True):
    """A number; a whole one is within 2**53 of zero, any other is finite."""

    value: int | float


class Boolean(Node, frozen=True):
    """True or false, written out."""

    value: bool


class Null(Node, frozen=True):
    """No value, written out."""


class Column(Node, frozen=True):
    """The value of a column or attribute; null where it is missing."""

    name: str


class Not(Node, frozen=True):
    """Negation; null stays null."""

    of: Tree


class And(Node, frozen=True):
    """True where all parts are true, false where one is false, else null."""

    of: tuple[Tree, ...]


class Or(Node, frozen=True):
    """True where one part is true, false where all are false, else null."""

    of: tuple[Tree, ...]


class Comparison(Node, frozen=True):
    """Two values side by side; null where one is null or the kinds differ."""

    op: Literal["=", "<>", "<", "<=", ">", ">="]
    left: Tree
    right: Tree


class In(Node, frozen=True):
    """Equality with one of several values, joined by `or`."""

    value: Tree
    of: tuple[Tree, ...]
    negated: bool = False


class Between(Node, frozen=True):
    """Both ends belong to it: `low <= value and value <= high`."""

    value: Tree
    low: Tree
    high: Tree
    negated: bool = False


class Like(Node, frozen=True):
    """A whole text against a pattern: `%` is any characters, `_` is one; nothing escapes them."""

    value: Tree
    pattern: Tree
    negated: bool = False


class IsNull(Node, frozen=True):
    """Whether there is no value; never null itself."""

    value: Tree
    negated: bool = False


class IsBoolean(Node, frozen=True):
    """Whether a value is true, or is false; never null itself."""

    value: Tree
    boolean: bool
    negated: bool = False


class Arithmetic(Node, frozen=True):
    """Two numbers as doubles; null where one is null, on division by zero, and beyond the finite."""

    op: Literal["+", "-", "*", "/", "%"]
    left: Tree
    right: Tree


class Negative(Node, frozen=True):
    """A number with its sign turned."""

    of: Tree


class Call(Node, frozen=True):
    """One of the functions, applied."""

    function: Function
    of: tuple[Tree, ...]


Leaf = Text | Number | Boolean | Null | Column
Logic = Not | And | Or
Predicate = Comparison | In | Between | Like | IsNull | IsBoolean
Calculation = Arithmetic | Negative
Tree = Leaf | Logic | Predicate | Calculation | Call


def columns(tree: Tree) -> tuple[str, ...]:
    """Name the columns of an expression, each once, in the order in which they appear."""
    return tuple(dict.fromkeys(_names(tree)))


def _names(tree: Tree) -> Iterator[str]:
    match tree:
        case Text() | Number() | Boolean() | Null():
            return
        case Column(name=name):
            yield name
        case _:
            for part in parts(tree):
                yield from _names(part)


def parts(tree: Tree) -> tuple[Tree, ...]:
    """Name what a node is made of, in the order in which it stands; nothing of a leaf."""
    match tree:
        case Text() | Number() | Boolean() | Null() | Column():
            return ()
        case Not(of=of) | Negative(of=of):
            return (of,)
        case And(of=of) | Or(of=of) | Call(of=of):
            return of
        case Comparison(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case In(value=value, of=of):
            return (value, *of)
        case Between(value=value, low=low, high=high):
            return (value, low, high)
        case Like(value=value, pattern=pattern):
            return (value, pattern)
        case IsNull(value=value) | IsBoolean(value=value):
            return (value,)
