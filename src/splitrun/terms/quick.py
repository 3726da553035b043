"""The conditions that audiences are mostly made of, each with a closure of its own.

A column beside a literal: one look into the attributes, one comparison. Ordinary values of ordinary types
are answered at once; everything else takes the way of `values`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from math import ceil, floor, inf, nextafter

from splitrun.terms.tree import Boolean, Column, Comparison, In, Number, Text, Tree
from splitrun.terms.values import Operator, value_of

__all__ = ["Test", "all_of", "any_of", "paired", "quick"]

EXACT = 2**53
"""Whole numbers within it are the same as doubles."""

LARGEST = 1.7976931348623157e308

Test = Callable[[Mapping[str, object]], bool]
_Among = tuple[str, frozenset[str]]
"""A column, and the texts that it is one of."""
_Range = tuple[str, float, float]
"""A column, and the ends between which its number lies."""


def quick(tree: Tree, zone: tzinfo) -> Test | None:
    """Compile a condition that has a form of its own to whether it is true; None where it has none."""
    match tree:
        case Comparison("=", Column(name=name), Text(value=text)):
            return _among(name, frozenset((text,)), zone)
        case Comparison("<>", Column(name=name), Text(value=text)):
            return _outside(name, frozenset((text,)), zone)
        case Comparison("=", Column(name=name), Boolean(value=boolean)):
            return lambda a: a.get(name) is boolean
        case Column(name=name):
            return lambda a: a.get(name) is True
        case In(Column(name=name), of, negated=negated) if of and all(isinstance(one, Text) for one in of):
            texts = frozenset(one.value for one in of if isinstance(one, Text))
            return _outside(name, texts, zone) if negated else _among(name, texts, zone)
        case Comparison(op, Column(name=name), Number(value=number)) if -EXACT < number < EXACT:
            return _ordered(op, name, number, zone)
        case _:
            return None


def paired(parts: Sequence[Tree], zone: tzinfo) -> tuple[list[Test], list[Tree]]:
    """Join texts in lists by twos, and a number within a range with them: each that is joined spares a call.

    Returns:
        A test for each that were joined, and the parts that are in none.
    """
    texts = {place: found for place, part in enumerate(parts) if (found := _membership(part)) is not None}
    ranges = {place: ends for place, part in enumerate(parts) if (ends := _range(part)) is not None}
    tests, taken = list[Test](), set[int]()
    named, numbers = list(texts), list(ranges)
    while named and (len(named) > 1 or numbers):
        places, named = named[:2], named[2:]
        beside, numbers = numbers[:1], numbers[1:]
        tests.append(_joined([texts[place] for place in places], [ranges[place] for place in beside], zone))
        taken.update(places, beside)
    return tests, [part for place, part in enumerate(parts) if place not in taken]


def _joined(texts: list[_Among], ranges: list[_Range], zone: tzinfo) -> Test:
    match texts, ranges:
        case [one, other], [within]:
            return _three(one, other, within, zone)
        case [one], [within]:
            return _beside(one, within, zone)
        case _:
            one, other = texts
            return _both(one, other, zone)


def _range(tree: Tree) -> _Range | None:
    match tree:
        case Comparison(op, Column(name=name), Number(value=number)) if (
            op != "<>" and -EXACT < number < EXACT
        ):
            return (name, *ENDS[op](number))
        case _:
            return None


def _membership(tree: Tree) -> _Among | None:
    match tree:
        case Comparison("=", Column(name=name), Text(value=text)):
            return name, frozenset((text,))
        case In(Column(name=name), of, negated=False) if all(isinstance(one, Text) for one in of):
            return name, frozenset(one.value for one in of if isinstance(one, Text))
        case _:
            return None


def _both(one: _Among, other: _Among, zone: tzinfo) -> Test:
    (name, texts), (second, others) = one, other

    def both(a: Mapping[str, object]) -> bool:
        value, beside = a.get(name), a.get(second)
        if type(value) is str and type(beside) is str:
            return value in texts and beside in others
        return value_of(value, zone) in texts and value_of(beside, zone) in others

    return both


def _three(one: _Among, other: _Among, third: _Range, zone: tzinfo) -> Test:
    (name, texts), (second, others), (last, low, high) = one, other, third
    both, within, least, most = _both(one, other, zone), _within(third, zone), ceil(low), floor(high)

    def three(a: Mapping[str, object]) -> bool:
        value, beside = a.get(name), a.get(second)
        if type(value) is str and type(beside) is str:
            if value in texts and beside in others:
                number = a.get(last)
                return least <= number <= most if type(number) is int else within(a)
            return False
        return both(a) and within(a)

    return three


def _beside(one: _Among, other: _Range, zone: tzinfo) -> Test:
    (name, texts), (last, low, high) = one, other
    among, within, least, most = _among(name, texts, zone), _within(other, zone), ceil(low), floor(high)

    def beside(a: Mapping[str, object]) -> bool:
        value = a.get(name)
        if type(value) is str:
            if value in texts:
                number = a.get(last)
                return least <= number <= most if type(number) is int else within(a)
            return False
        return among(a) and within(a)

    return beside


def _among(name: str, texts: frozenset[str], zone: tzinfo) -> Test:
    if len(texts) == 1:
        (text,) = texts

        def same(a: Mapping[str, object]) -> bool:
            value = a.get(name)
            return value == text if type(value) is str else value_of(value, zone) == text

        return same

    def among(a: Mapping[str, object]) -> bool:
        value = a.get(name)
        return value in texts if type(value) is str else value_of(value, zone) in texts

    return among


def _outside(name: str, texts: frozenset[str], zone: tzinfo) -> Test:
    def outside(a: Mapping[str, object]) -> bool:
        value = a.get(name)
        if type(value) is str:
            return value not in texts
        taken = value_of(value, zone)
        return isinstance(taken, str) and taken not in texts

    return outside


def _ordered(op: Operator, name: str, number: float, zone: tzinfo) -> Test:
    return _unequal(name, number, zone) if op == "<>" else _within((name, *ENDS[op](number)), zone)


def _within(asked: _Range, zone: tzinfo) -> Test:
    """Compare with a number as lying within a range, whose ends keep NaN and the infinities out."""
    name, low, high = asked
    # whole numbers beside whole numbers: beside doubles they cost twice as much
    least, most = ceil(low), floor(high)

    def within(a: Mapping[str, object]) -> bool:
        value = a.get(name)
        if type(value) is int:
            return least <= value <= most
        taken = value if type(value) is float else value_of(value, zone)
        return type(taken) is float and low <= taken <= high

    return within


def _unequal(name: str, number: float, zone: tzinfo) -> Test:
    def unequal(a: Mapping[str, object]) -> bool:
        value = value_of(a.get(name), zone)
        return type(value) is float and value != number

    return unequal


ENDS: dict[Operator, Callable[[float], tuple[float, float]]] = {
    "=": lambda number: (number, number),
    "<": lambda number: (-LARGEST, nextafter(number, -inf)),
    "<=": lambda number: (-LARGEST, number),
    ">": lambda number: (nextafter(number, inf), LARGEST),
    ">=": lambda number: (number, LARGEST),
}


def all_of(tests: list[Test]) -> Test:
    """Join by `and`."""
    match tests:
        case [one]:
            return one
        case [one, other]:
            return lambda a: one(a) and other(a)
        case [one, other, third]:
            return lambda a: one(a) and other(a) and third(a)
        case _:
            return _every_of(tests)


def _every_of(tests: list[Test]) -> Test:
    def every(a: Mapping[str, object]) -> bool:
        for test in tests:  # noqa: SIM110  # a generator costs twice as much
            if not test(a):
                return False
        return True

    return every


def any_of(tests: list[Test]) -> Test:
    """Join by `or`."""
    match tests:
        case [one]:
            return one
        case [one, other]:
            return lambda a: one(a) or other(a)
        case _:
            return _some_of(tests)


def _some_of(tests: list[Test]) -> Test:
    def some(a: Mapping[str, object]) -> bool:
        for test in tests:  # noqa: SIM110  # a generator costs twice as much
            if test(a):
                return True
        return False

    return some
