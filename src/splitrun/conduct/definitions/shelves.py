"""Where each kind of definition stands in a project's files: taken apart into documents, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from splitrun.plan.folder import Folder
from splitrun.plan.switches.lists import hashed
from splitrun.spec.reading import Draft
from splitrun.spec.written.body import body, value_of
from splitrun.spec.written.document import Document, Path, Scalar, Site, Value
from splitrun.store.registry.documents import Kind

__all__ = ["ANNOTATIONS", "PROJECT", "Bodies", "Name", "apart", "listings", "together"]

Name = tuple[Kind, str]
Bodies = Mapping[Name, str]
"""Canonical JSON of each definition as it is written, by kind and key."""

PROJECT = "splitrun.yaml"
METRICS = "metrics/metrics.yaml"
FLAGS = "flags/flags.yaml"
ANNOTATIONS = "annotations.yaml"

SECTIONS: Mapping[Kind, tuple[str, str]] = {
    Kind.SOURCE: (METRICS, "sources"),
    Kind.METRIC: (METRICS, "metrics"),
    Kind.SEGMENT: (METRICS, "segments"),
    Kind.GROUP: (METRICS, "groups"),
    Kind.FLAG: (FLAGS, "flags"),
    Kind.LAYER: (FLAGS, "layers"),
    Kind.HOLDOUT: (FLAGS, "holdouts"),
    Kind.AUDIENCE: (FLAGS, "audiences"),
    Kind.LIST: (FLAGS, "lists"),
}
"""The file and the key under which definitions stand by name."""

ORDERED: Mapping[Kind, tuple[Path, ...]] = {
    Kind.EXPERIMENT: (("variants",), ("segments",)),
    Kind.PROJECT: (("units",),),
}
"""Treatments are dealt and segments shown in this order, and the first unit type is the default."""

POLICY: Path = ("policy",)
ELSEWHERE: Path = ("registry",)
"""Where the registry is is no definition, and may hold a password: it does not enter the registry."""


def apart(
    says: Folder, project: Document, annotations: Document | None, ids: Mapping[str, bytes]
) -> dict[Name, str]:
    """Take a project's files apart into the documents that a registry keeps.

    Args:
        says: The files, read; without mistakes.
        project: splitrun.yaml.
        annotations: annotations.yaml, where there is one.
        ids: Files of ids that lists name.

    Raises:
        SpecError: A whole number is beyond what JSON carries.
    """
    name = Draft(project).said("project")
    sites: dict[Name, Site] = {(Kind.PROJECT, name): Site(project.without([POLICY, ELSEWHERE]), ())}
    if project.at(POLICY):
        sites[Kind.POLICY, name] = Site(project, POLICY)
    sites |= {(kind, key): site for kind, key, site in shared(says)}
    sites |= {(Kind.LIST, key): site for key, site in listings(says, name, ids)}
    sites |= {(Kind.EXPERIMENT, key): Site(draft.document, ()) for key, draft in says.experiments.items()}
    sites |= {(Kind.TEMPLATE, key): Site(pack.document, ()) for key, pack in says.library.templates.items()}
    if annotations is not None:
        sites |= {(Kind.ANNOTATION, key): site for key, site in known(annotations)}
    return {each: body(sites[each], ORDERED.get(each[0], ())) for each in sorted(sites)}


def shared(says: Folder) -> Iterator[tuple[Kind, str, Site]]:
    """Give what stands in metrics/*.yaml and flags/*.yaml, but lists."""
    library, board = says.library, says.board
    for kind, shelf in (
        (Kind.SOURCE, library.sources),
        (Kind.METRIC, library.metrics),
        (Kind.SEGMENT, library.segments),
        (Kind.GROUP, library.groups),
    ):
        yield from ((kind, key, one.site) for key, one in shelf.items())
    if board is None:
        return
    for kind, switches in (
        (Kind.FLAG, board.flags),
        (Kind.LAYER, board.layers),
        (Kind.HOLDOUT, board.holdouts),
        (Kind.AUDIENCE, board.audiences),
    ):
        yield from ((kind, key, one.site) for key, one in switches.items())


def listings(says: Folder, project: str, ids: Mapping[str, bytes]) -> Iterator[tuple[str, Site]]:
    """Give lists of ids as they are kept: as salted hashes, the very ones that rulesets carry.

    A registry forgets nothing, so ids of units never enter it. Hashes say who is on a list to those only who
    know the id already, and stand in every ruleset that clients download.
    """
    for key, one in () if says.board is None else says.board.lists.items():
        made = hashed(one.value, f"list:{project}:{key}", ids)
        kept: Value = {"hashed": True, "ids": made.hashes, "salt": made.salt}
        yield key, Site(Document(one.site.document.file, kept), ())


def known(annotations: Document) -> Iterator[tuple[str, Site]]:
    """Give known events, each under its day and kind; those that share both are counted."""
    found: dict[str, list[Site]] = {}
    for index in range(len(many(annotations.value))):
        site = Site(annotations, (index,))
        day = datetime.fromisoformat(str(annotations.at((index, "at")))).date()
        found.setdefault(f"{day}-{annotations.at((index, 'kind'))}", []).append(site)
    for name, sites in found.items():
        for count, site in enumerate(sorted(sites, key=body), 1):
            yield name if count == 1 else f"{name}-{count}", site


def many(value: Value) -> tuple[Value, ...]:
    """Give the parts of a sequence; nothing of what is none."""
    return value if type(value) is tuple else ()


def together(bodies: Bodies) -> dict[str, Document]:
    """Put documents together as the files of a project, by path.

    Raises:
        ValueError: A body is no JSON.
    """
    values = {name: value_of(written) for name, written in sorted(bodies.items())}
    files: dict[str, Value] = {}
    settings: dict[Scalar, Value] = {}
    for (kind, key), value in values.items():
        match kind:
            case Kind.PROJECT:
                settings |= named(value)
            case Kind.POLICY:
                settings["policy"] = value
            case Kind.EXPERIMENT:
                files[f"experiments/{key}.yaml"] = value
            case Kind.TEMPLATE:
                files[f"templates/{key}.yaml"] = value
            case _:
                pass
    for path in (METRICS, FLAGS):
        found = {section: of(values, kind) for kind, (file, section) in SECTIONS.items() if file == path}
        files |= {path: {section: some for section, some in found.items() if some}}
    files |= {PROJECT: settings, ANNOTATIONS: tuple(of(values, Kind.ANNOTATION).values())}
    return {path: Document(path, value) for path, value in files.items() if value}


def of(values: Mapping[Name, Value], wanted: Kind) -> dict[Scalar, Value]:
    """Give the values of one kind by key."""
    return {key: value for (kind, key), value in values.items() if kind is wanted}


def named(value: Value) -> dict[Scalar, Value]:
    """Give a mapping; nothing of what is none."""
    return value if type(value) is dict else {}
