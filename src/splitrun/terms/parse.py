"""Text read into a tree, or an error at the character where the text leaves the language.

Precedence is SQL's, by operator powers (Pratt 1973): or, and, not, comparison, + -, * / %, unary minus. The
reader is our own because sqlglot's, measured at 30.30, takes `@x`, `a[1]`, `+a` and `'a' 'b'` without a word,
keeps no place for operators and literals, and runs out of stack at 50 brackets; tests use it as a judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

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

COMPARISONS: dict[str, Literal["=", "<>", "<", "<=", ">", ">="]] = {
    "=": "=",
    "<>": "<>",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}

CALCULATIONS: dict[str, Literal["+", "-", "*", "/", "%"]] = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%"}

ARGUMENTS = {
    **dict.fromkeys(Function, (1, 1)),
    Function.STARTS_WITH: (2, 2),
    Function.ENDS_WITH: (2, 2),
    Function.CONTAINS: (2, 2),
    Function.REGEXP_MATCHES: (2, 2),
    Function.COALESCE: (1, 100),
}
"""Fewest and most arguments of every function."""


def parse(text: str) -> Tree:
    """Read an expression.

    Raises:
        ExpressionError: The text is not in the language; it says at which character, and what to write.
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
        self.depth += 1
        # the whole expression is no nesting of its own
        if self.depth > DEEPEST + 1:
            raise self.too_deep(self.next)
        left = self.operand(floor)
        while (power := self.power()) > floor:
            if power == COMPARED and left.bare:
                raise self.refusal("comparisons do not chain", "join them with `and`, or put one in brackets")
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
        return self.built(Arithmetic(CALCULATIONS[at.text], left.tree, right.tree), [left, right], start)

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
                raise self.refusal(
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
                between = Between(left.tree, low.tree, high.tree, negated)
                return self.built(between, [left, low, high], start)
            case op:
                right = self.expression(COMPARED)
                tree = Comparison(COMPARISONS[op], left.tree, right.tree)
                return self.built(tree, [left, right], start)

    def stated(self, left: _Part, start: int) -> _Part:
        negated = self.took("not")
        if self.took("null"):
            return self.built(IsNull(left.tree, negated), [left], start)
        for boolean in ("true", "false"):
            if self.took(boolean):
                return self.built(IsBoolean(left.tree, boolean == "true", negated), [left], start)
        raise self.refusal("`is` takes null, true or false only", "compare other values with `=`")

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
            case _:
                return self.constant(word, floor, start)

    def constant(self, word: Word, floor: int, start: int) -> _Part:
        if word.sign is Sign.KEYWORD and word.text == "null":
            return _Part(Null())
        if word.sign is Sign.KEYWORD and word.text in {"true", "false"}:
            return _Part(Boolean(word.text == "true"))
        if word.sign is Sign.KEYWORD and word.text == "not" and floor <= NOT:
            part = self.expression(NOT)
            return self.built(Not(part.tree), [part], start)
        if word.sign is Sign.END:
            says, remedy = "the expression ends too early", "a column, a value or a function has to follow"
        elif word.text == "not":
            says, remedy = "`not` stands behind another operator", "put brackets around `not …`"
        else:
            says, remedy = (
                f"`{word.text}` has no value before it",
                "write a column, a value or a function there",
            )
        raise self.refusal(says, remedy, to=start)

    def bracketed(self, start: int) -> _Part:
        part = self.expression(0)
        if self.word == Word(Sign.MARK, ",", self.word.at):
            raise self.refusal("a list stands only behind `in` and function names", "write column in (1, 2)")
        self.expect(")", "a bracket is not closed", f"close the one at character {self.words[start].at + 1}")
        return _Part(part.tree, part.height)

    def listed(self, closing: str, start: int) -> list[_Part]:
        """Read `(`, at least one expression and `)`."""
        self.expect("(", "a list in round brackets has to follow `in`", "write column in (1, 2)")
        if self.word.sign is Sign.MARK and self.word.text == ")":
            raise self.refusal(f"{closing} is empty", "write at least one value")
        members = [self.expression(0)]
        while self.took(","):
            members.append(self.expression(0))
        at = self.words[start].at + 1
        self.expect(")", f"{closing} is not closed", f"close the bracket of what starts at character {at}")
        return members

    def call(self, start: int) -> _Part:
        name = self.words[start].text.lower()
        if name not in set(Function):
            raise self.unknown(name, start)
        function = Function(name)
        fewest, most = ARGUMENTS[function]
        ahead = self.words[self.next + 1]
        empty = ahead.sign is Sign.MARK and ahead.text == ")"
        parts = [] if empty else self.listed(f"the call of {name}", start)
        if not fewest <= len(parts) <= most:
            due = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise self.refusal(
                f"{name} takes {due} argument{'s' * (most > 1)} and has {len(parts)}",
                f"write {name}({', '.join(['…'] * min(most, 2))})",
                to=start,
            )
        tree = Call(function, tuple(part.tree for part in parts))
        self.check(tree, start)
        return self.built(tree, parts, start)

    def unknown(self, name: str, start: int) -> ExpressionError:
        near = get_close_matches(name, [str(function) for function in Function], n=1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(Function)}"
        return self.refusal(f"there is no function {name[:60]}", remedy, to=start)

    def check(self, call: Call, start: int) -> None:
        """Refuse written-out arguments that cannot be read; the call is the words from `start` to here."""
        quoted = [index for index in range(start, self.next) if self.words[index].sign is Sign.TEXT]
        match call:
            case Call(Function.SEMVER, (Text(value=value),)) if version_key(value) is None:
                says = f"{value[:40]!r} is no semantic version"
                raise self.refusal(says, "write one like '2.10.0'", to=quoted[0])
            case Call(Function.DATE, (Text(value=value),)) if moment(value) is None:
                remedy = "write '2026-01-31' or '2026-01-31 18:30', without a zone"
                raise self.refusal(f"{value[:40]!r} is no day", remedy, to=quoted[0])
            case Call(Function.REGEXP_MATCHES, (_, Text(value=value))):
                fault = pattern_fault(value)
                if fault:
                    remedy = "write it in RE2 syntax, which has neither look-around nor backreferences"
                    says = f"the pattern has {fault[1]}"
                    raise self.refusal(says, remedy, to=quoted[-1], inside=fault[0])
            case Call(Function.REGEXP_MATCHES, _):
                raise self.refusal("the pattern is not written out", "write it in single quotes", to=start)
            case _:
                return

    def built(self, tree: Tree, parts: list[_Part], start: int) -> _Part:
        height = 1 + max(part.height for part in parts)
        if height > DEEPEST:
            raise self.too_deep(start)
        match tree:
            case Comparison() | In() | Between() | Like() | IsNull() | IsBoolean():
                return _Part(tree, height, bare=True)
            case _:
                return _Part(tree, height)

    def too_deep(self, start: int) -> ExpressionError:
        return self.refusal(
            f"brackets and operators are nested deeper than {DEEPEST}", "split the condition in two", to=start
        )

    def took(self, text: str) -> bool:
        """Step over a mark or keyword if it is next."""
        taken = self.word.text == text and self.word.sign in {Sign.MARK, Sign.KEYWORD}
        self.next += taken
        return taken

    def expect(self, text: str, says: str, remedy: str) -> None:
        if not self.took(text):
            raise self.refusal(says, remedy)

    def finish(self) -> None:
        if self.word.sign is Sign.END:
            return
        shown = f"{self.word.text[:40]!r}" if self.word.sign is Sign.TEXT else f"`{self.word.text[:40]}`"
        if self.word.text == ")" and self.word.sign is Sign.MARK:
            raise self.refusal("a bracket closes that was never opened", "delete it or open one before it")
        raise self.refusal(f"{shown} was not expected", "put an operator like `and`, `=` or `+` before it")

    def refusal(self, says: str, remedy: str, *, to: int | None = None, inside: int = -1) -> ExpressionError:
        """Make the error at the next word, at word `to`, or inside the quotes of that word."""
        word = self.words[self.next if to is None else to]
        at = word.at + inside + 1
        if inside >= 0:
            # a quote inside a text is written twice
            at += word.text[:inside].count("'")
        return ExpressionError(says, text=self.text, at=at, remedy=remedy)
