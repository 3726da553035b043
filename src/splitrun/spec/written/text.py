"""YAML 1.2 text into a document: ruamel's events, resolved by the core schema, within limits.

Only what a spec needs is taken: no anchors, aliases, tags, merge keys or second documents, no key twice. The
limits stand before the parser and between its events, so that a bomb costs no more than the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError

from splitrun.errors import Mistake, Place, SpecError
from splitrun.spec.written.document import Document, Mark, Path, Scalar, Value, dotted

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "UNPRINTABLE", "document", "is_text"]

MAX_BYTES = 250_000
MAX_DEPTH = 32
MAX_NODES = 20_000
"""Keys and values. Limits are about hostile files: the worst known to us within them took 0.8 CPU seconds and
30 MB (lists, mappings, folded text, comments, and a tag of 250 kB, which the parser reads in quadratic time).
"""

UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
"""Characters that have no business in a spec: control, surrogates, those that make text look reordered."""

INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
LONGEST_INTEGER = 18
LOST = "\ufffd"

SYNTAX = (
    ("'\\t'", "a tab stands where spaces belong", "indent with spaces"),
    (
        "mapping values are not allowed",
        "a colon stands where none can",
        "mend the indentation, or put the text in quotes",
    ),
    ("cannot start any token", "a character stands here that cannot begin a value", "put the text in quotes"),
    (
        "expected ',' or",
        "a comma or closing bracket is missing before this",
        "close the bracket that is open",
    ),
    ("end of stream", "the text ends too early", "close the quote or bracket that is still open"),
    ("stream end", "the text ends too early", "close the quote or bracket that is still open"),
    ("block end", "the indentation does not fit what stands above", "line it up with its neighbours"),
)


def document(text: str | bytes, file: str) -> Document:
    """Read YAML (or JSON) text into a document.

    Args:
        text: The file's content; bytes are read as UTF-8.
        file: The name that mistakes carry.

    Raises:
        SpecError: The text is too large, is no UTF-8, or is not the YAML that is read; all of its mistakes.
    """
    content = decoded(text, file)
    builder = Builder(file, YAML(typ="safe", pure=True).parse(content))
    try:
        value = builder.document()
    except MarkedYAMLError as error:
        raise SpecError([*builder.mistakes, syntax(error, file)]) from None
    except YAMLError as error:
        raise SpecError([fault(file, 1, 1, f"this is not YAML: {error}", "mend the text")]) from None
    if builder.mistakes:
        raise SpecError(builder.mistakes)
    return Document(file, value, builder.marks)


def is_text(written: str) -> bool:
    """Whether this is read as text where it stands without quotes, and not as a number or another word."""
    return written not in WORDS and not any(
        pattern.fullmatch(written) for pattern in (INTEGER, NUMBER, NOT_FINITE)
    )


def fault(file: str, line: int, column: int, says: str, remedy: str) -> Mistake:
    """Make a mistake at a line and column."""
    return Mistake(says=says, next=remedy, place=Place(file, line, column))


def decoded(text: str | bytes, file: str) -> str:
    """Decode within the size limit, and refuse characters that nobody can see."""
    size = len(text)
    if size <= MAX_BYTES and type(text) is str:
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        says = f"the file has {size:,} bytes; at most {MAX_BYTES:,} are read"
        raise SpecError([fault(file, 1, 1, says, "split it into several files, and keep data out of it")])
    match text:
        case bytes():
            try:
                content = text.decode("utf-8")
            except UnicodeDecodeError as error:
                before = text[: error.start].decode("utf-8")
                says = f"byte 0x{text[error.start]:02x} is not UTF-8"
                raise SpecError([fault(file, *spot(before), says, "save the file as UTF-8")]) from None
        case _:
            content = text
    content = content.removeprefix("\ufeff")
    found = UNPRINTABLE.search(content)
    if found:
        says = f"character U+{ord(found[0]):04X} may not stand in a spec"
        raise SpecError([fault(file, *spot(content[: found.start()]), says, "take it out")])
    return content


def spot(before: str) -> tuple[int, int]:
    """Line and column of what follows a text, from 1."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def syntax(error: MarkedYAMLError, file: str) -> Mistake:
    """Put a parser's complaint into words."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    for token, says, remedy in SYNTAX:
        if token in str(error.problem):
            return fault(file, line, column, says, remedy)
    return fault(file, line, column, f"this is not YAML: {error.problem}", "mend the text here")


@dataclass
class Builder:
    """Builds values from events and remembers where each began."""

    file: str
    stream: Iterator[events.Event]
    marks: dict[Path, Mark] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    nodes: int = 0

    def document(self) -> Value:
        """Build the only document of the stream."""
        next(self.stream)
        start = next(self.stream)
        match start:
            case events.DocumentStartEvent():
                if start.version is not None and tuple(start.version) != (1, 2):
                    version = ".".join(str(part) for part in start.version)
                    self.refuse(
                        start,
                        f"the file says that it is YAML {version}",
                        "take the line out; YAML 1.2 is read",
                    )
            case _:
                raise SpecError(
                    [fault(self.file, 1, 1, "the file is empty", "write the document, or delete the file")]
                )
        value = self.node(next(self.stream), (), None)
        next(self.stream)
        more = next(self.stream)
        if type(more) is events.DocumentStartEvent:
            self.refuse(more, "a second document begins here", "keep one document in a file")
        return value

    def node(self, event: events.Event, path: Path, key: Place | None) -> Value:
        """Build the value that begins with an event."""
        self.count(event, path)
        self.plain_only(event)
        empty = event.start_mark.index == event.end_mark.index
        place = key if key and empty else self.place(event)
        self.marks[path] = Mark(place, key, first_character(event, self.file))
        match event:
            case events.ScalarEvent():
                return self.scalar(event)
            case events.SequenceStartEvent():
                return self.sequence(path)
            case events.MappingStartEvent():
                return self.mapping(path)
            case _:
                return None

    def count(self, event: events.Event, path: Path) -> None:
        """Stop at the limits of depth and number."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            says, remedy = (
                f"the file holds more than {MAX_NODES:,} values",
                "split it, and keep data out of it",
            )
            raise SpecError([*self.mistakes, Mistake(says, remedy, place=self.place(event))])
        if len(path) > MAX_DEPTH:
            says, remedy = f"values are nested deeper than {MAX_DEPTH}", "flatten it"
            raise SpecError([*self.mistakes, Mistake(says, remedy, place=self.place(event))])

    def plain_only(self, event: events.Event) -> None:
        """Refuse what lets YAML be more than a tree of plain values."""
        match event:
            case events.AliasEvent(anchor=anchor):
                self.refuse(event, f"alias *{anchor} is not read", "write the value out")
            case events.ScalarEvent() | events.SequenceStartEvent() | events.MappingStartEvent():
                if event.anchor is not None:
                    self.refuse(
                        event, f"anchor &{event.anchor} is not read", "take it out and write values out"
                    )
                if event.tag is not None:
                    tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
                    self.refuse(event, f"tag {tag} is not read", "take it out; write plain values")
            case _:
                pass

    def scalar(self, event: events.ScalarEvent) -> Scalar:
        """Resolve a scalar by the core schema of YAML 1.2; what is quoted is text."""
        text = str(event.value)
        if event.style is not None:
            return self.quoted(event, text)
        if text in WORDS:
            return WORDS[text]
        if INTEGER.fullmatch(text):
            if len(text) > LONGEST_INTEGER:
                self.refuse(
                    event, f"the number {text[:20]}… is too large", "write it in quotes if it is a name"
                )
                return None
            return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        if NOT_FINITE.fullmatch(text) or (NUMBER.fullmatch(text) and not isfinite(float(text))):
            self.refuse(
                event, f"{text[:40]} is not a finite number", "write a finite number, or leave it out"
            )
            return None
        return float(text) if NUMBER.fullmatch(text) else text

    def quoted(self, event: events.ScalarEvent, text: str) -> str:
        """Join the surrogate pairs of JSON escapes; refuse escapes for characters that may not stand here."""
        joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        found = UNPRINTABLE.search(joined) or re.search(LOST, joined)
        if found and found[0] not in text:
            self.refuse(event, "half a surrogate pair stands in this text", "take it out")
        elif found and found[0] != LOST:
            self.refuse(event, f"character U+{ord(found[0]):04X} may not stand in a spec", "take it out")
        return joined

    def sequence(self, path: Path) -> tuple[Value, ...]:
        """Build the items until the sequence ends."""
        items: list[Value] = []
        while type(event := next(self.stream)) is not events.SequenceEndEvent:
            items.append(self.node(event, (*path, len(items)), None))
        return tuple(items)

    def mapping(self, path: Path) -> dict[Scalar, Value]:
        """Build the pairs until the mapping ends; a key may stand once."""
        pairs: dict[Scalar, Value] = {}
        while type(event := next(self.stream)) is not events.MappingEndEvent:
            key = self.key(event, path)
            place = self.place(event)
            before = self.marks.get((*path, key)) if key in pairs else None
            if before is not None and before.key is not None:
                says = f"`{dotted((key,))}` stands here again; it was written in line {before.key.line}"
                self.refuse(event, says, "keep one of the two")
            value = self.node(next(self.stream), (*path, key), place)
            pairs.setdefault(key, value)
        return pairs

    def key(self, event: events.Event, path: Path) -> Scalar:
        """Read a key: plain text or a number."""
        self.count(event, path)
        self.plain_only(event)
        match event:
            case events.ScalarEvent():
                if event.style is None and event.value == "<<":
                    self.refuse(event, "merge key << is not read", "write the values out, or use `extends`")
                return self.scalar(event)
            case events.AliasEvent():
                return None
            case _:
                says, remedy = "a list or mapping cannot be a key", "use text as the key"
                raise SpecError([*self.mistakes, Mistake(says, remedy, place=self.place(event))])

    def place(self, event: events.Event) -> Place:
        """Where an event begins."""
        return placed(event.start_mark, self.file)

    def refuse(self, event: events.Event, says: str, remedy: str) -> None:
        """Note a mistake and read on."""
        self.mistakes.append(Mistake(says=says, next=remedy, place=self.place(event)))


def placed(mark: StringMark, file: str) -> Place:
    """Count lines and columns from 1."""
    return Place(file, mark.line + 1, mark.column + 1)


def first_character(event: events.Event, file: str) -> Place | None:
    """Where text begins that stands on one line without escapes or folds, else None."""
    match event:
        case events.ScalarEvent(style=None | "'" | '"'):
            quote = 0 if event.style is None else 1
            width = event.end_mark.column - event.start_mark.column
            as_it_is = event.start_mark.line == event.end_mark.line and width == len(event.value) + 2 * quote
            return (
                Place(file, event.start_mark.line + 1, event.start_mark.column + 1 + quote)
                if as_it_is
                else None
            )
        case _:
            return None
