"""A second opinion: three-valued logic in plain Python, written from the SQL standard alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

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
    Like,
    Negative,
    Not,
    Null,
    Number,
    Or,
    Text,
    Tree,
)

__all__ = ["truth"]

Value = bool | float | str | None


def truth(tree: Tree, row: Mapping[str, Value]) -> Value:  # noqa: C901, PLR0912 (a table of all nodes)
    value: Value
    match tree:
        case Text(value=value) | Boolean(value=value):
            return value
        case Number(value=number):
            return float(number)
        case Null():
            return None
        case Column(name=name):
            found = row[name]
            return None if isinstance(found, float) and not math.isfinite(found) else found
        case Not(of=part):
            value = truth(part, row)
            return not value if isinstance(value, bool) else None
        case And(of=parts):
            values = [truth(part, row) for part in parts]
            return (
                False if any(v is False for v in values) else True if all(v is True for v in values) else None
            )
        case Or(of=parts):
            values = [truth(part, row) for part in parts]
            return (
                True if any(v is True for v in values) else False if all(v is False for v in values) else None
            )
        case Comparison(op=op, left=left, right=right):
            return compared(op, truth(left, row), truth(right, row))
        case In(value=part, of=parts, negated=negated):
            value = truth(part, row)
            return turned(either([compared("=", value, truth(one, row)) for one in parts]), negated=negated)
        case Between(value=part, low=low, high=high, negated=negated):
            value = truth(part, row)
            ends = [compared(">=", value, truth(low, row)), compared("<=", value, truth(high, row))]
            inside = turned(either([turned(end, negated=True) for end in ends]), negated=True)
            return turned(inside, negated=negated)
        case Like(value=part, pattern=pattern, negated=negated):
            return turned(like(truth(part, row), truth(pattern, row)), negated=negated)
        case IsNull(value=part, negated=negated):
            return (truth(part, row) is None) != negated
        case IsBoolean(value=part, boolean=boolean, negated=negated):
            return (truth(part, row) is boolean) != negated
        case Arithmetic(op=op, left=left, right=right):
            return calculated(op, truth(left, row), truth(right, row))
        case Negative(of=part):
            value = truth(part, row)
            return -value if type(value) is float else None
        case Call(function=Function.COALESCE, of=parts):
            return next((v for part in parts if (v := truth(part, row)) is not None), None)
        case Call(function=function, of=parts):
            return called(function, [truth(part, row) for part in parts])


def either(values: list[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def turned(value: bool | None, *, negated: bool) -> bool | None:  # noqa: FBT001 (a value, not a switch)
    return value if value is None else value != negated


def compared(op: str, left: Value, right: Value) -> bool | None:
    if left is None or right is None or type(left) is not type(right):
        return None
    one: list[Value] = [left]
    other: list[Value] = [right]
    if isinstance(left, str) and isinstance(right, str):
        first, second = left.encode(), right.encode()
        below, same = first < second, first == second
    else:
        below, same = float(left) < float(right), one == other
    return {
        "=": same,
        "<>": not same,
        "<": below,
        "<=": below or same,
        ">": not (below or same),
        ">=": not below,
    }[op]


def like(value: Value, pattern: Value) -> bool | None:
    if not isinstance(value, str) or not isinstance(pattern, str):
        return None
    expected = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expected, value, re.DOTALL) is not None


def calculated(op: str, left: Value, right: Value) -> float | None:
    if type(left) is not float or type(right) is not float or (op in {"/", "%"} and right == 0):
        return None
    value = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
        "%": lambda: math.fmod(left, right),
    }[op]()
    return value if math.isfinite(value) else None


def called(function: Function, of: list[Value]) -> Value:
    first = of[0]
    if function is Function.ABS:
        return abs(first) if type(first) is float else None
    if not isinstance(first, str) or not all(isinstance(value, str) for value in of):
        return None
    last = str(of[-1])
    match function:
        case Function.LOWER:
            return "".join(letter.lower() if letter.isascii() else letter for letter in first)
        case Function.UPPER:
            return "".join(letter.upper() if letter.isascii() else letter for letter in first)
        case Function.LENGTH:
            return float(len(first))
        case Function.STARTS_WITH:
            return first.startswith(last)
        case Function.ENDS_WITH:
            return first.endswith(last)
        case Function.CONTAINS:
            return last in first
        case _:
            raise NotImplementedError(function)
