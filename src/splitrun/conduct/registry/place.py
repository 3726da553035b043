"""Where a project keeps its registry, the keys that sign, and the head of the chain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from getpass import getuser
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from splitrun.conduct.workspace import PROJECT, root_of, shown, workspace
from splitrun.errors import Mistake, Place, SpecError, StoreError
from splitrun.store.chain.head import HeadFile
from splitrun.store.chain.ring import KeyFiles
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.migrating import EMPTY, migrate, stands
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.writing import Sealing

__all__ = ["DEFAULT", "URL", "Home", "actor_of", "home"]

DEFAULT = "sqlite:///state/registry.db"
"""Relative to the project's folder."""

URL = "SPLITRUN_REGISTRY"
"""Environment variable: a URL that goes before the one in splitrun.yaml: no password needs a file."""

ACTOR = "SPLITRUN_ACTOR"
"""Environment variable: who acts, where the command does not say so."""

FIRST = "first"
"""The key that is made where there is none."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything is."""

    root: Path
    url: str

    @property
    def keys(self) -> KeyFiles:
        """Private keys, and the public ones that are trusted."""
        return KeyFiles(self.root / "state" / "keys")

    @property
    def head(self) -> HeadFile:
        """The head of the chain, outside of the database."""
        return HeadFile(self.root / "state" / "head.json")

    @property
    def sealing(self) -> Sealing:
        """What the registry signs with."""
        return Sealing(self.keys, self.head)

    @property
    def trusted(self) -> dict[str, str]:
        """Public keys by name."""
        return self.keys.public

    @property
    def there(self) -> bool:
        """Whether there may be a registry: only a SQLite file is known not to be there without asking it."""
        file = file_of(self.url)
        return file is None or file.exists()

    @property
    def unwritten(self) -> bool:
        """Whether there is no file yet, or no table in the database.

        Raises:
            StoreError: The database refuses.
        """
        if not self.there:
            return True
        with self.database() as database, database.reading() as connection:
            return stands(connection) == EMPTY

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The database; closed at the end."""
        found = Database(self.url)
        try:
            yield found
        finally:
            found.close()

    @contextmanager
    def registry(self, make: datetime | None = None, first: str = FIRST) -> Iterator[SqlRegistry]:
        """The registry; closed at the end.

        Args:
            make: When it is written to: an empty database gets its tables and, where there is no key, a first
                one is made. None: it is only read.
            first: How that first key is called.

        Raises:
            StoreError: The database refuses, or its schema is another one.
        """
        with self.database() as database:
            if make is not None:
                migrate(database)
                if not self.keys.listed():
                    self.begin(SqlRegistry(database, self.sealing), make, first)
            elif database.file is not None and not database.file.exists():
                raise StoreError(
                    f"there is no registry {database.name} yet; it is made with the first change, or by "
                    "`splitrun migrate`"
                )
            yield SqlRegistry(database, self.sealing)

    def begin(self, registry: SqlRegistry, at: datetime, name: str) -> None:
        """Make the first key of a registry nobody wrote to yet.

        Raises:
            StoreError: Somebody did, so that its keys must be somewhere.
        """
        # in this order: whoever begins at the same moment makes the key before they write
        if registry.last() is not None and not self.keys.listed():
            raise self.keyless()
        self.keys.new(name, at)

    @property
    def written(self) -> bool:
        """Whether anybody wrote to the registry, as far as can be told: by its head, else by itself."""
        head = self.head.read()
        if head is not None:
            return head.number > 0
        try:
            with self.registry() as registry:
                return registry.last() is not None
        except StoreError:
            return False  # not made yet, or out of reach

    def keyless(self) -> StoreError:
        """Say that the keys that sign the registry are away."""
        return StoreError(
            f"the keys that sign this registry are not in {shown(self.root / 'state' / 'keys')}, so "
            "nothing is written; put the key files back"
        )


def home(place: Path) -> Home:
    """Find the home of the registry of the project that a folder belongs to.

    Raises:
        SpecError: There is no project, or its settings have mistakes.
    """
    root = root_of(place)
    if root is None:
        says = "there is no splitrun.yaml here or above"
        remedy = "go into a project's folder, or make one with `splitrun init`"
        raise SpecError([Mistake(says, remedy, place=Place(PROJECT, 1, 1))])
    # metrics too: the policy names some, which would else be unknown
    around = workspace(place, (PROJECT, "metrics/*.yaml"))
    if around.says.mistakes:
        raise SpecError(around.says.mistakes)
    project = around.says.project
    written = os.environ.get(URL) or (None if project is None else project.registry) or DEFAULT
    return Home(root, rooted(written, root))


def rooted(url: str, root: Path) -> str:
    """Take the file of a SQLite database from the project's folder; a bad URL is told when it is opened."""
    file = file_of(url)
    if file is None:
        return url
    return make_url(url).set(database=str(root / file)).render_as_string(hide_password=False)


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None for every other URL, also for one that cannot be read."""
    try:
        read = make_url(url)
    except (ArgumentError, ValueError):
        return None
    if read.get_backend_name() != "sqlite" or not read.database or read.database == ":memory:":
        return None
    return Path(read.database)


def actor_of(named: str | None) -> str:
    """Who acts: as named, else as the environment says, else the name at the login."""
    return named or os.environ.get(ACTOR) or getuser()
