from __future__ import annotations

import pytest

from splitrun.errors import SpecError
from splitrun.spec.written.text import document


def refusal(text: str | bytes) -> str:
    with pytest.raises(SpecError) as raised:
        document(text, "f.yaml")
    return str(raised.value)


def test_a_file_of_fifty_megabytes_is_refused_by_its_size() -> None:
    text = b"a: 1\n" * 10_000_000

    assert refusal(text) == (
        "f.yaml:1:1: the file has 50,000,000 bytes; at most 250,000 are read; "
        "split it into several files, and keep data out of it"
    )


def test_size_is_counted_in_bytes_and_not_in_characters() -> None:
    assert "the file has 300,003 bytes" in refusal("a: " + "ä" * 150_000)


def test_a_bomb_of_depth_is_refused_before_it_goes_off() -> None:
    assert refusal("[" * 100_000) == "f.yaml:1:34: values are nested deeper than 32; flatten it"


def test_a_bomb_of_aliases_is_refused_without_being_unfolded() -> None:
    text = "a: &a [x, x]\n" + "".join(f"{k}: &{k} [*a, *a, *a, *a]\n" for k in "bcdefgh")

    said = refusal(text).split("\n")

    assert said[0] == "f.yaml:1:4: anchor &a is not read; take it out and write values out"
    assert said[2] == "f.yaml:2:8: alias *a is not read; write the value out"


def test_too_many_values_are_refused_before_all_are_built() -> None:
    said = refusal("[" + "1," * 60_000 + "1]")

    assert said == "f.yaml:1:40000: the file holds more than 20,000 values; split it, and keep data out of it"


def test_bytes_that_are_no_utf8_are_pointed_at() -> None:
    assert refusal(b"a: 1\nb: \xff") == "f.yaml:2:4: byte 0xff is not UTF-8; save the file as UTF-8"
    assert refusal("a: 1".encode("utf-16")) == "f.yaml:1:1: byte 0xff is not UTF-8; save the file as UTF-8"


def test_a_byte_order_mark_is_taken_at_the_beginning_and_nowhere_else() -> None:
    assert document("\ufeffa: 1\n".encode(), "f.yaml").value == {"a": 1}
    assert refusal("a: \ufeff1") == "f.yaml:1:4: character U+FEFF may not stand in a spec; take it out"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n"])
def test_an_empty_file_says_so(text: str) -> None:
    assert refusal(text) == "f.yaml:1:1: the file is empty; write the document, or delete the file"


def test_json_is_read_as_the_yaml_that_it_is() -> None:
    text = '{\n  "a": [1, 2.5, true, null, "x\\u00e4\\ud83d\\ude00"],\n  "b": {"c": "no"}\n}'

    assert document(text, "f.json").value == {"a": (1, 2.5, True, None, "xä😀"), "b": {"c": "no"}}


def test_half_a_surrogate_pair_is_refused() -> None:
    assert refusal('{"a": "\\ud83d"}') == "f.yaml:1:7: half a surrogate pair stands in this text; take it out"


def test_plain_words_are_resolved_by_the_core_schema_of_yaml_1_2() -> None:
    # YAML 1.2.2, section 10.3.2: yes, no and dates are text; octal is 0o; ~ and nothing are null
    text = "[no, yes, on, 2026-01-01, 012, 0o17, 0x1F, +1, 1e3, .5, ~, True, 1_000, '1', 1.0]"

    expected = ("no", "yes", "on", "2026-01-01", 12, 15, 31, 1, 1000.0, 0.5, None, True, "1_000", "1", 1.0)
    assert document(text, "f.yaml").value == expected


def test_true_and_one_are_one_key() -> None:
    assert refusal("{1: a, true: b}") == (
        "f.yaml:1:8: `True` stands here again; it was written in line 1; keep one of the two"
    )


def test_an_alias_as_a_key_is_refused() -> None:
    said = refusal("a: &x b\n*x : c\n").split("\n")

    assert said[1] == "f.yaml:2:1: alias *x is not read; write the value out"


def test_a_reader_error_of_the_parser_is_a_mistake_with_a_place() -> None:
    assert refusal("a: 1\nb: @x\n") == (
        "f.yaml:2:4: a character stands here that cannot begin a value; put the text in quotes"
    )


def test_a_file_of_as_many_values_as_may_be_is_read() -> None:
    # the document, its key `a`, the mapping, and two for each of its pairs
    text = "a:\n" + "".join(f"  k{index}: v\n" for index in range(9_998))

    assert len(document(text, "f.yaml").marks) == 2 + 9_998
    assert "the file holds more than 20,000 values" in refusal(text + "  b: c\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("!<" + "a" * 249_000 + "> x", "tag aaa"),
        ("[" + "&a x," * 40_000 + "]", "the file holds more than 20,000 values"),
        ("{" + "a: 1," * 40_000 + "}", "the file holds more than 20,000 values"),
        ("- " * 120_000, "values are nested deeper than 32"),
    ],
    ids=["tag", "anchors", "twice", "nested"],
)
def test_a_bomb_within_the_limit_of_bytes_is_refused(text: str, says: str) -> None:
    # what the worst of them cost in seconds and memory stands beside the limits
    assert says in refusal(text)


@pytest.mark.parametrize(
    "text", ["a: |\n" + "  x\n" * 62_000, "a: " + "b\n  " * 62_000, "#\n" * 124_000 + "a: 1"]
)
def test_much_text_is_no_bomb(text: str) -> None:
    assert len(document(text, "f.yaml").marks) == 2
