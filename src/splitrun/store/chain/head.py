"""The signed head of the chain, kept outside of the database: it tells a cut tail and an older copy."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

from msgspec import MsgspecError, Struct
from msgspec.json import decode

from splitrun.errors import StoreError
from splitrun.store.canonical import flat
from splitrun.store.lock import in_turn

__all__ = ["FORM", "Head", "HeadFile", "Pocket", "Witness", "parsed", "whole"]

FORM = "splitrun.head/1"


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain, as somebody outside saw it."""

    registry: str
    """The registry's own random name, which stands in its first entry."""
    number: int
    hash: str
    at: str
    key: str
    signature: str = ""
    """Ed25519 over `signed`, base64."""

    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        said = {name: value for name, value in asdict(self).items() if name != "signature"}
        return flat({"form": FORM, **said}).encode()


class Witness(Protocol):
    """Keeps the newest head."""

    def read(self) -> Head | None:
        """The head that was kept last; none where there is none.

        Raises:
            StoreError: What is kept is no head, or cannot be read.
        """
        ...

    def keep(self, head: Head) -> None:
        """Keep a head, unless a newer one of the same registry is kept already.

        Raises:
            StoreError: It cannot be written.
        """
        ...

    def replace(self, head: Head) -> None:
        """Keep a head whatever was kept before: a restored registry starts again from its backup.

        Raises:
            StoreError: It cannot be written.
        """
        ...


class Pocket:
    """Keeps the head in memory, for tests and tutorials."""

    def __init__(self) -> None:
        self._head: Head | None = None

    def read(self) -> Head | None:
        """The head that was kept last."""
        return self._head

    def keep(self, head: Head) -> None:
        """Keep a head, unless a newer one of the same registry is kept already."""
        self._head = newer(self._head, head)

    def replace(self, head: Head) -> None:
        """Keep a head whatever was kept before."""
        self._head = head


class HeadFile:
    """Keeps the head in a file, replaced whole: a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Head | None:
        """The head in the file; none where there is no file."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError) as error:
            raise StoreError(f"the head {self._path} cannot be read ({error}); look at the file") from error
        return parsed(text, str(self._path))

    def keep(self, head: Head) -> None:
        """Write a head, unless a newer one of the same registry is there; beside other processes too."""
        self._write(lambda: newer(self.read(), head))

    def replace(self, head: Head) -> None:
        """Write a head whatever is there."""
        self._write(lambda: head)

    def _write(self, wanted: Callable[[], Head]) -> None:
        try:
            with in_turn(self._path.with_suffix(".lock")):
                text = json.dumps({"form": FORM, **asdict(wanted())}, indent=2)
                whole(self._path, f"{text}\n")
        except OSError as error:
            raise StoreError(
                f"the head {self._path} cannot be written ({error.strerror}); what was committed stands, the "
                "next commit writes the head; look at disk and rights"
            ) from error


def newer(kept: Head | None, head: Head) -> Head:
    """The head that has seen more of one chain."""
    if kept is None or kept.registry != head.registry or kept.number < head.number:
        return head
    return kept


class Written(Struct, frozen=True, forbid_unknown_fields=True):
    """A head as it stands in a file."""

    form: Literal["splitrun.head/1"]
    registry: str
    number: int
    hash: str
    at: str
    key: str
    signature: str


def parsed(text: str, where: str) -> Head:
    """Read a head.

    Raises:
        StoreError: It is none.
    """
    try:
        said = decode(text, type=Written)
    except (MsgspecError, RecursionError) as error:
        raise StoreError(
            f"{where} is no head of an audit chain ({error}); put back the file or restore a backup"
        ) from error
    return Head(said.registry, said.number, said.hash, said.at, said.key, said.signature)


def whole(path: Path, text: Iterable[str], mode: int = 0o644) -> None:
    """Write a file so that after a power cut it is there whole, or as it was before.

    Raises:
        OSError: It cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        part.unlink(missing_ok=True)
