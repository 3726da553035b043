"""Texts from data, made safe to print and fitted to lines."""

from __future__ import annotations

from textwrap import wrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitrun.report.printable import columns, folded, printable

LETTERS = st.text(st.sampled_from("ab é東京ｱ🚀\u0301\ufe0f❤"), max_size=60)


# widths of UAX 11; an emoji presentation sequence is wide
@pytest.mark.parametrize(
    ("text", "wide"),
    [("abc", 3), ("東京", 4), ("ｱ", 1), ("\uff21", 2), ("e\u0301", 1), ("🚀", 2), ("❤\ufe0f", 2),
     ("🚀\ufe0f", 2), ("\u2060a", 1), ("", 0)],
)  # fmt: skip
def test_characters_count_as_a_terminal_shows_them(text: str, wide: int) -> None:
    assert columns(text) == wide


def test_characters_beyond_the_first_planes_are_escaped_too() -> None:
    assert printable("a\u202eb\U000e0001\x07\u2028") == "a\\u202eb\\U000e0001\\x07 "


@given(st.lists(st.text("abcdefg", min_size=1, max_size=20), max_size=20), st.integers(10, 40))
def test_plain_words_are_broken_as_the_standard_library_breaks_them(words: list[str], width: int) -> None:
    text = " ".join(word[: width - 4] for word in words)

    assert folded(text, width, "  ", "    ") == wrap(
        text, width, initial_indent="  ", subsequent_indent="    "
    )


@given(LETTERS, st.integers(6, 30))
def test_no_line_takes_more_columns_than_it_may_and_nothing_is_lost(text: str, width: int) -> None:
    lines = folded(text, width, "> ", "  ")

    assert all(columns(line) <= width for line in lines)
    assert "".join(line[2:] for line in lines).replace(" ", "") == text.replace(" ", "")


def test_a_character_wider_than_the_line_has_a_line_of_its_own() -> None:
    assert folded("東京", 1, hang="    ") == ["東", "    京"]


def test_a_mark_stays_on_its_character() -> None:
    assert folded("e\u0301" * 4, 2) == ["e\u0301e\u0301", "e\u0301e\u0301"]
    assert folded("❤\ufe0f❤\ufe0f", 2) == ["❤\ufe0f", "❤\ufe0f"]
    assert folded("a❤\ufe0f", 2) == ["a", "❤\ufe0f"]
