"""Which kind of value every part of an expression has, and the places where kinds do not fit.

Kinds are known before any row is read, so what does not fit is null in every row and `lint` can say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from splitrun.terms.tree import (
    And,
    Arithmetic,
    Between,
    Boolean,
    Calculation,
    Call,
    Column,
    Comparison,
    Function,
    In,
    IsBoolean,
    IsNull,
    Kind,
    Like,
    Logic,
    Negative,
    Not,
    Null,
    Number,
    Or,
    Predicate,
    Text,
    Tree,
)

__all__ = ["TAKES", "Sort", "mismatches", "sort_of"]


class Sort(StrEnum):
    """Kinds of columns, and the two that no column can have."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    VERSION = "version"
    NOTHING = "null"


TAKES = {
    **dict.fromkeys(Function, (Sort.TEXT,)),
    Function.ABS: (Sort.NUMBER,),
    Function.DATE: (Sort.TEXT, Sort.TIME),
    Function.COALESCE: tuple(Sort),
}
"""Sorts of which an argument may be."""

GIVES = {
    Function.LOWER: Sort.TEXT,
    Function.UPPER: Sort.TEXT,
    Function.LENGTH: Sort.NUMBER,
    Function.ABS: Sort.NUMBER,
    Function.STARTS_WITH: Sort.BOOLEAN,
    Function.ENDS_WITH: Sort.BOOLEAN,
    Function.CONTAINS: Sort.BOOLEAN,
    Function.SEMVER: Sort.VERSION,
    Function.DATE: Sort.TIME,
    Function.REGEXP_MATCHES: Sort.BOOLEAN,
}


def sort_of(tree: Tree, kinds: Mapping[str, Kind]) -> Sort:
    """Name the sort of value; a column that `kinds` does not name counts as null."""
    match tree:
        case Column(name=name):
            return Sort(kinds[name]) if name in kinds else Sort.NOTHING
        case Text():
            return Sort.TEXT
        case Null():
            return Sort.NOTHING
        case Number() | Arithmetic() | Negative():
            return Sort.NUMBER
        case Call(function=Function.COALESCE, of=of):
            sorts = (sort_of(part, kinds) for part in of)
            return next((sort for sort in sorts if sort is not Sort.NOTHING), Sort.NOTHING)
        case Call(function=function):
            return GIVES[function]
        case _:
            return Sort.BOOLEAN


def mismatches(tree: Tree, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """Say where kinds do not fit, a sentence for each place; each such place is null in every row.

    Args:
        tree: The expression.
        kinds: What the columns hold; of a column that is not named nothing is said.
    """
    return tuple(dict.fromkeys(_Judge(kinds).sentences(tree)))


class _Judge:
    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds

    def sentences(self, tree: Tree) -> Iterator[str]:
        match tree:
            case Text() | Number() | Boolean() | Null() | Column():
                return
            case Not() | And() | Or():
                yield from self.of_logic(tree)
            case Arithmetic() | Negative():
                yield from self.of_calculation(tree)
            case Call():
                yield from self.of_call(tree)
            case _:
                yield from self.of_predicate(tree)

    def of_logic(self, tree: Logic) -> Iterator[str]:
        match tree:
            case Not(of=part):
                yield from self.wanted(part, (Sort.BOOLEAN,), "`not`")
            case And(of=parts):
                for part in parts:
                    yield from self.wanted(part, (Sort.BOOLEAN,), "`and`")
            case Or(of=parts):
                for part in parts:
                    yield from self.wanted(part, (Sort.BOOLEAN,), "`or`")

    def of_calculation(self, tree: Calculation) -> Iterator[str]:
        match tree:
            case Negative(of=part):
                yield from self.wanted(part, (Sort.NUMBER,), "`-`")
            case Arithmetic(op=op, left=left, right=right):
                yield from self.wanted(left, (Sort.NUMBER,), f"`{op}`")
                yield from self.wanted(right, (Sort.NUMBER,), f"`{op}`")

    def of_call(self, tree: Call) -> Iterator[str]:
        for part in tree.of:
            yield from self.wanted(part, TAKES[tree.function], str(tree.function))
        if tree.function is Function.COALESCE:
            for part in tree.of[1:]:
                yield from self.alike(tree, part, "coalesce with")

    def of_predicate(self, tree: Predicate) -> Iterator[str]:
        match tree:
            case Comparison(left=left, right=right):
                yield from self.sided(left, (right,), "comparing")
            case In(value=value, of=of):
                yield from self.sided(value, of, "looking for")
            case Between(value=value, low=low, high=high):
                yield from self.sided(value, (low, high), "comparing")
            case Like(value=value, pattern=pattern):
                yield from self.wanted(value, (Sort.TEXT,), "`like`")
                yield from self.wanted(pattern, (Sort.TEXT,), "`like`")
            case IsNull(value=value):
                yield from self.sentences(value)
            case IsBoolean(value=value):
                yield from self.wanted(value, (Sort.BOOLEAN,), "`is true`")

    def sided(self, left: Tree, rights: tuple[Tree, ...], doing: str) -> Iterator[str]:
        yield from self.sentences(left)
        for right in rights:
            yield from self.alike(left, right, doing)
            yield from self.sentences(right)

    def alike(self, left: Tree, right: Tree, doing: str) -> Iterator[str]:
        sorts = {sort_of(left, self.kinds), sort_of(right, self.kinds)} - {Sort.NOTHING}
        if len(sorts) > 1:
            joint = "among" if doing == "looking for" else "with"
            said = f"{doing} {self.named(left)} {joint} {self.named(right)}"
            if doing == "coalesce with":
                said = f"coalesce of {self.sort(left)} with {self.named(right)}"
            hint = "; write semver('…') on both sides" if Sort.VERSION in sorts else ""
            yield f"{said} is always null{hint}"

    def wanted(self, part: Tree, takes: tuple[Sort, ...], taker: str) -> Iterator[str]:
        sort = self.sort(part)
        if sort not in {*takes, Sort.NOTHING}:
            due = " or ".join(takes)
            yield f"{taker} takes a {due}, and of {self.named(part)} it is always null"
        yield from self.sentences(part)

    def sort(self, tree: Tree) -> Sort:
        return sort_of(tree, self.kinds)

    def named(self, tree: Tree) -> str:
        match tree:
            case Column(name=name):
                return f"{self.sort(tree)} column `{name}`"
            case Text(value=value):
                return f"text {value!r}"
            case Number(value=value):
                return f"number {value}"
            case Boolean(value=value):
                return f"boolean {str(value).lower()}"
            case Call(function=function):
                return f"{self.sort(tree)} {function}(…)"
            case _:
                return f"a {self.sort(tree)}"
