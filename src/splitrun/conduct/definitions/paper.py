"""Definitions as YAML that people like to read, and that is read back as the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from json import dumps

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from splitrun.conduct.definitions.shelves import FLAGS, METRICS, Bodies, Name, together
from splitrun.spec.experiment import Experiment
from splitrun.spec.flag import Flag
from splitrun.spec.project import Annotation, Project
from splitrun.spec.written.document import Path, Scalar, Value
from splitrun.spec.written.text import is_text
from splitrun.store.registry.documents import Kind

__all__ = ["paper", "papers"]

WIDTH = 100
FLOW = 76
"""Characters up to which a mapping or list of plain values stands on one line."""

MANY = 100
"""Hashes of a list that stand beside its name; more have a file of their own."""

LARGEST = 40_000
"""Characters of bodies that go into one file; far below what is read of one."""

NAMES = frozenset({"segments", "units", "variants"})
"""Mappings by name whose order is kept."""

READS = (
    *("key", "project", "pack", "version", "title", "type", "kind", "source", "over", "under", "count"),
    "value",
    *("serve", "where", "when", "from", "to", "window", "cap", "better", "csv", "parquet", "table", "query"),
    *("change", "because", "expect", "metric", "direction", "mei", "margin", "mode", "on_breach", "weight"),
    *("at", "until"),
    *(name for model in (Project, Experiment, Flag, Annotation) for name in model.model_fields),
)

ORDER: Mapping[Scalar, int] = {name: place for place, name in enumerate(dict.fromkeys(READS))}
"""In which order the parts of a definition read best; what is not named comes last, by name."""

LINES = re.compile(r"(?:[^\s](?:[^\r\n\t\x85\u2028\u2029]*[^\s])?\n)+")
"""Text over several lines that can stand as it is."""

PLAIN = re.compile(r"[\w(]")
"""How text begins that may stand without quotes; whatever else it holds is seen to by the writer."""

FEW: tuple[type, ...] = (str, int, float, bool, type(None))


def papers(bodies: Bodies) -> dict[str, str]:
    """Write definitions as the files of a project.

    Args:
        bodies: Canonical JSON by kind and key.

    Returns:
        The texts by path, in the layout of a project; lists of many hashes have files of their own.
    """
    texts: dict[str, str] = {}
    for number, part in enumerate(parted(bodies), 1):
        for path, found in together(part).items():
            value, more = apart(found.value) if path == FLAGS else (found.value, {})
            first, _, last = path.rpartition(".")
            name = f"{first}-{number}.{last}" if number > 1 and path in {METRICS, FLAGS} else path
            texts |= {name: paper(value), **more}
    return texts


def parted(bodies: Bodies) -> Iterator[dict[Name, str]]:
    """Divide definitions, so that each file stays small; what has files of its own goes with the first."""
    whole = {Kind.PROJECT, Kind.POLICY, Kind.EXPERIMENT, Kind.TEMPLATE, Kind.ANNOTATION}
    part = {name: body for name, body in bodies.items() if name[0] in whole}
    size = 0
    for name, body in bodies.items():
        if name[0] in whole:
            continue
        cost = min(len(body), LARGEST)
        if size + cost > LARGEST:
            yield part
            part, size = {}, 0
        part[name] = body
        size += cost
    yield part


def apart(flags: Value) -> tuple[Value, dict[str, str]]:
    """Give lists of many hashes files of their own."""
    if type(flags) is not dict or type(flags.get("lists")) is not dict:
        return flags, {}
    lists, texts = dict[Scalar, Value](), dict[str, str]()
    for key, said in named(flags["lists"]).items():
        hashes = named(said).get("ids")
        if type(hashes) is not tuple or len(hashes) <= MANY:
            lists[key] = said
            continue
        path = f"lists/{key}.txt"
        texts[path] = "".join(f"{one}\n" for one in hashes)
        lists[key] = {**{name: part for name, part in named(said).items() if name != "ids"}, "file": path}
    return {**flags, "lists": lists}, texts


def named(value: Value) -> dict[Scalar, Value]:
    """Take a value as a mapping."""
    return value if type(value) is dict else {}


def paper(value: Value) -> str:
    """Write a value as YAML."""
    yaml = YAML()
    yaml.width, yaml.allow_unicode = WIDTH, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(node(value, ()), stream)
    return stream.getvalue()


def node(value: Value, path: Path) -> object:
    """Prepare a value for the writer: order, quotes, and what stands on one line."""
    match value:
        case dict():
            keys = list(value) if path and path[-1] in NAMES else sorted(value, key=rank)
            mapping = CommentedMap((text(key), node(value[key], (*path, key))) for key in keys)
            if path and slim(value):
                mapping.fa.set_flow_style()
            return mapping
        case tuple():
            sequence = CommentedSeq(node(part, (*path, index)) for index, part in enumerate(value))
            if slim(value):
                sequence.fa.set_flow_style()
            return sequence
        case _:
            return text(value)


def rank(key: Scalar) -> tuple[int, str]:
    """Order keys as they read best."""
    return ORDER.get(key, len(ORDER)), str(key)


def slim(value: Value) -> bool:
    """Whether a mapping or list is short enough for one line, and holds plain values only."""
    parts = tuple(value.values()) if type(value) is dict else value if type(value) is tuple else ()
    plain = all(type(part) in FEW or part in ((), {}) for part in parts)
    return plain and len(dumps(list(map(str, [*named(value), *parts])))) <= FLOW


def text(value: Scalar) -> Scalar:
    """Put text in quotes that would be read as something else; several lines stand as they are."""
    if type(value) is not str:
        return value
    if LINES.fullmatch(value):
        lines: str = LiteralScalarString(value)
        return lines
    quoted: str = DoubleQuotedScalarString(value)
    return value if PLAIN.match(value) and is_text(value) and value.isprintable() else quoted
