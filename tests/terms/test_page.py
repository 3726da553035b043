from __future__ import annotations

import re
from pathlib import Path

import pytest

from splitrun.errors import ExpressionError
from splitrun.terms.parse import parse
from splitrun.terms.tree import Function

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
EXAMPLES = [line for language, body in FENCES if language == "sql" for line in body.splitlines()]
REFUSED, MESSAGE = [body.splitlines() for language, body in FENCES if language == "text"]


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_of_the_page_is_in_the_language(text: str) -> None:
    assert parse(text) is not None


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_page_calls_refused_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_the_message_on_the_page_is_the_one_that_is_given() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(REFUSED[0])

    assert [str(caught.value)] == MESSAGE


def test_every_function_is_on_the_page() -> None:
    assert all(f"`{function}(" in PAGE for function in Function)
