"""Digests of a table's log, noted at each commit, and the search for whatever was changed on disk since.

Files of rows carry their digest in their name; `_commits.sha256` holds that of each entry of the log.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from splitrun.errors import StoreError
from splitrun.store.lake.parquet import digest_of
from splitrun.store.lake.place import Folder

__all__ = ["LOG", "NOTES", "faults", "noted", "unnoted"]

LOG = "_delta_log"

NOTES = "_commits.sha256"


def noted(root: Path, *names: str) -> None:
    """Note the digests of files of the log.

    Args:
        root: Folder of the table.
        names: Of the files.
    """
    digests = [(sha256((root / LOG / name).read_bytes()).hexdigest(), name) for name in names]
    with (root / NOTES).open("a") as out:
        out.write("".join(f"{digest}  {name}  {check(digest, name)}\n" for digest, name in digests))
        out.flush()
        os.fsync(out.fileno())


def unnoted(root: Path) -> list[str]:
    """Name the files of the log that have no digest: whoever wrote them was stopped before the note."""
    return sorted(present(root) - set(notes(root)))


def check(digest: str, name: str) -> str:
    """Vouch for a line of notes."""
    return sha256(f"{digest}  {name}".encode()).hexdigest()[:16]


def present(root: Path) -> set[str]:
    """Name the entries and checkpoints of the log."""
    return {file.name for file in (root / LOG).glob("*") if file.suffix in {".json", ".parquet"}}


def notes(root: Path) -> dict[str, str]:
    """Read the digests by name; a line that is not whole counts under its own text, without a digest."""
    try:
        lines = (root / NOTES).read_bytes().decode(errors="replace").split("\n")
    except FileNotFoundError:
        return {}
    found: dict[str, str] = {"": ""} if lines[-1] else {}
    for line in lines[:-1]:
        digest, _, rest = line.partition("  ")
        name, _, vouched = rest.partition("  ")
        found[name] = digest if check(digest, name) == vouched else ""
    return found


def faults(folder: Folder) -> tuple[str, ...]:
    """Tell what of a table is not as it was written: log, checkpoints, files of rows.

    Args:
        folder: Of a table on this machine.

    Raises:
        StoreError: Its files cannot be looked at.
    """
    if folder.local is None:
        return ()  # buckets keep checksums of their own
    try:
        return (*log_faults(folder.local), *row_faults(folder.local))
    except OSError as error:
        says = f"the files of {folder.local} cannot be looked at ({error}); look at disk and rights"
        raise StoreError(says) from error


def log_faults(root: Path) -> Iterator[str]:
    """Hold the log against the digests that were noted."""
    known = notes(root)
    if "" in known.values():
        yield f"{root / NOTES} is not what was written; restore it from a backup"
    for name in sorted(present(root) & set(known)):
        if known[name] not in {"", sha256((root / LOG / name).read_bytes()).hexdigest()}:
            yield f"{root / LOG / name} is not what was written; restore it from a backup"


def row_faults(root: Path) -> Iterator[str]:
    """Hold the files of rows against their names."""
    try:
        paths = DeltaTable(str(root)).file_uris()
    except (DeltaError, OSError) as error:
        yield f"the log of {root} cannot be read ({error}); restore it from a backup"
        return
    for path in paths:
        try:
            digest = sha256(Path(path).read_bytes()).hexdigest()
        except FileNotFoundError:
            yield f"{path} is missing; restore it from a backup"
            continue
        if digest != digest_of(path):
            yield f"{path} is not what was written; restore it from a backup"
