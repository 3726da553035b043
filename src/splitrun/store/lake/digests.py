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

from splitrun.store.lake.parquet import digest_of
from splitrun.store.lake.place import Folder

__all__ = ["NOTES", "faults", "noted"]

NOTES = "_commits.sha256"


def noted(root: Path, *names: str) -> None:
    """Note the digests of files of the log.

    Args:
        root: Folder of the table.
        names: Of the files.
    """
    lines = [f"{sha256((root / '_delta_log' / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    with (root / NOTES).open("a") as out:
        out.write("".join(lines))
        out.flush()
        os.fsync(out.fileno())


def faults(folder: Folder) -> tuple[str, ...]:
    """Tell what of a table is not as it was written: log, checkpoints, files of rows.

    Args:
        folder: Of a table on this machine.
    """
    if folder.local is None:
        return ()  # buckets keep checksums of their own
    return (*log_faults(folder.local), *row_faults(folder.local))


def log_faults(root: Path) -> Iterator[str]:
    """Hold the log against the digests that were noted."""
    known: dict[str, str] = {}
    for line in (root / NOTES).read_text(errors="replace").splitlines() if (root / NOTES).exists() else ():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            yield f"{root / NOTES} has a line that is no digest; restore it from a backup"
        else:
            known[name] = digest
    present = {file.name for file in (root / "_delta_log").glob("*") if file.suffix in {".json", ".parquet"}}
    for name in sorted(present & set(known)):
        if sha256((root / "_delta_log" / name).read_bytes()).hexdigest() != known[name]:
            yield f"{root / '_delta_log' / name} is not what was written; restore it from a backup"
    # the newest may have been written by somebody who was stopped before the note; older ones may not
    unnoted = sorted(present - set(known))
    yield from (
        f"{root / '_delta_log' / name} has no digest; restore {NOTES} from a backup"
        for name in unnoted
        if name < max(known, default="")
    )


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
        except OSError:
            yield f"{path} is missing; restore it from a backup"
            continue
        if digest != digest_of(path):
            yield f"{path} is not what was written; restore it from a backup"
