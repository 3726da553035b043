"""A declared property or attribute, with its policy; and who answers for what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from splitrun.spec.model import Choice, Model, Note, Sentence
from splitrun.spec.policy import Retained

__all__ = [
    "Class",
    "Classification",
    "Controller",
    "Declaration",
    "Held",
    "Holds",
    "Property",
    "Texts",
    "held",
]

Property = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,127}$")]
"""The name of a declared property; it becomes a part of a column's name."""

Holds = Literal["number", "text", "boolean", "url"]
"""What a field holds; of a URL only what stands before its query is kept."""

Texts = Literal["mask", "drop", "keep"]
"""What becomes of e-mail addresses and telephone numbers in a text: each is masked, the value is dropped, or
it is kept as it came."""

Class = Literal["events", "exposures", "heartbeats", "dead_letters", "spool"]
"""What has a time of its own after which it goes."""


class Classification(Choice):
    """How close to a person a field is."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class Held(Model):
    """A declared field with its policy."""

    holds: Holds
    purpose: Sentence | None = None
    """What it is kept for."""
    classification: Classification | None = None
    retention: Retained | None = None
    """The longest that it may be kept; its rows must go by then."""
    consumers: tuple[Note, ...] = ()
    """Who reads it: teams, metrics, exports."""
    texts: Texts | None = None
    """What becomes of e-mail addresses and telephone numbers in it; else as `privacy.texts` says."""


def form(written: object) -> str:
    """Say whether a field is declared by a word, or with its policy."""
    match written:
        case dict() | Held():
            return "policy"
        case _:
            return "word"


Declaration = Annotated[Annotated[Holds, Tag("word")] | Annotated[Held, Tag("policy")], Discriminator(form)]
"""What a field holds, alone or with its policy."""


def held(written: Mapping[str, Holds | Held]) -> dict[str, Held]:
    """Give declared fields in one form; those that say only what they hold have no policy."""
    found: dict[str, Held] = {}
    for name, one in written.items():
        match one:
            case Held():
                found[name] = one
            case word:
                found[name] = Held(holds=word)
    return found


class Controller(Model):
    """Who answers for what is kept, as a record of processing names it (GDPR, article 30)."""

    name: Note
    contact: Note
    """An address that people and authorities can write to."""
    officer: Note | None = None
    """The data protection officer, where there is one."""
    subjects: Annotated[tuple[Note, ...], Field(min_length=1)] = ("people who use the product",)
    """Categories of people."""
    recipients: tuple[Note, ...] = ()
    """Who else is given any of it."""
    transfers: tuple[Note, ...] = ()
    """Countries outside the controller's that any of it goes to, each with its safeguards."""
