"""What a backup is: its mark, its file and that file's digest."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Literal

from msgspec import MsgspecError, Struct
from msgspec.json import decode, encode
from msgspec.json import format as indented

from splitrun.errors import StoreError
from splitrun.store.chain.head import Head, parsed, whole

__all__ = [
    "HEAD",
    "MANIFEST",
    "PUBLIC",
    "ROWS",
    "SQLITE",
    "Backup",
    "Manifest",
    "fingerprint_of",
    "read",
    "write",
]

MANIFEST = "manifest.json"
HEAD = "head.json"
PUBLIC = "public.json"
SQLITE = "registry.db"
ROWS = "registry.jsonl"


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The file `manifest.json` of a backup."""

    form: Literal["splitrun.backup/1"]
    at: str
    schema: str
    """The schema of the tables."""
    mark: int
    """The last entry in it; everything up to it is there."""
    hash: str
    """Of that entry; empty where there is none."""
    file: Literal["registry.db", "registry.jsonl"]
    digest: str
    """`sha256:` of that file."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup on disk, sound as a file."""

    folder: Path
    manifest: Manifest
    head: Head | None
    """As it stood outside of the database when the copy began."""


def fingerprint_of(path: Path) -> str:
    """The digest of a file, read piece by piece.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return f"sha256:{file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); name the folder of a backup") from error


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, last of all: a folder without one is no backup.

    Raises:
        StoreError: It cannot be written.
    """
    try:
        whole(folder / MANIFEST, indented(encode(manifest)).decode() + "\n")
    except OSError as error:
        raise StoreError(f"{folder} cannot be written ({error.strerror}); look at disk and rights") from error


def read(folder: Path) -> Backup:
    """Read a backup and hold its file against its digest.

    Raises:
        StoreError: It is none, or its file is not the one that was written.
    """
    try:
        manifest = decode((folder / MANIFEST).read_bytes(), type=Manifest)
        head = folder / HEAD
        seen = parsed(head.read_text(encoding="utf-8"), str(head)) if head.exists() else None
    except (OSError, UnicodeError, MsgspecError, RecursionError) as error:
        raise StoreError(f"{folder} is no whole backup ({error}); name another one") from error
    found = fingerprint_of(folder / manifest.file)
    if found != manifest.digest:
        raise StoreError(
            f"{folder / manifest.file} has the digest {found[:19]}…, and {manifest.digest[:19]}… was "
            "written; take another backup"
        )
    return Backup(folder, manifest, seen)
