"""A template: what it fills in an experiment, which metrics it brings, what it extends; with its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field

from splitrun.errors import SpecError
from splitrun.spec.metric import Metric
from splitrun.spec.model import Key, Model, Note, Sentence, TemplateName
from splitrun.spec.reading import Text, checked, read
from splitrun.spec.segment import Segment
from splitrun.spec.written.document import Document, Path
from splitrun.spec.written.unbuilt import PACK

__all__ = ["TEMPLATES", "Brought", "Header", "Pack", "named", "read_pack", "shipped"]

TEMPLATES = (
    "conversion",
    "revenue",
    "latency",
    "experience",
    "retention",
    "aa",
    "rollout-only",
    "switchback",
)
"""Templates that ship with the package."""


class Brought(Model):
    """Definitions that a template brings; what the project defines under the same name wins."""

    metrics: dict[Key, Metric] = Field(default_factory=dict)
    segments: dict[Key, Segment] = Field(default_factory=dict)
    groups: dict[Key, Annotated[tuple[Key, ...], Field(min_length=1)]] = Field(default_factory=dict)


class Header(Model):
    """What a template says of itself; all else in its file fills experiments."""

    pack: Key
    """Its name, as experiments write it under `template`."""
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    """Grows with every change; experiments may name it, like `checkout@3`."""
    describe: Sentence
    """What it is for."""
    extends: TemplateName | None = None
    """A template that fills what this one does not say."""
    mei: Note = "1pp"
    """The size that `splitrun new` writes as a minimum effect, until somebody says it."""
    definitions: Brought = Brought()
    """Metrics, segments and groups that experiments on it may use."""


HEADER: tuple[Path, ...] = tuple((name,) for name in Header.model_fields)

ALONE = ("key", "title", "template", "salt")
"""What belongs to one experiment and cannot be handed on."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A template as read."""

    header: Header
    document: Document
    """The whole file."""
    fills: Document
    """What it fills: the file without its header."""

    @property
    def label(self) -> str:
        """Its name and version, like `conversion@1`."""
        return f"{self.header.pack}@{self.header.version}"


def read_pack(text: Text, file: str) -> Pack:
    """Read a template (templates/*.yaml). What it fills is judged with what it extends.

    Args:
        text: The file's content, or a document that was read before.
        file: The name that mistakes carry.

    Raises:
        SpecError: All mistakes of its header.
    """
    whole = read(text, file)
    match whole.value:
        case dict(value):
            own = {key: part for key, part in value.items() if (key,) in HEADER}
        case _:
            says = "a template is a mapping of keys to values, and this is something else"
            raise SpecError([whole.mistake((), says, "begin with `pack: NAME`")])
    header = checked(Header, Document(file, own, whole.marks), PACK).value
    alone = [
        whole.mistake(
            (key,), f"`{key}` belongs to one experiment", "take it out of the template", at_key=True
        )
        for key in ALONE
        if key in value
    ]
    if alone:
        raise SpecError(alone)
    return Pack(header, whole, whole.without(HEADER))


@cache
def shipped(name: str) -> Pack:
    """Read a template that ships with the package, one of `TEMPLATES`."""
    text = files("splitrun.spec.templates").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return read_pack(text, f"template {name}")


def named(name: str, packs: Mapping[str, Pack]) -> Pack | None:
    """Give the template of a name without version: one of the project's, or one that ships; None: no such."""
    return packs.get(name) or (shipped(name) if name in TEMPLATES else None)
