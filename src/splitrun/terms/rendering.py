"""A tree written as SQL that means the same: what does not fit is null, numbers are finite or null.

Written for DuckDB first; what other engines spell differently stands in functions of their own below.
Literals are literal nodes and columns come from the caller, so no text of a user ever reaches SQL as SQL.

Numbers are doubles. NaN and the infinities count as null wherever something looks at a number, and so does a
divisor that is zero or not finite. Inside arithmetic they may run on: nothing else makes them finite again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from string import ascii_lowercase, ascii_uppercase

from sqlglot import exp

from splitrun.errors import ExpressionError
from splitrun.terms.kinds import TAKES, Sort, mismatches, sort_of
from splitrun.terms.literals import DIGITS, MOMENT, SHORT, VERSION, moment, version_key
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
    Logic,
    Negative,
    Not,
    Null,
    Number,
    Or,
    Predicate,
    Text,
    Tree,
    columns,
)

__all__ = ["Bound", "kind_of", "mismatches", "rendered"]

LARGEST = "1.7976931348623157e308"
"""The largest finite double. NaN compares above it in DuckDB, Spark and PostgreSQL alike."""

SMALLEST = "5e-324"
"""The double next to zero."""

LONGEST = 20_000
"""Nodes of all numbers that are looked at twice; each divisor inside a divisor doubles its own."""

DEEPEST = 240
"""Levels of SQL that sqlglot writes with half of a stack of 1,000 frames to spare."""

TYPES = {
    Sort.TEXT: "TEXT",
    Sort.NUMBER: "DOUBLE",
    Sort.BOOLEAN: "BOOLEAN",
    Sort.TIME: "TIMESTAMP",
    Sort.VERSION: "TEXT",
    Sort.NOTHING: "BOOLEAN",
}

COMPARED: dict[str, type[exp.Expression]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}

CALCULATED: dict[str, type[exp.Expression]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "%": exp.Mod}


@dataclass(frozen=True)
class Bound:
    """What a name stands for in a query."""

    sql: exp.Expression
    """Of kind TIME a timestamp in the plan's time zone, or with a zone where the session's is the plan's."""
    kind: Kind


def kind_of(tree: Tree, columns: Mapping[str, Bound]) -> Kind | None:
    """Name the kind of value an expression has; None for a bare null and a version, which no column holds."""
    sort = sort_of(tree, _kinds(columns))
    return None if sort in {Sort.VERSION, Sort.NOTHING} else Kind(sort)


def rendered(tree: Tree, columns: Mapping[str, Bound]) -> exp.Expression:
    """Write an expression as SQL over the columns.

    Args:
        tree: The expression.
        columns: What every name in it stands for.

    Returns:
        A tree of sqlglot's, in brackets where it needs them.

    Raises:
        ExpressionError: A column is unknown, the value is a version, or the SQL would be nested too deeply.
    """
    _known(tree, columns)
    if sort_of(tree, _kinds(columns)) is Sort.VERSION:
        raise ExpressionError(
            "the value is a version, which cannot leave the expression",
            text="semver(…)",
            at=0,
            remedy="compare it with another, like semver(app) >= semver('2.10.0')",
        )
    sql = _Writer(columns).value(tree)
    if _depth(sql) > DEEPEST:
        raise _too_deep()
    return _held(sql)


def _too_deep() -> ExpressionError:
    says = "the expression is nested too deeply to be written as SQL"
    return ExpressionError(
        says, text="…", at=0, remedy="divide in the source's query, or split the condition"
    )


def _kinds(bound: Mapping[str, Bound]) -> dict[str, Kind]:
    return {name: column.kind for name, column in bound.items()}


def _known(tree: Tree, bound: Mapping[str, Bound]) -> None:
    for name in columns(tree):
        if name not in bound:
            near = get_close_matches(name, bound, n=1)
            known = f"known are {', '.join(sorted(bound))}" if bound else "no columns are known"
            raise ExpressionError(
                f"unknown column {name!r}",
                text=name,
                at=0,
                remedy=f"did you mean {near[0]}? {known}" if near else known,
            )


def _depth(sql: exp.Expression) -> int:
    level, depth = [sql], 0
    while level:
        level = [child for parent in level for child in parent.iter_expressions()]
        depth += 1
    return depth


def _held(sql: exp.Expression) -> exp.Expression:
    """Put brackets around what an operator could tear apart."""
    return exp.Paren(this=sql) if isinstance(sql, (exp.Binary, exp.Predicate, exp.Not, exp.Neg)) else sql


def _text(value: str) -> exp.Expression:
    return exp.Literal.string(value)


def _cast(sql: exp.Expression, to: str) -> exp.Expression:
    return exp.Cast(this=sql, to=exp.DataType.build(to))


def _null(sort: Sort) -> exp.Expression:
    return _cast(exp.Null(), TYPES[sort])


def _nullif(sql: exp.Expression, other: exp.Expression) -> exp.Expression:
    return exp.Nullif(this=sql, expression=other)


def _double(value: float) -> exp.Expression:
    """Write a number as a double: DuckDB reads it so with an exponent, and as a decimal without."""
    written = repr(abs(value))
    literal = exp.Literal.number(written if "e" in written else f"{written}e0")
    return exp.Paren(this=exp.Neg(this=literal)) if value < 0 else literal


def _folded(sql: exp.Expression, of: str, to: str) -> exp.Expression:
    return exp.Anonymous(this="translate", expressions=[sql, _text(of), _text(to)])


def _replaced(sql: exp.Expression, pattern: str, by: str, *options: str) -> exp.Expression:
    texts = [_text(text) for text in (pattern, by, *options)]
    return exp.Anonymous(this="regexp_replace", expressions=[sql, *texts])


def _matching(sql: exp.Expression, pattern: str) -> exp.Expression:
    """Give the text where all of it matches, else null; DuckDB gives an empty text where nothing does."""
    return _nullif(exp.Anonymous(this="regexp_extract", expressions=[sql, _text(pattern)]), _text(""))


def _version(sql: exp.Expression) -> exp.Expression:
    """Write the key of `literals.version_key`, step by step."""
    plain = _replaced(_matching(_matching(sql, SHORT), VERSION), r"\+.*$", "")
    marked = _replaced(plain, r"^([0-9.]+)$", r"\1.~")
    dotted = _replaced(marked, r"^([0-9]+\.[0-9]+\.[0-9]+)-", r"\1.")
    fenced = _replaced(_replaced(dotted, r"\.", "!<", "g"), "^(.*)$", r"<\1!")
    padded = _replaced(fenced, "<([0-9]+)!", f"<#{'0' * DIGITS}\\1!", "g")
    return _replaced(padded, f"#0+([0-9]{{{DIGITS}}})!", r"#\1!", "g")


def _balanced(parts: Sequence[exp.Expression], joint: type[exp.And | exp.Or]) -> exp.Expression:
    """Join by halves: a thousand conditions in a row are ten levels deep, not a thousand."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    left, right = (_held(_balanced(part, joint)) for part in (parts[:half], parts[half:]))
    return joint(this=left, expression=right)


class _Writer:
    """Writes parts of one expression; every answer is a fresh tree."""

    def __init__(self, bound: Mapping[str, Bound]) -> None:
        self.bound = bound
        self.kinds = _kinds(bound)
        self.spent = 0

    def value(self, tree: Tree) -> exp.Expression:
        match tree:
            case Text() | Number() | Boolean() | Null() | Column():
                return self.leaf(tree)
            case Not() | And() | Or():
                return self.logic(tree)
            case Arithmetic() | Negative() | Call(function=Function.ABS):
                return self.where(self.running(tree))
            case Call():
                return self.call(tree)
            case _:
                return self.predicate(tree)

    def of(self, tree: Tree, *sorts: Sort) -> exp.Expression:
        """Write a part where it is of one of these sorts, else null."""
        return self.value(tree) if sort_of(tree, self.kinds) in sorts else _null(sorts[0])

    def leaf(self, tree: Leaf) -> exp.Expression:
        match tree:
            case Text(value=value):
                return _text(value)
            case Number(value=value):
                return _double(float(value))
            case Boolean(value=value):
                return exp.Boolean(this=value)
            case Null():
                return _null(Sort.NOTHING)
            case Column(name=name):
                column = self.bound[name]
                sql = column.sql.copy()
                return self.where(_cast(sql, "DOUBLE")) if column.kind is Kind.NUMBER else _held(sql)

    def logic(self, tree: Logic) -> exp.Expression:
        match tree:
            case Not(of=part):
                return exp.Not(this=_held(self.of(part, Sort.BOOLEAN)))
            case And(of=parts):
                return _balanced([self.of(part, Sort.BOOLEAN) for part in parts], exp.And)
            case Or(of=parts):
                return _balanced([self.of(part, Sort.BOOLEAN) for part in parts], exp.Or)

    def running(self, tree: Tree) -> exp.Expression:
        """Write a number that may not be finite; whoever looks at it sees to that."""
        match tree:
            case Column(name=name) if self.bound[name].kind is Kind.NUMBER:
                return _cast(self.bound[name].sql.copy(), "DOUBLE")
            case Negative(of=part):
                return exp.Neg(this=_held(self.running(part)))
            case Call(Function.ABS, (part,)):
                return exp.Abs(this=self.running(part))
            case Arithmetic(op="/", left=left, right=right):
                # typed: without it sqlglot may write casts of its own
                return exp.Div(this=_held(self.running(left)), expression=self.divisor(right), typed=True)
            case Arithmetic(op="%", left=left, right=right):
                return exp.Mod(this=_held(self.running(left)), expression=self.divisor(right))
            case Arithmetic(op=op, left=left, right=right):
                one, other = (_held(self.running(part)) for part in (left, right))
                return CALCULATED[op](this=one, expression=other)
            case _:
                return self.of(tree, Sort.NUMBER)

    def divisor(self, tree: Tree) -> exp.Expression:
        return self.where(self.running(tree), low=SMALLEST)

    def where(self, sql: exp.Expression, low: str | None = None) -> exp.Expression:
        """Keep a number where it is finite and, with `low`, at least so far from zero; else null.

        The number is written twice, as DuckDB's NULLIF does unseen; so the sum of them must not be long.
        """
        self.spent += sum(1 for _ in sql.walk())
        if self.spent > LONGEST:
            raise _too_deep()
        size, largest = exp.Abs(this=sql), exp.Literal.number(LARGEST)
        if low is None:
            within: exp.Expression = exp.LTE(this=size, expression=largest)
        else:
            within = exp.Between(this=size, low=exp.Literal.number(low), high=largest)
        return exp.Case(ifs=[exp.If(this=within, true=sql.copy())])

    def predicate(self, tree: Predicate) -> exp.Expression:
        match tree:
            case Comparison(op=op, left=left, right=right):
                one, other = self.alike(left, right)
                return COMPARED[op](this=_held(one), expression=_held(other))
            case In(value=value, of=of, negated=negated):
                one, *others = self.alike(value, *of)
                return _turned(exp.In(this=_held(one), expressions=others), negated=negated)
            case Between(value=value, low=low, high=high, negated=negated):
                one, lowest, highest = map(_held, self.alike(value, low, high))
                return _turned(exp.Between(this=one, low=lowest, high=highest), negated=negated)
            case Like(value=value, pattern=pattern, negated=negated):
                one, other = (_held(self.of(part, Sort.TEXT)) for part in (value, pattern))
                return _turned(exp.Like(this=one, expression=other), negated=negated)
            case IsNull(value=value, negated=negated):
                return _turned(exp.Is(this=_held(self.value(value)), expression=exp.Null()), negated=negated)
            case IsBoolean(value=value, boolean=boolean, negated=negated):
                asked = exp.Is(this=_held(self.of(value, Sort.BOOLEAN)), expression=exp.Boolean(this=boolean))
                return _turned(asked, negated=negated)

    def alike(self, first: Tree, *others: Tree) -> list[exp.Expression]:
        """Write values that are compared with the first: those of another sort are null."""
        sort = sort_of(first, self.kinds)
        return [self.value(first), *(self.of(other, sort) for other in others)]

    def call(self, tree: Call) -> exp.Expression:
        match tree:
            case Call(Function.COALESCE, of):
                sort = sort_of(tree, self.kinds)
                first, *others = (self.of(part, sort) for part in of)
                return exp.Coalesce(this=first, expressions=others)
            case Call(Function.SEMVER, (Text(value=value),)):
                key = version_key(value)
                return _null(Sort.VERSION) if key is None else _text(key)
            case Call(Function.DATE, (Text(value=value),)):
                at = moment(value)
                return _null(Sort.TIME) if at is None else _cast(_text(at), "TIMESTAMP")
            case Call(Function.DATE, (part,)) if sort_of(part, self.kinds) is Sort.TIME:
                return _cast(_cast(self.value(part), "DATE"), "TIMESTAMP")
            case Call(Function.DATE, (part,)):
                return exp.TryCast(
                    this=_matching(self.of(part, Sort.TEXT), MOMENT), to=exp.DataType.build("TIMESTAMP")
                )
            case Call(function, of):
                return self.plain_call(function, [self.of(part, TAKES[function][0]) for part in of])

    def plain_call(self, function: Function, of: list[exp.Expression]) -> exp.Expression:
        match function:
            case Function.LOWER:
                return _folded(of[0], ascii_uppercase, ascii_lowercase)
            case Function.UPPER:
                return _folded(of[0], ascii_lowercase, ascii_uppercase)
            case Function.LENGTH:
                return _cast(exp.Length(this=of[0]), "DOUBLE")
            case Function.SEMVER:
                return _version(of[0])
            case _:
                return exp.Anonymous(this=str(function), expressions=of)


def _turned(sql: exp.Expression, *, negated: bool) -> exp.Expression:
    return exp.Not(this=exp.Paren(this=sql)) if negated else sql
