"""The committer of a project's folder, put together from its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from splitrun.collect.privacy.sieve import Rule, Sieve
from splitrun.collect.properties import Declared
from splitrun.conduct.collecting.committer import Committer
from splitrun.conduct.collecting.heartbeats import pulse
from splitrun.conduct.collecting.letting import emptied
from splitrun.conduct.collecting.loop import Loop
from splitrun.conduct.collecting.quarters import Quarters
from splitrun.conduct.collecting.retention import keeps, proof
from splitrun.conduct.collecting.rulesets import rulesets_of
from splitrun.conduct.collecting.upkeep import Schedule, regularly, turn_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.workspace import PROJECT, workspace
from splitrun.errors import SpecError
from splitrun.spec.privacy.held import held
from splitrun.spec.project import Project
from splitrun.store.lake.delta import Passing
from splitrun.store.lake.place import Lake
from splitrun.store.lake.pseudonyms import Keyring
from splitrun.store.lake.tables import Table
from splitrun.store.people.place import heeded_at
from splitrun.store.spool.cipher import Cipher, secret_file
from splitrun.store.spool.file import SpoolFile
from splitrun.terms.tree import Kind

__all__ = ["LAKE", "committer_of", "keyring_of", "lake_of", "loop_of", "quarters_of", "spool_of", "unheard"]

LAKE = "state/lake"
"""Where the lake of a project lies unless `splitrun.yaml` says otherwise."""


def spool_of(root: Path) -> SpoolFile:
    """The spool of a project's folder; its key is made where there is none."""
    state = root / "state"
    return SpoolFile(state / "spool.db", Cipher([secret_file(state / "keys" / "spool.key")]))


def lake_of(root: Path) -> Lake:
    """The lake of a project's folder.

    Raises:
        SpecError: Its settings have mistakes.
    """
    around = workspace(root, (PROJECT, "metrics/*.yaml"))
    if around.says.mistakes:
        raise SpecError(around.says.mistakes)
    named = LAKE if around.says.project is None else around.says.project.lake or LAKE
    return Lake(named if "://" in named else str(root / named))


def quarters_of(root: Path, passing: Passing = lambda _name: None) -> Quarters:
    """Tables and settings of a project's folder.

    Raises:
        SpecError: Its settings have mistakes.
        StoreError: A key cannot be read or made.
    """
    project = workspace(root, (PROJECT, "metrics/*.yaml")).says.project
    raw = project is not None and project.privacy.ids == "raw"
    keyring = keyring_of(root)
    return Quarters(
        lake_of(root),
        root / "state" / "seen",
        keyring.current()[0],
        rulesets_of(root),
        declared={} if project is None else {project.project: declared(project)},
        sieves={} if project is None else {project.project: sieve_of(project)},
        raw_ids=frozenset({project.project} if raw and project is not None else ()),
        passing=passing,
        epochs=keyring.current,
    )


def keyring_of(root: Path) -> Keyring:
    """The keys of pseudonyms of a project's folder."""
    return Keyring(root / "state" / "keys" / "pseudonym", Desk().now)


def declared(project: Project) -> Declared:
    """What the properties hold that a project declares."""
    found = held(project.properties)
    return {name: Kind.TEXT if one.holds == "url" else Kind(one.holds) for name, one in found.items()}


def sieve_of(project: Project) -> Sieve:
    """What of properties and attributes a project keeps."""
    privacy = project.privacy
    properties, attributes = (
        {name: Rule(one.texts or privacy.texts, one.holds == "url") for name, one in held(written).items()}
        for written in (project.properties, project.attributes)
    )
    return Sieve(properties, attributes, privacy.properties == "any", Rule(privacy.texts))


def committer_of(root: Path, passing: Passing = lambda _name: None) -> Committer:
    """The committer of a project's folder.

    Raises:
        SpecError: Its settings have mistakes.
        StoreError: Spool, keys or lake cannot be used.
    """
    return Committer(spool_of(root), quarters_of(root, passing), passing, people=heeded_at(root))


def loop_of(root: Path, after: Callable[[], None] = lambda: None) -> Loop:
    """The committer of a project's folder as a part of the server, with the upkeep of its lake.

    Args:
        root: The project's folder.
        after: Called after each flush, like `Writer.forgotten`.

    Raises:
        SpecError: The project's settings have mistakes.
    """
    project = workspace(root, (PROJECT,)).says.project
    turn = turn_of(lake_of(root), root / "state", Schedule(keeps=keeps(project)), proof(root, project))

    def look() -> list[str]:
        return [*unheard(root), *emptied(root, spool_of(root), project)]

    return Loop(lambda: committer_of(root), after, regularly(turn, look=look))


def unheard(root: Path) -> list[str]:
    """Say of each environment of a project's folder whose heartbeats do not fit what does not."""
    project = workspace(root, (PROJECT,)).says.project
    if project is None:
        return []
    spool, lake, now = spool_of(root), lake_of(root), Desk().now()
    places = [(project.project, one) for one in project.environments]
    found = [pulse(spool, lake.folder(*one, Table.HEARTBEATS), one, now) for one in places]
    return [f"heartbeats of {one.project}/{one.environment}: {one.wrong}" for one in found if one.wrong]
