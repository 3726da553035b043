from __future__ import annotations

import pytest

from splitrun.terms.parse import parse
from splitrun.terms.rendering import mismatches
from splitrun.terms.tree import Kind

KINDS = {"country": Kind.TEXT, "age": Kind.NUMBER, "member": Kind.BOOLEAN, "at": Kind.TIME}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("country = 3", "comparing text column `country` with number 3 is always null"),
        ("3 = country", "comparing number 3 with text column `country` is always null"),
        ("age > '18'", "comparing number column `age` with text '18' is always null"),
        ("age = member", "comparing number column `age` with boolean column `member` is always null"),
        ("age in (1, '2')", "comparing number column `age` with text '2' is always null"),
        ("age between 1 and true", "comparing number column `age` with boolean true is always null"),
        (
            "at > 'noon'",
            "comparing time column `at` with text 'noon' is always null; write date('…') for the moment",
        ),
        (
            "semver(country) > '1'",
            "comparing version semver(…) with text '1' is always null; write semver(…) on both sides",
        ),
        ("age + 1 = country", "comparing a number with text column `country` is always null"),
        ("age like '1%'", "`like` takes a text, and of number column `age` it is always null"),
        ("country like 1", "`like` takes a text, and of number 1 it is always null"),
        ("lower(age) is null", "lower takes a text, and of number column `age` it is always null"),
        ("date(age) = at", "date takes a text or time, and of number column `age` it is always null"),
        ("abs(country) = 1", "abs takes a number, and of text column `country` it is always null"),
        ("country + 1 = 1", "`+` takes a number, and of text column `country` it is always null"),
        ("-country = 1", "`-` takes a number, and of text column `country` it is always null"),
        ("member and age", "`and` takes a boolean, and of number column `age` it is always null"),
        ("age or member", "`or` takes a boolean, and of number column `age` it is always null"),
        ("not country", "`not` takes a boolean, and of text column `country` it is always null"),
        ("age is true", "`is true` takes a boolean, and of number column `age` it is always null"),
        (
            "coalesce(country, 0) = 'x'",
            "coalesce gives a text here, and number 0 counts as null in it",
        ),
    ],
)
def test_what_does_not_fit_is_said_once(text: str, says: str) -> None:
    assert mismatches(parse(text), KINDS) == (says,)
    assert mismatches(parse(f"({text}) and ({text})"), KINDS) == (says,)


@pytest.mark.parametrize(
    "text",
    [
        "country = 'DE' and age >= 18 and member",
        "age is null or country is not null",
        "country = null",
        "unheard = 3 and unheard = 'x' and lower(unheard) = 'x' and -unheard < 1",
        "at >= date('2026-01-01') and date(at) = date(country)",
        "semver(country) >= semver('2.0.0')",
        "coalesce(null, age, 1) in (1, 2, null)",
        "(age > 1) = member and not (member is true)",
        "-(age + 1) * 2 % 3 between 1 and length(country)",
    ],
)
def test_what_fits_is_not_mentioned(text: str) -> None:
    assert mismatches(parse(text), KINDS) == ()
