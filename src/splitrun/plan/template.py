"""What an experiment does not say, filled from the experiment it extends and from a template."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from splitrun.errors import Mistake, SpecError
from splitrun.spec.reading import MERGED, Draft
from splitrun.spec.starting import TEMPLATES
from splitrun.spec.written.document import Document
from splitrun.spec.written.fields import suggested
from splitrun.spec.written.text import document

__all__ = ["filled"]

OWN = (("key",), ("title",), ("extends",))
"""What belongs to one file and is not handed on."""


def filled(draft: Draft, others: Mapping[str, Draft]) -> Document:
    """Lay an experiment over what it extends, and both over the template.

    Args:
        draft: The experiment.
        others: The experiments of the project by key.

    Raises:
        SpecError: Something named is not there, or experiments extend each other in a circle.
    """
    whole, seen, link = draft.document, [draft.key], draft.extends
    while link:
        if link in seen:
            says = f"experiments extend each other in a circle: {' -> '.join([*seen, link])}"
            raise SpecError([whole.mistake(("extends",), says, "let one of them stand by itself")])
        if link not in others:
            raise SpecError([unknown(whole, "extends", "experiment", link, tuple(others))])
        below = others[link]
        whole = whole.over(below.document.without(OWN), MERGED)
        seen.append(link)
        link = below.extends
    return over_template(whole, Draft(whole).template)


def over_template(whole: Document, name: str) -> Document:
    """Lay a document over the template it names, and over those that the template extends."""
    while name:
        if name not in TEMPLATES:
            raise SpecError([unknown(whole, "template", "template", name, tuple(TEMPLATES))])
        below = template(name)
        whole = whole.over(below.without(OWN), MERGED)
        name = Draft(below).extends
    return whole


def template(name: str) -> Document:
    """Read a template that ships with the package."""
    text = files("splitrun.spec.templates").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return document(text, f"template {name}")


def unknown(whole: Document, key: str, what: str, name: str, known: tuple[str, ...]) -> Mistake:
    """Say that nothing has the name that is written."""
    return whole.mistake((key,), f"there is no {what} {name!r}", suggested(name, known))
