"""What is served in each environment: what the registry published last, less the flags that were killed.

Where nothing was published yet the flags stand as the files say, and no experiment runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from time import monotonic

from msgspec.structs import replace

from splitrun.assign.ruleset import Ruleset, Signature
from splitrun.assign.transmission import enveloped, opened, sealed
from splitrun.conduct.registry.place import Home, file_of, home
from splitrun.conduct.rulesets import ruleset_of
from splitrun.conduct.serving.kills import kill_file, tell_kills
from splitrun.conduct.serving.settings import project_at
from splitrun.errors import SplitrunError, StoreError
from splitrun.store.chain.ring import KeyFiles
from splitrun.store.kills import KillFile, Kills

__all__ = ["Delivered", "Deliveries", "delivery"]

LONGEST = 5.0
"""Seconds after which a registry is read again whose file looks as it did."""
PAUSE = 0.4
"""Seconds between two questions to a database whose changes no file shows."""
TELL = 30.0
"""Seconds between two tries to tell the audit chain of a kill."""

Marks = tuple[tuple[int, int, int], ...]
"""Time, size and inode of files."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A ruleset as clients are given it."""

    ruleset: Ruleset
    digest: str
    """Of its body; a kill changes it, and not the version."""
    document: bytes


@dataclass(slots=True)
class Deliveries:
    """Gives rulesets that are newer than what it gave before."""

    where: Home
    project: str
    environments: tuple[str, ...]
    kills: KillFile
    trouble: str = ""
    """Why the registry could not be read last."""
    refused: str = ""
    """Why the kills could not be read last; those that were read before stand."""
    bases: dict[str, Delivered] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    """Digests of what was given, by environment."""
    seen: Marks | None = None
    read: float = 0.0
    off: Kills | None = None
    off_seen: Marks | None = None
    told: float = 0.0
    teller: Thread | None = None

    def look(self) -> bool:
        """Read the registry where it may have changed, and say whether it was read; it may take its time."""
        file = file_of(self.where.url)
        files = () if file is None else (file, file.with_name(f"{file.name}-wal"))
        marks = marked(*files)
        since = monotonic() - self.read
        if self.seen is not None and since < (PAUSE if file is None else LONGEST) and marks == self.seen:
            return False
        self.read, self.seen = monotonic(), marks
        try:
            found = self.published() if self.where.there else {}
        except SplitrunError as error:
            self.trouble = str(error)
        else:
            self.trouble = ""
            self.bases = self.written(found)
        return True

    def published(self) -> dict[str, Delivered]:
        """Read what was published last in each environment."""
        found: dict[str, Delivered] = {}
        with self.where.registry() as registry:
            for name in self.environments:
                kept = registry.ruleset(self.project, name)
                before = self.bases.get(name)
                if kept is None:
                    continue
                same = before is not None and before.document == kept.document
                found[name] = before if same and before else of(kept.document)
        return found

    def written(self, found: dict[str, Delivered]) -> dict[str, Delivered]:
        """Add the flags of the files for environments where nothing was published yet."""
        for name in self.environments:
            if name in found:
                continue
            try:
                made = ruleset_of(self.where.root, name, idle=True)
                before = self.bases.get(name)
                found[name] = before if before and before.ruleset == made else signed(made, self.where.keys)
            except SplitrunError as error:
                self.trouble = f"no ruleset was published in {name}, and the files have mistakes: {error}"
        return found

    def newer(self) -> Mapping[str, Delivered]:
        """Give what is to be served now and was not given yet, by environment; it never waits for a database.

        Raises:
            StoreError: No key may sign what was changed by a kill.
        """
        off = self.killed()
        found: dict[str, Delivered] = {}
        for name, base in self.bases.items():
            flags = off.off(name) & base.ruleset.flags.keys()
            one = without(base, flags, self.where.keys) if flags else base
            if self.given.get(name) != one.digest:
                found[name] = one
                self.given[name] = one.digest
        return found

    def killed(self) -> Kills:
        """Read the kills where their file changed; where it cannot be read, what it said before stands."""
        marks = marked(self.kills.path)
        if self.off is None or marks != self.off_seen:
            try:
                self.off = self.kills.read()
                self.off_seen, self.refused = marks, ""
            except StoreError as error:
                self.refused = str(error)
        off = self.off or Kills(self.project)
        busy = self.teller is not None and self.teller.is_alive()
        if off.untold and not busy and monotonic() - self.told > TELL:
            self.told = monotonic()
            self.teller = Thread(target=self.tell, name="splitrun-kills", daemon=True)
            self.teller.start()
        return off

    def tell(self) -> None:
        """Tell the audit chain of kills; a registry that cannot be written is asked again later."""
        tell_kills(self.where, self.kills, datetime.now(UTC))


def marked(*files: Path) -> Marks:
    """Look at files without reading them."""
    found = []
    for file in files:
        try:
            state = file.stat()
        except OSError:
            found.append((0, 0, 0))
        else:
            found.append((state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(found)


def of(document: bytes) -> Delivered:
    """Open what was published.

    Raises:
        RulesetError: It is no ruleset.
    """
    return Delivered(opened(document), enveloped(document).digest, document)


def signed(made: Ruleset, keys: KeyFiles, among: frozenset[str] = frozenset()) -> Delivered:
    """Sign a ruleset, with one of the keys named where one of them is here; unsigned where there is no key.

    Raises:
        StoreError: A key cannot be read.
    """
    bare = enveloped(sealed(made))
    usable = [one.name for one in keys.listed() if one.retired is None]
    if not usable:
        return Delivered(made, bare.digest, sealed(made))
    signer = keys.signer(among & set(usable) or None)
    signature = Signature(key=signer.name, value=signer.signature(bytes(bare.body)))
    return Delivered(made, bare.digest, sealed(made, (signature,)))


def without(base: Delivered, flags: frozenset[str], keys: KeyFiles) -> Delivered:
    """Switch flags of a ruleset off, and sign it with the key that signed it before.

    Raises:
        StoreError: A key cannot be read.
    """
    changed = {key: replace(base.ruleset.flags[key], on=False) for key in flags}
    made = replace(base.ruleset, flags={**base.ruleset.flags, **changed})
    return signed(made, keys, frozenset(one.key for one in enveloped(base.document).signatures))


def delivery(root: Path) -> Deliveries:
    """Make what gives the rulesets of a project's folder.

    Raises:
        SpecError: There is no project, or its settings have mistakes.
    """
    settings, where = project_at(root), home(root)
    return Deliveries(where, settings.project, settings.environments, kill_file(where, settings.project))
