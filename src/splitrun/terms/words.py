"""Text cut into words with their places. What has no part in the language is refused here, by name.

The cut is closed: a character that starts no word of the language is an error at that character, so nothing
that another SQL reader might understand (comments, `::`, `@x`, `a[1]`) can slip through.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum, auto

from splitrun.errors import ExpressionError

__all__ = ["LONGEST", "Sign", "Word", "words"]

LONGEST = 10_000
"""Characters an expression may have."""

LARGEST = 2**53
"""Whole numbers beyond it are not exact as doubles, and JSON readers disagree about them."""


class Sign(Enum):
    """What a word is."""

    NAME = auto()
    QUOTED = auto()
    NUMBER = auto()
    TEXT = auto()
    MARK = auto()
    KEYWORD = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Word:
    """A word and where it starts, counted from 0."""

    sign: Sign
    text: str
    """Keywords in lower case, texts and quoted names without their quotes, `!=` as `<>`."""
    at: int


KEYWORDS = frozenset({"and", "or", "not", "in", "between", "like", "is", "null", "true", "false"})

WORD = re.compile(
    r"""(?P<SPACE>[ \t\r\n]+)
    |(?P<NUMBER>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)
    |(?P<NAME>[^\W\d]\w*)
    |(?P<TEXT>'(?:[^']|'')*')
    |(?P<QUOTED>"(?:[^"]|"")*")
    |(?P<FOREIGN>--|/\*|==|=>|&&|\|\||::|->|//|\*\*|<=>|<<|>>|<@)
    |(?P<MARK><>|!=|<=|>=|[<>=(),+*/%-])""",
    re.VERBOSE,
)

FOREIGN = {
    "--": ("a comment", "leave comments to the file around it"),
    "/*": ("a comment", "leave comments to the file around it"),
    "==": ("`==`", "write `=`"),
    "&&": ("`&&`", "write `and`"),
    "||": ("`||`", "for alternatives write `or`; texts cannot be joined"),
    "::": ("a cast", "cast in the source's query"),
    "=>": ("`=>`", "write `>=`"),
    "<=>": ("`<=>`", "write `=` and say what null means with `is null`"),
    "<<": ("`<<`", "multiply instead"),
    ">>": ("`>>`", "divide instead"),
    "<@": ("`<@`", "write `in` or contains(…)"),
    "&": ("`&`", "write `and`"),
    "|": ("`|`", "write `or`"),
    "->": ("`->`", "take fields out of a structure in the source's query"),
    "//": ("`//`", "write `/`, which keeps the fraction"),
    "**": ("`**`", "multiply instead"),
    ";": ("`;`", "write one expression and nothing after it"),
    "?": ("a parameter", "write the value itself"),
    "$": ("a parameter", "write the value itself"),
    "@": ("`@`", "write the column's name alone"),
    ":": ("`:`", "write the column's name alone"),
    ".": ("`.`", "write the column's name alone, and a fraction like 0.5 with its zero"),
    "[": ("`[`", "write lists in round brackets, like in (1, 2)"),
    "{": ("`{`", "write plain values only"),
    "~": ("`~`", "write regexp_matches(column, 'pattern')"),
    "!": ("`!`", "write `not` or `<>`"),
    "^": ("`^`", "multiply instead"),
    "`": ("a back quote", 'put names with unusual characters in double quotes, like "My Column"'),
    "\\": ("a backslash", "a quote inside a text is written twice, like 'it''s'"),
}

UNCLOSED = {
    "'": ("a text has no closing quote", "close it with '; a quote inside a text is written twice"),
    '"': ("a name has no closing quote", 'close it with "; a double quote inside a name is written twice'),
}

RESERVED = {
    **dict.fromkeys(
        ("select", "union", "intersect", "except", "exists", "any", "some", "from", "where", "with"),
        "a query cannot stand inside; prepare the column in the source's query",
    ),
    **dict.fromkeys(("case", "if"), "write the condition with `and`, `or` and coalesce(…)"),
    **dict.fromkeys(("cast", "try_cast", "interval", "collate"), "convert the column in the source's query"),
    **dict.fromkeys(
        ("over", "distinct", "filter"), "an expression looks at one row; aggregate in the metric"
    ),
    **dict.fromkeys(
        ("ilike", "similar", "rlike", "glob"), "write lower(column) like '…' or regexp_matches(…)"
    ),
    **dict.fromkeys(("current_date", "current_timestamp", "current_time"), "write date('2026-01-31')"),
    **dict.fromkeys(("isnull", "notnull"), "write `is null` or `is not null`"),
    "escape": "a pattern has no escape; use contains, starts_with or ends_with for a literal % or _",
    "xor": "write `<>` between two conditions",
    "div": "write `/`, which keeps the fraction",
    "as": "an expression has no name of its own",
}

UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, the marks that turn the direction of reading, and halves of surrogate pairs."""


def words(text: str) -> tuple[Word, ...]:
    """Cut a text into words; the last is an END behind the text.

    Raises:
        ExpressionError: At the first character that is outside the language.
    """
    _survey(text)
    found: list[Word] = []
    at = 0
    while at < len(text):
        match = WORD.match(text, at)
        if match is None or match.lastgroup == "FOREIGN":
            raise _stranger(text, at)
        found.extend(_word(text, match))
        at = match.end()
    if not found:
        raise ExpressionError(
            "the expression is empty", text=text, at=0, remedy="write a condition like country = 'DE'"
        )
    return (*found, Word(Sign.END, "", len(text)))


def _survey(text: str) -> None:
    if len(text) > LONGEST:
        raise ExpressionError(
            f"the expression has {len(text):,} characters and goes past {LONGEST:,}",
            text=text,
            at=LONGEST,
            remedy="keep long lists as a column of the source",
        )
    unseen = UNSEEN.search(text)
    if unseen:
        raise ExpressionError(
            f"the character U+{ord(unseen[0]):04X} cannot be seen and is not taken",
            text=text,
            at=unseen.start(),
            remedy="delete it",
        )


def _word(text: str, match: re.Match[str]) -> tuple[Word, ...]:
    raw, at = match[0], match.start()
    match match.lastgroup:
        case "SPACE":
            return ()
        case "NAME" if raw.lower() in KEYWORDS:
            return (Word(Sign.KEYWORD, raw.lower(), at),)
        case "NAME" if raw.lower() in RESERVED:
            raise ExpressionError(
                f"`{raw.lower()}` is not part of expressions", text=text, at=at, remedy=RESERVED[raw.lower()]
            )
        case "NUMBER":
            return (_number(text, raw, at),)
        case "TEXT":
            return (Word(Sign.TEXT, raw[1:-1].replace("''", "'"), at),)
        case "QUOTED":
            return (_quoted(text, raw, at),)
        case "MARK":
            return (Word(Sign.MARK, "<>" if raw == "!=" else raw, at),)
        case _:
            return (Word(Sign.NAME, raw, at),)


def _number(text: str, raw: str, at: int) -> Word:
    behind = at + len(raw)
    if text[behind : behind + 1].isalnum() or text[behind : behind + 1] in {"_", "."}:
        raise ExpressionError(
            f"the number {raw} runs into {text[behind]!r}",
            text=text,
            at=behind,
            remedy="write digits, at most one dot and an exponent, like 1250, 0.5 or 1e6",
        )
    if raw.isdigit() and (len(raw.lstrip("0")) > 16 or int(raw) > LARGEST):
        says, remedy = "is beyond 2^53 and not exact as a number", "compare it as a text, or scale the column"
    elif not math.isfinite(float(raw)):
        says, remedy = "is larger than any finite number", "write a smaller one"
    else:
        return Word(Sign.NUMBER, raw, at)
    shown = raw if len(raw) <= 40 else f"{raw[:20]}…"
    raise ExpressionError(f"{shown} {says}", text=text, at=at, remedy=remedy)


def _quoted(text: str, raw: str, at: int) -> Word:
    if raw == '""':
        raise ExpressionError(
            "a column without a name", text=text, at=at, remedy="write the name between the quotes"
        )
    return Word(Sign.QUOTED, raw[1:-1].replace('""', '"'), at)


def _stranger(text: str, at: int) -> ExpressionError:
    if text[at] in UNCLOSED:
        says, remedy = UNCLOSED[text[at]]
        return ExpressionError(says, text=text, at=at, remedy=remedy)
    for length in (3, 2, 1):
        if text[at : at + length] in FOREIGN:
            what, remedy = FOREIGN[text[at : at + length]]
            return ExpressionError(f"{what} is not part of expressions", text=text, at=at, remedy=remedy)
    if text[at].isspace():
        return ExpressionError(
            f"an unusual space (U+{ord(text[at]):04X})",
            text=text,
            at=at,
            remedy="put an ordinary space there",
        )
    return ExpressionError(
        f"the character {text[at]!r} is not part of expressions",
        text=text,
        at=at,
        remedy='names with unusual characters stand in double quotes, like "My Column", texts in single ones',
    )
