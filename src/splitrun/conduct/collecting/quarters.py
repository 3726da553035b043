"""Tables and settings of each project and environment, opened when first needed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from splitrun.assign.ruleset import Ruleset
from splitrun.collect.outcomes import Judge, Rulesets
from splitrun.collect.privacy.sieve import Sieve
from splitrun.collect.properties import Declared, fitting
from splitrun.collect.rows import Setting
from splitrun.store.lake.delta import LakeTable, Passing
from splitrun.store.lake.place import Lake
from splitrun.store.lake.pseudonyms import Pseudonyms
from splitrun.store.lake.remembered import Seen
from splitrun.store.lake.tables import Table

__all__ = ["Quarters"]

log = logging.getLogger("splitrun.committer")


def nothing(_project: str, _environment: str) -> Rulesets:
    """Know no ruleset at all."""

    def none(_version: int) -> Ruleset | None:
        return None

    return none


@dataclass(slots=True)
class Quarters:
    """Where events of each project and environment go, and by which settings."""

    lake: Lake
    state: Path
    """Folder for seen-windows."""
    pseudonyms: Pseudonyms
    """Of the leading epoch."""
    rulesets: Callable[[str, str], Rulesets] = nothing
    """Gives, for a project and environment, where its rulesets come from."""
    declared: Mapping[str, Declared] = field(default_factory=dict)
    """Declared properties by project."""
    sieves: Mapping[str, Sieve] = field(default_factory=dict)
    """What of properties and attributes is kept, by project."""
    raw_ids: frozenset[str] = frozenset()
    """Projects whose lake holds ids themselves."""
    passing: Passing = lambda _name: None
    epochs: Callable[[], Sequence[Pseudonyms]] | None = None
    """Gives the pseudonyms of all epochs whose keys are at hand, the leading one first; None: one."""
    beside: tuple[Pseudonyms, ...] = ()
    """Of other epochs, each of which has a column of its own."""
    settings: dict[tuple[str, str], Setting] = field(default_factory=dict)
    tables: dict[tuple[str, str, Table], LakeTable] = field(default_factory=dict)

    windows: dict[tuple[str, str], Seen] = field(default_factory=dict)

    def setting(self, project: str, environment: str) -> Setting:
        """Give what the rows of a project and environment need."""
        found = self.settings.get((project, environment))
        if found is None:
            found = self.settings[project, environment] = Setting(
                self.pseudonyms.epoch,
                self.pseudonyms.key_of,
                Judge(self.rulesets(project, environment)),
                self.properties(project, environment),
                project in self.raw_ids,
                {one.epoch: one.key_of for one in self.beside},
                sieve=self.sieves.get(project, Sieve()),
            )
        return found

    def turn(self) -> None:
        """Take up epochs that began, and let go of those whose keys are gone.

        Raises:
            StoreError: A key cannot be read.
        """
        if self.epochs is None:
            return
        first, *others = self.epochs()
        if (first, *others) != (self.pseudonyms, *self.beside):
            self.pseudonyms, self.beside = first, tuple(others)
            self.settings.clear()

    def properties(self, project: str, environment: str) -> Declared:
        """Give the declared properties that have a column; told once of each that has none."""
        wanted = self.declared.get(project, {})
        if not wanted:
            return {}
        found, says = fitting(wanted, self.table(project, environment, Table.EVENTS).types())
        for one in says:
            log.warning("%s", one)
        return found

    def table(self, project: str, environment: str, table: Table) -> LakeTable:
        """Give a table.

        Raises:
            StoreError: It cannot be opened or made.
        """
        name = (project, environment, table)
        found = self.tables.get(name)
        if found is None:
            folder = self.lake.folder(project, environment, table)
            seen = self.windows.get((project, environment))
            if seen is None:
                file = self.state / f"{project}.{environment}.seen"
                seen = self.windows[project, environment] = Seen(file)
            found = self.tables[name] = LakeTable(folder, table, seen, self.passing)
        return found

    def keep(self) -> None:
        """Keep the seen-windows for the next start."""
        for seen in self.windows.values():
            seen.keep()

    def close(self) -> None:
        """Keep the seen-windows, and let go of the tables."""
        self.keep()
        self.tables.clear()
        self.windows.clear()
