"""Text read into a tree, or an error at the character where the text leaves the language.

Precedence is SQL's, by operator powers (Pratt 1973): or, and, not, comparison, + -, * / %, unary minus. The reader
is our own because sqlglot's, measured at 30.30, takes `@x`, `a[1]`, `+a` and `'a' 'b'` without a word, keeps no
place for operators and literals, and runs out of stack at 45 brackets; the tests hold it beside this one as a judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, Never

from splitrun.errors import ExpressionError
from splitrun.terms.literals import moment, pattern_fault, version_key
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
from splitrun.terms.words import Sign, Word, words

__all__ = ["DEEPEST", "parse"]

DEEPEST = 100
"""How many brackets, calls and operators may stand inside one another."""

OR, AND, NOT, COMPARED, SUM, PRODUCT, MINUS = range(1, 8)

POWER = {
    "or": OR,
    "and": AND,
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">=", "is", "not", "in", "between", "like"), COMPARED),
    **dict.fromkeys(("+", "-"), SUM),
    **dict.fromkeys(("*", "/", "%"), PRODUCT),
}

ARGUMENTS = {
    **dict.fromkeys(Function, (1, 1)),
    **dict.fromkeys(
        (Function.STARTS_WITH, Function.ENDS_WITH, Function.CONTAINS, Function.REGEXP_MATCHES), (2, 2)
    ),
    Function.COALESCE: (1, 100),
}
"""Fewest and most arguments of every function."""


def parse(text: str) -> Tree:
    """Read an expression.

    Raises:
        ExpressionError: The text is not in the language; it says at which character and what to write instead.
    """
    reader = _Reader(text)
    part = reader.expression(0)
    reader.finish()
    return part.tree


@dataclass(frozen=True, slots=True)
class _Part:
    """A tree while it is built: how high it is, and whether it is a comparison without brackets around it."""

    tree: Tree
    height: int = 1
    bare: bool = False


class _Reader:
    """The words of one text and how far they are read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = words(text)
        self.next = 0
        self.depth = 0

    @property
    def word(self) -> Word:
        return self.words[self.next]

    def expression(self, floor: int) -> _Part:
        """Read operators that bind tighter than `floor`, and what stands between them."""
        self.deepen(1)
        left = self.operand(floor)
        while (power := self.power()) > floor:
            if power == COMPARED and left.bare:
                self.refuse("comparisons do not chain", "join them with `and`, or put one in brackets")
            left = self.joined(left, power)
        self.depth -= 1
        return left

    def joined(self, left: _Part, power: int) -> _Part:
        at, start = self.word, self.next
        if power in {OR, AND}:
            parts = [left]
            while self.took(at.text):
                parts.append(self.expression(power))
            of = tuple(part.tree for part in parts)
            return self.built(Or(of) if power == OR else And(of), parts, start)
        if power == COMPARED:
            return self.compared(left)
        self.next += 1
        right = self.expression(power)
        return self.built(Arithmetic(_calculation(at.text), left.tree, right.tree), [left, right], start)

    def power(self) -> int:
        return POWER.get(self.word.text, 0) if self.word.sign in {Sign.MARK, Sign.KEYWORD} else 0

    def compared(self, left: _Part) -> _Part:
        """Read one comparison; `not` may stand before in, between and like."""
        start = self.next
        word = self.word
        self.next += 1
        if word.text == "is":
            return self.stated(left, start)
        negated = word.text == "not"
        if negated:
            word = self.word
            if word.text not in {"in", "between", "like"} or word.sign is not Sign.KEYWORD:
                self.refuse(
                    "`in`, `between` or `like` has to follow `not`", "or write `not` before the condition"
                )
            self.next += 1
        match word.text:
            case "in":
                members = self.listed(closing="the list", start=start)
                of = tuple(member.tree for member in members)
                return self.built(In(left.tree, of, negated), [left, *members], start)
            case "like":
                right = self.expression(COMPARED)
                return self.built(Like(left.tree, right.tree, negated), [left, right], start)
            case "between":
                low = self.expression(COMPARED)
                self.expect("and", "`between` needs its second end", "write between LOW and HIGH")
                high = self.expression(COMPARED)
                tree = Between(left.tree, low.tree, high.tree, negated)
                return self.built(tree, [left, low, high], start)
        right = self.expression(COMPARED)
        return self.built(Comparison(_comparison(word.text), left.tree, right.tree), [left, right], start)

    def stated(self, left: _Part, start: int) -> _Part:
        negated = self.took("not")
        if self.took("null"):
            return self.built(IsNull(left.tree, negated), [left], start)
        for boolean in ("true", "false"):
            if self.took(boolean):
                return self.built(IsBoolean(left.tree, boolean == "true", negated), [left], start)
        self.refuse("`is` takes null, true or false only", "compare other values with `=`")

    def operand(self, floor: int) -> _Part:
        word, start = self.word, self.next
        self.next += 1
        match word.sign, word.text:
            case Sign.NUMBER, text:
                return _Part(Number(int(text) if text.isdigit() else float(text)))
            case Sign.TEXT, text:
                return _Part(Text(text))
            case Sign.QUOTED, text:
                return _Part(Column(text))
            case Sign.NAME, text:
                called = self.word.sign is Sign.MARK and self.word.text == "("
                return self.call(start) if called else _Part(Column(text))
            case Sign.MARK, "(":
                return self.bracketed(start)
            case Sign.MARK, "-":
                part = self.expression(MINUS - 1)
                return self.built(Negative(part.tree), [part], start)
        return self.constant(word, floor, start)

    def constant(self, word: Word, floor: int, start: int) -> _Part:
        if word.sign is Sign.KEYWORD:
            match word.text:
                case "null":
                    return _Part(Null())
                case "true" | "false":
                    return _Part(Boolean(word.text == "true"))
                case "not" if floor <= NOT:
                    part = self.expression(NOT)
                    return self.built(Not(part.tree), [part], start)
                case "not":
                    self.refuse("`not` stands behind another operator", "put brackets around it", back=1)
        self.refuse(
            "the expression ends too early"
            if word.sign is Sign.END
            else f"`{word.text}` has no value before it",
            "a column, a value or a function has to stand here",
            back=1,
        )

    def bracketed(self, start: int) -> _Part:
        part = self.expression(0)
        if self.word == Word(Sign.MARK, ",", self.word.at):
            self.refuse("a list stands only behind `in` and function names", "write column in (1, 2)")
        self.expect(")", "a bracket is not closed", f"close the one at character {self.words[start].at + 1}")
        return _Part(part.tree, part.height)

    def listed(self, closing: str, start: int) -> list[_Part]:
        """Read `(`, at least one expression and `)`."""
        self.expect("(", "a list in round brackets has to follow `in`", "write column in (1, 2)")
        if self.word.sign is Sign.MARK and self.word.text == ")":
            self.refuse(f"{closing} is empty", "write at least one value")
        members = [self.expression(0)]
        while self.took(","):
            members.append(self.expression(0))
        at = self.words[start].at + 1
        self.expect(")", f"{closing} is not closed", f"close the bracket of what starts at character {at}")
        return members

    def call(self, start: int) -> _Part:
        name = self.words[start].text.lower()
        if name not in set(Function):
            self.unknown(name, start)
        function = Function(name)
        fewest, most = ARGUMENTS[function]
        ahead = self.words[self.next + 1]
        empty = ahead.sign is Sign.MARK and ahead.text == ")"
        parts = [] if empty else self.listed(f"the call of {name}", start)
        if not fewest <= len(parts) <= most:
            due = str(fewest) if fewest == most else f"{fewest} to {most}"
            self.refuse(
                f"{name} takes {due} argument{'s' * (most > 1)} and has {len(parts)}",
                f"write {name}({', '.join(['…'] * min(most, 2))})",
                to=start,
            )
        tree = Call(function, tuple(part.tree for part in parts))
        self.check(tree, start)
        return self.built(tree, parts, start)

    def unknown(self, name: str, start: int) -> Never:
        near = get_close_matches(name, [str(function) for function in Function], n=1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(Function)}"
        self.refuse(f"there is no function {name[:60]}", remedy, to=start)

    def check(self, call: Call, start: int) -> None:
        """Refuse written-out arguments that can never be read; `start` is the function's word, then `(` follows."""
        match call:
            case Call(Function.SEMVER, (Text(value=value),)) if version_key(value) is None:
                self.refuse(f"{value!r} is no semantic version", "write one like '2.10.0'", to=start + 2)
            case Call(Function.DATE, (Text(value=value),)) if moment(value) is None:
                remedy = "write '2026-01-31' or '2026-01-31 18:30', without a zone"
                self.refuse(f"{value!r} is no day", remedy, to=start + 2)
            case Call(Function.REGEXP_MATCHES, (_, Text(value=value))):
                fault = pattern_fault(value)
                if fault:
                    remedy = "write it in RE2 syntax, which has neither look-around nor backreferences"
                    self.refuse(f"the pattern has {fault[1]}", remedy, to=self.next - 2, inside=fault[0])
            case Call(Function.REGEXP_MATCHES, _):
                self.refuse("the pattern is not written out", "write it in single quotes", to=start)

    def built(self, tree: Tree, parts: list[_Part], start: int) -> _Part:
        height = 1 + max(part.height for part in parts)
        if height > DEEPEST:
            self.too_deep(start)
        match tree:
            case Comparison() | In() | Between() | Like() | IsNull() | IsBoolean():
                return _Part(tree, height, bare=True)
        return _Part(tree, height)

    def deepen(self, step: int) -> None:
        self.depth += step
        # the whole expression is no nesting of its own
        if self.depth > DEEPEST + 1:
            self.too_deep(self.next)

    def too_deep(self, start: int) -> Never:
        self.refuse(
            f"brackets and operators are nested deeper than {DEEPEST}", "split the condition in two", to=start
        )

    def took(self, text: str) -> bool:
        """Step over a mark or keyword if it is next."""
        taken = self.word.text == text and self.word.sign in {Sign.MARK, Sign.KEYWORD}
        self.next += taken
        return taken

    def expect(self, text: str, says: str, remedy: str) -> None:
        if not self.took(text):
            self.refuse(says, remedy)

    def finish(self) -> None:
        if self.word.sign is Sign.END:
            return
        shown = f"{self.word.text[:40]!r}" if self.word.sign is Sign.TEXT else f"`{self.word.text[:40]}`"
        if self.word.text == ")" and self.word.sign is Sign.MARK:
            self.refuse("a bracket closes that was never opened", "delete it or open one before it")
        self.refuse(f"{shown} was not expected", "put an operator like `and`, `=` or `+` before it")

    def refuse(
        self, says: str, remedy: str, *, back: int = 0, to: int | None = None, inside: int = -1
    ) -> Never:
        """Raise at the next word, some words back, at word `to`, or inside the quotes of that word."""
        word = self.words[self.next - back if to is None else to]
        at = word.at + inside + 1
        if inside >= 0:
            # a quote inside a text is written twice
            at += word.text[:inside].count("'")
        raise ExpressionError(says, text=self.text, at=at, remedy=remedy)


Comparing = Literal["=", "<>", "<", "<=", ">", ">="]
Calculating = Literal["+", "-", "*", "/", "%"]
COMPARISONS: dict[str, Comparing] = {"=": "=", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
CALCULATIONS: dict[str, Calculating] = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%"}


def _comparison(text: str) -> Comparing:
    return COMPARISONS[text]


def _calculation(text: str) -> Calculating:
    return CALCULATIONS[text]
