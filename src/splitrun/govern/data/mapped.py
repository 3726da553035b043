"""The data map: the fields that stores have, each with the policy that a project or Splitrun gives it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from splitrun.errors import Mistake
from splitrun.govern.data.policies import policy_of
from splitrun.spec.policy import PolicyRule, span
from splitrun.spec.privacy.fields import DataMap, Policy, Stored
from splitrun.spec.privacy.held import Class, Held, held
from splitrun.spec.project import Project
from splitrun.spec.written.document import Document

__all__ = ["DEFAULTS", "Column", "mapped", "unpoliced"]

DEFAULTS: Mapping[Class, str] = {"dead_letters": "14d", "spool": "90d"}
"""How long what came in is kept as it came, where the project does not say."""

FOREVER = "for ever"
PREFIX = "p_"
"""In front of the name of a declared property's column."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field that a store has."""

    store: str
    name: str
    holds: str


def mapped(project: Project, live: Iterable[Column]) -> DataMap:
    """Give every field with its policy.

    Args:
        project: Its settings.
        live: The fields that its stores have now.
    """
    fields: dict[tuple[str, str], Stored] = {}
    for one in (*live, *awaited(project)):
        fields.setdefault((one.store, one.name), stored(project, one))
    privacy = project.privacy
    return DataMap(
        project.project,
        project.environments,
        privacy.controller,
        privacy.properties,
        privacy.ids,
        privacy.consent,
        tuple(fields[name] for name in sorted(fields)),
        privacy.waivers.get("data_policy", ""),
    )


def awaited(project: Project) -> Iterator[Column]:
    """Give the fields that are declared, also where no row has come yet."""
    for name, one in held(project.properties).items():
        yield Column("lake/events", f"{PREFIX}{name}", one.holds)
    for name, one in held(project.attributes).items():
        yield Column("lake/exposures", f"attributes.{name}", one.holds)
    for name in ("readouts", "looks"):
        yield Column(f"exports/{name}", "(whole)", "aggregates")


def stored(project: Project, one: Column) -> Stored:
    """Give a field its policy and how long it is kept."""
    said = declared(project, one)
    kept = retained(project, one.store)
    if said is None:
        return Stored(one.store, one.name, one.holds, kept, inner(project, one))
    known = said.purpose is not None and said.classification is not None and bool(said.consumers)
    if not known or said.purpose is None or said.classification is None:
        return Stored(one.store, one.name, one.holds, kept, None)
    policy = Policy(said.purpose, said.classification, said.consumers)
    return Stored(one.store, one.name, one.holds, kept, policy)


def declared(project: Project, one: Column) -> Held | None:
    """Give what the project says of a field; None where it is none of the project's own."""
    if one.store == "lake/events" and one.name.startswith(PREFIX):
        return held(project.properties).get(one.name.removeprefix(PREFIX), Held(holds="text"))
    if one.store == "lake/exposures" and one.name.startswith("attributes."):
        return held(project.attributes).get(one.name.removeprefix("attributes."))
    return None


def inner(project: Project, one: Column) -> Policy | None:
    """Give the policy of a field that every installation has; JSON has that of its fields."""
    rest = {"lake/events": "properties", "lake/exposures": "attributes"}
    if rest.get(one.store) != one.name:
        return policy_of(one.store, one.name)
    if project.privacy.properties == "any":
        return None
    says = f"{one.name} that splitrun.yaml declares; others are dropped"
    of = held(project.properties if one.name == "properties" else project.attributes).values()
    classes = [each.classification for each in of if each.classification is not None]
    order = list(dict.fromkeys(sorted(classes, key=closeness)))
    fixed = policy_of(one.store, "unit_type")
    if not order:
        return None if fixed is None else Policy(says, fixed.classification, ("nobody",))
    consumers = dict.fromkeys(name for each in of for name in each.consumers)
    return Policy(says, order[-1], tuple(consumers))


def closeness(one: str) -> int:
    """How close to a person, from 0."""
    return ("public", "internal", "personal", "sensitive").index(one)


def retained(project: Project, store: str) -> str:
    """Say how long rows of a store are kept."""
    written: dict[Class, str] = {**DEFAULTS, **project.privacy.retention}
    match store:
        case "lake/events":
            return written.get("events", FOREVER)
        case "lake/exposures":
            return written.get("exposures", FOREVER)
        case "lake/aliases" | "lake/heartbeats":
            both = [written[name] for name in UNIT_CLASSES if name in written]
            last = max(both, key=span) if len(both) == len(UNIT_CLASSES) else FOREVER
            return written.get("heartbeats", last) if store.endswith("heartbeats") else last
        case "spool/parcels":
            return f"until it is in the lake, {written['spool']} at most"
        case "spool/letters":
            return written["dead_letters"]
        case _:
            return FIXED.get(store, FOREVER)


FIXED: Mapping[str, str] = {
    "people/list": "until the unit opts in again; of who was forgotten, for ever",
    "people/journal": "until the erasure is whole",
    "access/keys": "until it is taken out of the file",
    "kills/flags": "until the flag serves again and the audit chain knows it",
    "keys/files": "until it is destroyed",
    "seen/window": "38 days",
    "lake/log": "30 days after a checkpoint",
    "registry/head": "until the next entry",
    "log/server": "as long as the machine keeps its logs",
}
"""How long stores are kept of which the project says nothing."""


UNIT_CLASSES: tuple[Class, ...] = ("events", "exposures")


def unpoliced(project: Project, document: Document, used: Mapping[str, str]) -> Iterator[Mistake]:
    """Object to fields that have no policy, or that are kept longer than theirs says.

    Args:
        project: Its settings.
        document: As they are written, for the places.
        used: Attributes that segments of the lake's exposures are cut by, each with where.
    """
    binding = PolicyRule.DATA_POLICY in project.policy.binding
    waived = "data_policy" in project.privacy.waivers
    if waived and not binding:
        return
    if waived:
        path, says = (
            ("privacy", "waivers", "data_policy"),
            "`data_policy` is waived, and policy.binding lets nobody",
        )
        yield document.mistake(path, says, "take the waiver out")
    whole: tuple[tuple[str, Class, dict[str, Held]], ...] = (
        ("properties", "events", held(project.properties)),
        ("attributes", "exposures", held(project.attributes)),
    )
    for key, kept, declared_ones in whole:
        for name, one in declared_ones.items():
            yield from lacking(document, (key, name), one)
            yield from too_long(document, (key, name), one, (kept, project.privacy.retention.get(kept)))
    if project.privacy.properties == "declared":
        for name, where in used.items():
            if name not in project.attributes:
                says = f"segments of {where} are cut by {name!r}, which is not declared and would be dropped"
                yield document.mistake(
                    (), f"{says} (policy `data_policy`)", f"write attributes: {{{name}: {FORM}}}"
                )


FORM = "{holds: text, purpose: ..., classification: internal, consumers: [...]}"


def lacking(document: Document, path: tuple[str, str], one: Held) -> Iterator[Mistake]:
    """Object to a field without purpose, classification or consumers."""
    absent = [
        name
        for name, there in (
            ("purpose", one.purpose is not None),
            ("classification", one.classification is not None),
            ("consumers", bool(one.consumers)),
        )
        if not there
    ]
    if absent:
        says = f"{path[1]!r} is kept, and nothing says its {', '.join(absent)} (policy `data_policy`)"
        form = FORM.replace("text", one.holds, 1)
        yield document.mistake(path, says, f"write {path[1]}: {form}")


def too_long(
    document: Document, path: tuple[str, str], one: Held, kept: tuple[Class, str | None]
) -> Iterator[Mistake]:
    """Object to a field whose rows are kept longer than it may be."""
    name, rows = kept
    if one.retention is None or (rows is not None and span(rows) <= span(one.retention)):
        return
    how = FOREVER if rows is None else f"for {rows}"
    says = f"{path[1]!r} may be kept for {one.retention}, and {name} are kept {how} (policy `data_policy`)"
    yield document.mistake(path, says, f"write privacy: {{retention: {{{name}: {one.retention}}}}} or less")
