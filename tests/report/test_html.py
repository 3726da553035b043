"""The readout in a notebook."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from splitrun.infer.estimate import Estimate, Kind, Side
from splitrun.report.html import html
from tests.report.readouts import hostile, rich, stopped


class Reader(HTMLParser):
    """Collects the elements of a fragment."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(fragment: str) -> Reader:
    reader = Reader()
    reader.feed(fragment)
    reader.close()
    return reader


def test_hostile_labels_are_shown_and_never_obeyed() -> None:
    found = read(html(hostile()))

    assert "script" not in {tag for tag, _ in found.tags}
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert any("<script>alert('x')</script>" in words for words in found.words)
    assert "\x1b" not in html(hostile())
    assert "\u202e" not in html(hostile())


def test_the_fragment_asks_nothing_of_the_network() -> None:
    found = read(html(rich()))

    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in found.tags}
    assert not [attributes for _, attributes in found.tags if {"src", "href"} & attributes.keys()]
    assert "url(" not in html(rich())


def test_the_fragment_is_well_formed() -> None:
    root = ET.fromstring(html(hostile()))  # noqa: S314 - our own text

    assert root.tag == "section"


def test_whoever_does_not_see_the_bars_hears_them() -> None:
    found = read(html(rich()))

    pictures = [attributes for tag, attributes in found.tags if tag == "svg" and "aria-label" in attributes]
    assert len(pictures) == 1 + 12  # the axis, and a bar for every row with a lift
    assert {attributes.get("role") for attributes in pictures} == {"img"}
    assert all("%" in (attributes.get("aria-label") or "") for attributes in pictures)
    heads = [attributes.get("scope") for tag, attributes in found.tags if tag == "th"]
    assert None not in heads


def test_everything_in_the_bars_is_in_the_words_as_well() -> None:
    words = " ".join(read(html(rich())).words).replace("\xa0", " ")

    assert "+45.1 pp (95 % interval 41.0 to 49.2 pp)" in words
    assert "+133 % (95 % interval 109 to 162 %)" in words
    assert "33.87 % → 78.92 %" in words
    assert "no harm seen" in words
    assert "lower is better" in words


def test_a_sentence_that_decides_is_not_said_twice() -> None:
    words = " ".join(read(html(rich())).words)

    assert words.count("fetched rose by") == 1
    assert words.count("revenue rose by") == 1


def test_stopped_effects_are_greyed() -> None:
    tags = read(html(stopped())).tags

    metrics = {attributes.get("class") for tag, attributes in tags if tag == "article"}
    assert metrics == {"metric void"}
    assert "not to be read" in html(stopped())
    assert "no effect may be read while a stop finding stands: split" in html(stopped())


def test_no_doubts_are_said_to_be_none() -> None:
    assert "<h3>Doubts</h3>\n<p>None.</p>" in html(replace(rich(), findings=()))


def test_the_axis_names_zero_where_there_is_room() -> None:
    world = rich()
    lift = Estimate(
        effect=0.0,
        stderr=0.05,
        low=-0.1,
        high=0.1,
        level=0.95,
        side=Side.BOTH,
        kind=Kind.FIXED,
        p=1.0,
        dof=None,
    )
    even = replace(world, comparisons=(replace(world.comparisons[0], relative=lift),))

    assert ">0</text>" in html(even)
