"""What an experiment does not say, filled from the experiment it extends and from templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from splitrun.errors import Mistake, SpecError
from splitrun.plan.defined import Defined
from splitrun.plan.library import Library
from splitrun.plan.templates.guards import spliced
from splitrun.spec.experiment import Experiment
from splitrun.spec.plan import PlannedTemplate
from splitrun.spec.reading import MERGED, Draft, found
from splitrun.spec.templates.pack import TEMPLATES, Pack, named
from splitrun.spec.written.document import Document, Path, Site, Value
from splitrun.spec.written.fields import suggested
from splitrun.spec.written.unbuilt import EXPERIMENT

__all__ = ["Filled", "composed", "filled", "stocked", "templates"]

OWN = (("key",), ("title",), ("extends",))
"""What belongs to one file and is not handed on."""

ROWS: Path = ("exposures",)
FILLING = MERGED | {ROWS}
"""Where what is written is merged with what a template says; of `exposures` it says the columns."""

GUARDRAILS: Path = ("metrics", "guardrails")


@dataclass(frozen=True, slots=True)
class Filled:
    """An experiment with what templates say laid under it."""

    document: Document
    packs: tuple[Pack, ...] = ()
    """The template that it names, then those that this extends, then those that bring guardrails."""

    @property
    def planned(self) -> tuple[PlannedTemplate, ...]:
        """The templates, as a plan records them."""
        return tuple(
            PlannedTemplate(name=pack.header.pack, version=pack.header.version) for pack in self.packs
        )


def filled(draft: Draft, others: Mapping[str, Draft], packs: Mapping[str, Pack] | None = None) -> Filled:
    """Lay an experiment over what it extends, and both over the template.

    Args:
        draft: The experiment.
        others: The experiments of the project by key.
        packs: The templates of the project by name; those that ship are always there.

    Raises:
        SpecError: Something named is not there, or experiments or templates extend each other in a circle.
    """
    whole, seen, link = draft.document, [draft.key], draft.extends
    while link:
        if link in seen:
            says = f"experiments extend each other in a circle: {' -> '.join([*seen, link])}"
            raise SpecError([whole.mistake(("extends",), says, "let one of them stand by itself")])
        if link not in others:
            says = f"there is no experiment {link!r}"
            raise SpecError([whole.mistake(("extends",), says, suggested(link, tuple(others)))])
        below = others[link]
        whole = whole.over(below.document.without(OWN), MERGED)
        seen.append(link)
        link = below.extends
    known, name = packs or {}, Draft(whole).template
    chain = ancestry(name, known, Site(whole, ("template",))) if name else ()
    return guarded(laid(whole, chain), chain, known)


def composed(name: str, packs: Mapping[str, Pack]) -> Filled:
    """Give all that a template fills, with what it extends.

    Args:
        name: Its name, with or without version.
        packs: The templates of the project by name.

    Raises:
        SpecError: There is no such template, or something that it names is not there.
    """
    asked = Document(f"template {name}", {"template": name})
    return resting(ancestry(name, packs, Site(asked, ("template",))), packs)


def resting(chain: tuple[Pack, ...], packs: Mapping[str, Pack]) -> Filled:
    """Lay templates over each other, with no experiment above them."""
    top = chain[0].fills
    for below in chain[1:]:
        top = top.over(below.fills, FILLING)
    return guarded(top, chain, packs)


def ancestry(name: str, packs: Mapping[str, Pack], site: Site) -> tuple[Pack, ...]:
    """Give a template and those that it extends, nearest first.

    Args:
        name: Its name, with or without version.
        packs: The templates of the project by name.
        site: Where it is named.

    Raises:
        SpecError: One of them is not there or of another version, or they extend each other in a circle.
    """
    chain: list[Pack] = []
    link: str | None = name
    while link:
        pack = versioned(link, packs, site)
        if pack in chain:
            round_ = " -> ".join(each.header.pack for each in [*chain, pack])
            says = f"templates extend each other in a circle: {round_}"
            raise SpecError([site.mistake(says, "let one of them stand by itself")])
        chain.append(pack)
        link, site = pack.header.extends, Site(pack.document, ("extends",))
    return tuple(chain)


def versioned(written: str, packs: Mapping[str, Pack], site: Site) -> Pack:
    """Give the template that is written, in the version that is written.

    Raises:
        SpecError: There is none, or it is of another version.
    """
    name, _, version = written.partition("@")
    pack = named(name, packs)
    if pack is None:
        known = suggested(name, (*TEMPLATES, *packs))
        raise SpecError([site.mistake(f"there is no template {name!r}", known)])
    if version and int(version) != pack.header.version:
        says = f"template {name!r} is at version {pack.header.version}, and version {version} is named"
        remedy = f"see what it fills with `splitrun new --show {name}`, then write {pack.label}"
        raise SpecError([site.mistake(says, remedy)])
    return pack


def laid(document: Document, chain: tuple[Pack, ...]) -> Document:
    """Lay an experiment over templates; the columns of exposures are filled where it has exposures."""
    has_rows = document.at(ROWS) is not None
    for pack in chain:
        below = pack.fills if has_rows else pack.fills.without([ROWS])
        document = document.over(below, FILLING)
    return document


def guarded(
    document: Document, chain: tuple[Pack, ...], packs: Mapping[str, Pack], seen: tuple[str, ...] = ()
) -> Filled:
    """Put the guardrails of templates where their names stand among the guardrails.

    Raises:
        SpecError: A template that is named has no guardrails, or names itself among them.
    """
    used = dict.fromkeys(pack.label for pack in chain)
    known = {pack.label: pack for pack in chain}
    brought: dict[int, Sequence[Value]] = {}
    match document.at(GUARDRAILS):
        case tuple(written):
            names = {
                index: item
                for index, item in enumerate(written)
                if type(item) is str and named(item.partition("@")[0], packs) is not None
            }
        case _:
            names = {}
    for index, name in names.items():
        site = Site(document, (*GUARDRAILS, index))
        own = ancestry(name, packs, site)
        if name in seen:
            says = f"template {name!r} names itself among its guardrails"
            raise SpecError([site.mistake(says, "write the guardrails, each with its margin")])
        top = own[0].fills
        for below in own[1:]:
            top = top.over(below.fills, FILLING)
        whole = guarded(top, own, packs, (*seen, name))
        known |= {pack.label: pack for pack in whole.packs}
        used |= dict.fromkeys(pack.label for pack in whole.packs)
        brought[index] = guardrails(whole.document, name, site)
    document = spliced(document, GUARDRAILS, brought) if brought else document
    return Filled(document, tuple(known[label] for label in used))


def guardrails(document: Document, name: str, site: Site) -> tuple[Value, ...]:
    """Give the guardrails that a template fills.

    Raises:
        SpecError: It fills none.
    """
    match document.at(GUARDRAILS):
        case (_, *_) as rules:
            return tuple(rules)
        case _:
            says = f"template {name!r} has no guardrails"
            raise SpecError([site.mistake(says, "name the guardrails, each with its margin")])


def stocked(library: Library, packs: Iterable[Pack], taken: Iterable[str]) -> Library:
    """Add the definitions that templates bring, where neither project nor experiment has the name.

    Args:
        library: What the project's files define.
        packs: The templates in use, nearest first.
        taken: Metrics that the experiment defines itself.
    """
    metrics, segments, groups = dict(library.metrics), dict(library.segments), dict(library.groups)
    used = {*taken, *library.groups, *library.metrics}
    for pack in packs:
        top, brought = Site(pack.document, ("definitions",)), pack.header.definitions
        for key, metric in brought.metrics.items():
            if key not in used:
                metrics.setdefault(key, Defined(metric, top / "metrics" / key))
        for key, segment in brought.segments.items():
            segments.setdefault(key, Defined(segment, top / "segments" / key))
        for key, group in brought.groups.items():
            if key not in used:
                groups.setdefault(key, Defined(group, top / "groups" / key))
    return replace(library, metrics=metrics, segments=segments, groups=groups)


def templates(files: Iterable[Pack]) -> tuple[dict[str, Pack], list[Mistake]]:
    """Gather a project's templates by name, and find what is wrong with them."""
    packs: dict[str, Pack] = {}
    mistakes: list[Mistake] = []
    for pack in files:
        name, site = pack.header.pack, Site(pack.document, ("pack",))
        if name in TEMPLATES:
            remedy = f"choose another name, and write `extends: {name}`"
            mistakes.append(site.mistake(f"template {name!r} ships with Splitrun", remedy))
        elif name in packs:
            says = f"{name!r} is the name of {packs[name].document.file} already"
            mistakes.append(site.mistake(says, "choose another name"))
        else:
            packs[name] = pack
    for pack in packs.values():
        mistakes += faulty(pack, packs)
    return packs, mistakes


def faulty(pack: Pack, packs: Mapping[str, Pack]) -> list[Mistake]:
    """Find what a template says that no experiment could say; what it leaves open is no mistake."""
    try:
        whole = composed(pack.header.pack, packs).document
    except SpecError as error:
        return list(error.mistakes)
    return [
        mistake
        for path, mistake in found(Experiment, whole, EXPERIMENT)
        if path != ROWS and not mistake.says.endswith("` is missing")
    ]
