"""Expression trees compiled to closures that mean what their SQL means; see `rendering`.

`compiled` answers true, false or null; `condition` asks only whether that is true, which is cheaper, and
has forms of their own for what audiences are mostly made of. Only the standard library and
msgspec are loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, tzinfo
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from types import MappingProxyType

from splitrun.errors import RulesetError
from splitrun.terms.kinds import Sort, sort_of
from splitrun.terms.literals import moment, version_key
from splitrun.terms.patterns import Patterns, like
from splitrun.terms.quick import Test, all_of, any_of, paired, quick
from splitrun.terms.tree import (
    And,
    Arithmetic,
    Between,
    Boolean,
    Call,
    Column,
    Comparison,
    Function,
    In,
    IsBoolean,
    IsNull,
    Kind,
    Leaf,
    Like,
    Negative,
    Not,
    Null,
    Number,
    Or,
    Predicate,
    Text,
    Tree,
    columns,
    parts,
)
from splitrun.terms.values import Value, compared, kind_of, value_of

__all__ = ["DEEPEST", "Attributes", "Closure", "compiled", "condition", "conditions", "measured"]

Attributes = Mapping[str, object]
Closure = Callable[[Attributes], Value]

DEEPEST = 250
"""Levels of a tree. Text may be nested 100 levels deep; `not` and the minus sign add levels of their own."""

NONE: Mapping[str, Kind] = MappingProxyType({})

ARITY = {
    **dict.fromkeys(Function, (1, 1)),
    **dict.fromkeys((Function.STARTS_WITH, Function.ENDS_WITH, Function.CONTAINS), (2, 2)),
    Function.REGEXP_MATCHES: (2, 2),
    Function.COALESCE: (1, 100),
}

CALCULATED: dict[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "%": math.fmod,
}

LOWERED = str.maketrans(ascii_uppercase, ascii_lowercase)
RAISED = str.maketrans(ascii_lowercase, ascii_uppercase)


def _version(text: str) -> bytes | None:
    # few versions are in use at a time; a long text is none of them and is not kept
    key = version_key(text) if len(text) > 64 else _known_key(text)
    return None if key is None else key.encode()


_known_key = lru_cache(maxsize=1_024)(version_key)


TEXTS: dict[Function, Callable[[str], Value]] = {
    Function.LOWER: lambda text: text.lower() if text.isascii() else text.translate(LOWERED),
    Function.UPPER: lambda text: text.upper() if text.isascii() else text.translate(RAISED),
    Function.LENGTH: lambda text: float(len(text)),
    Function.SEMVER: _version,
}

PAIRS: dict[Function, Callable[[str, str], bool]] = {
    Function.STARTS_WITH: str.startswith,
    Function.ENDS_WITH: str.endswith,
    Function.CONTAINS: str.__contains__,
}


def compiled(
    tree: Tree, *, kinds: Mapping[str, Kind] = NONE, zone: tzinfo = UTC, patterns: Patterns | None = None
) -> Closure:
    """Compile an expression to a function of the attributes.

    Args:
        tree: The expression.
        kinds: What columns are declared to hold; a value of another kind counts as null. The others may hold
            anything, which each value shows.
        zone: Where moments with a zone are read.
        patterns: The regular expressions of the ruleset that it is part of.

    Returns:
        A function that gives the value, null as None. It raises only what the mapping raises.

    Raises:
        RulesetError: It is nested too deeply, a function has the wrong number of arguments, or a regular
            expression cannot be used.
    """
    measured(tree)
    return _Compiler(kinds, zone, patterns or Patterns()).value(tree)


def condition(tree: Tree, *, zone: tzinfo = UTC, patterns: Patterns | None = None) -> Test:
    """Compile an expression to the question whether it is true: not false, and not null.

    Raises:
        RulesetError: As of `compiled`.
    """
    measured(tree)
    return _Compiler(NONE, zone, patterns or Patterns()).holds(tree)


def conditions(tree: Tree, *, zone: tzinfo = UTC, patterns: Patterns | None = None) -> list[Test]:
    """Compile an expression as `condition` does, one test for each part that `and` joins: all must hold.

    Raises:
        RulesetError: As of `compiled`.
    """
    measured(tree)
    compiler = _Compiler(NONE, zone, patterns or Patterns())
    return compiler.all_hold(tree.of if isinstance(tree, And) else (tree,))


def measured(tree: Tree) -> int:
    """Count the nodes of an expression, level by level.

    Raises:
        RulesetError: It is nested deeper than DEEPEST.
    """
    level, depth, nodes = [tree], 0, 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > DEEPEST:
            raise RulesetError(f"an expression is nested deeper than {DEEPEST} levels; split the condition")
        level = [part for whole in level for part in parts(whole)]
    return nodes


def _turned(value: bool | None, *, negated: bool) -> bool | None:  # noqa: FBT001  # a value, not a switch
    return value if value is None else value is not negated


class _Compiler:
    """Compiles the parts of one expression."""

    def __init__(self, kinds: Mapping[str, Kind], zone: tzinfo, patterns: Patterns) -> None:
        self.kinds = kinds
        self.zone = zone
        self.patterns = patterns

    def holds(self, tree: Tree) -> Test:
        """Compile to whether a part is true."""
        match tree:
            case And(of=of):
                return all_of(self.all_hold(of))
            case Or(of=of):
                return any_of([self.holds(part) for part in of])
            case _:
                found = quick(tree, self.zone)
                return _is(self.value(tree), boolean=True) if found is None else found

    def all_hold(self, of: tuple[Tree, ...]) -> list[Test]:
        tests, others = paired(of, self.zone)
        return tests + [self.holds(part) for part in others]

    def value(self, tree: Tree) -> Closure:
        match tree:
            case Text() | Number() | Boolean() | Null() | Column():
                return self.leaf(tree)
            case Not(of=part):
                of = self.value(part)
                return lambda a: not value if isinstance(value := of(a), bool) else None
            case And(of=parts):
                return _every([self.value(part) for part in parts], stops=False)
            case Or(of=parts):
                return _every([self.value(part) for part in parts], stops=True)
            case Arithmetic(op=op, left=left, right=right):
                return _calculated(op, self.value(left), self.value(right))
            case Negative(of=part):
                of = self.value(part)
                return lambda a: -value if isinstance(value := of(a), float) else None
            case Call():
                return self.call(tree)
            case _:
                return self.predicate(tree)

    def leaf(self, tree: Leaf) -> Closure:
        match tree:
            case Column(name=name):
                return self.column(name)
            case Null():
                return lambda _: None
            case Text() | Number() | Boolean():
                value = value_of(tree.value, self.zone)
                return lambda _: value

    def column(self, name: str) -> Closure:
        zone, kind = self.zone, self.kinds.get(name)
        if kind is None:
            return lambda a: value_of(a.get(name), zone)
        return lambda a: value if kind_of(value := value_of(a.get(name), zone)) is kind else None

    def predicate(self, tree: Predicate) -> Closure:
        match tree:
            case Comparison(op=op, left=left, right=right):
                one, other, compare = self.value(left), self.value(right), compared(op)
                return lambda a: compare(one(a), other(a))
            case In(value=part, of=of, negated=negated):
                return _one_of(self.value(part), [self.value(each) for each in of], negated=negated)
            case Between(value=part, low=low, high=high, negated=negated):
                return _between((self.value(part), self.value(low), self.value(high)), negated=negated)
            case Like(value=part, pattern=pattern, negated=negated):
                return self.like(part, pattern, negated=negated)
            case IsNull(value=part, negated=negated):
                value = self.value(part)
                return lambda a: (value(a) is None) is not negated
            case IsBoolean(value=part, boolean=boolean, negated=negated):
                asked = _is(self.value(part), boolean=boolean)
                return lambda a: asked(a) is not negated

    def like(self, value: Tree, pattern: Tree, *, negated: bool) -> Closure:
        of, by = self.value(value), self.value(pattern)
        written = like(pattern.value) if isinstance(pattern, Text) else None

        def answer(a: Attributes) -> bool | None:
            text, wanted = of(a), by(a)
            if not isinstance(text, str) or not isinstance(wanted, str):
                return None
            return (written or like(wanted))(text) is not negated

        return answer

    def call(self, tree: Call) -> Closure:
        low, high = ARITY[tree.function]
        if not low <= len(tree.of) <= high:
            raise RulesetError(
                f"{tree.function} takes {low} to {high} arguments and has {len(tree.of)}; have the ruleset "
                "compiled from flags that `splitrun lint` accepts"
            )
        match tree:
            case Call(Function.COALESCE, of):
                return self.coalesce(tree, of)
            case Call(Function.REGEXP_MATCHES, (part, pattern)):
                return self.found(part, pattern)
            case Call(Function.ABS, (part,)):
                size = self.value(part)
                return lambda a: abs(value) if isinstance(value := size(a), float) else None
            case Call(Function.DATE, (part,)):
                return _dated(part, self.value(part))
            case Call(function, (part,)):
                return _of_text(TEXTS[function], part, self.value(part))
            case Call(function, of):
                one, other = map(self.value, of)
                return _of_texts(PAIRS[function], one, other)

    def coalesce(self, tree: Call, of: tuple[Tree, ...]) -> Closure:
        """Give the first that is not null; parts that are known to be of another sort than the first are."""
        if all(name in self.kinds for part in of for name in columns(part) if isinstance(part, Column)):
            sort = sort_of(tree, self.kinds)
            of = tuple(part for part in of if sort_of(part, self.kinds) in {sort, Sort.NOTHING})
        values = [self.value(part) for part in of]

        def first(a: Attributes) -> Value:
            for value in values:
                found = value(a)
                if found is not None:
                    return found
            return None

        return first

    def found(self, part: Tree, pattern: Tree) -> Closure:
        if not isinstance(pattern, Text):
            raise RulesetError("a regular expression is not written out; write regexp_matches(column, '…')")
        return _of_text(self.patterns.found_in(pattern.value), part, self.value(part))


def _is(of: Closure, *, boolean: bool) -> Test:
    return lambda a: of(a) is boolean


def _every(values: list[Closure], *, stops: bool) -> Closure:
    """Join by `and` (a false part stops) or by `or` (a true part stops)."""

    def joined(a: Attributes) -> bool | None:
        unknown = False
        for value in values:
            found = value(a)
            if found is stops:
                return stops
            unknown = unknown or not isinstance(found, bool)
        return None if unknown else not stops

    return joined


def _one_of(value: Closure, others: list[Closure], *, negated: bool) -> Closure:
    same = compared("=")

    def answer(a: Attributes) -> bool | None:
        one = value(a)
        unknown = False
        for other in others:
            found = same(one, other(a))
            if found:
                return not negated
            unknown = unknown or found is None
        return None if unknown else negated

    return answer


def _between(values: tuple[Closure, Closure, Closure], *, negated: bool) -> Closure:
    value, low, high = values
    not_below, not_above = compared(">="), compared("<=")

    def answer(a: Attributes) -> bool | None:
        one = value(a)
        ends = (not_below(one, low(a)), not_above(one, high(a)))
        return _turned(False if False in ends else None if None in ends else True, negated=negated)

    return answer


def _calculated(op: str, left: Closure, right: Closure) -> Closure:
    calculate, divides = CALCULATED[op], op in {"/", "%"}

    def answer(a: Attributes) -> float | None:
        one, other = left(a), right(a)
        if not isinstance(one, float) or not isinstance(other, float) or (divides and other == 0):
            return None
        found = calculate(one, other)
        return found if math.isfinite(found) else None

    return answer


def _of_text(function: Callable[[str], Value], part: Tree, value: Closure) -> Closure:
    if isinstance(part, Text):
        constant = function(part.value)
        return lambda _: constant
    return lambda a: function(text) if isinstance(text := value(a), str) else None


def _of_texts(function: Callable[[str, str], bool], value: Closure, other: Closure) -> Closure:
    def answer(a: Attributes) -> bool | None:
        one, two = value(a), other(a)
        return function(one, two) if isinstance(one, str) and isinstance(two, str) else None

    return answer


def _dated(part: Tree, value: Closure) -> Closure:
    if isinstance(part, Text):
        constant = _read(part.value)
        return lambda _: constant

    def answer(a: Attributes) -> datetime | None:
        given = value(a)
        if isinstance(given, datetime):
            return datetime.combine(given.date(), time())
        return _read(given) if isinstance(given, str) else None

    return answer


def _read(text: str) -> datetime | None:
    written = moment(text)
    return None if written is None else datetime.fromisoformat(written)
