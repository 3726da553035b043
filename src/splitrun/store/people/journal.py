"""An erasure that was begun, so that one that was stopped anywhere is ended with the right counts.

No id and no pseudonym stands here: units by the tokens of the list.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import MsgspecError, Struct
from msgspec.json import decode, encode
from msgspec.json import format as indented

from splitrun.errors import StoreError
from splitrun.store.chain.head import whole

__all__ = ["Arms", "Begun", "Emptied", "Journal"]


class Emptied(Struct, frozen=True):
    """What is erased of a table."""

    environment: str
    table: str
    rows: int
    files: int
    """That held these rows."""


class Arms(Struct, frozen=True):
    """Units that are erased, by the variant that each met first."""

    environment: str
    experiment: str
    version: int
    units: dict[str, int]


class Begun(Struct, frozen=True):
    """An erasure, its counts made before the first row went."""

    case: str
    """Random; names it for ever."""
    at: str
    actor: str
    reason: str
    backups: int
    """Days after which copies that are older than the erasure have expired."""
    tokens: tuple[str, ...]
    linked: int
    """Ids that belong to these units alone by aliases, erased with them."""
    shared: int
    """Ids linked to others as well, which stay."""
    waiting: int
    """Events in the spool."""
    letters: int
    tables: tuple[Emptied, ...]
    arms: tuple[Arms, ...]


class Journal:
    """The file of the erasure that was begun.

    Args:
        file: It is there only meanwhile.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> Begun | None:
        """Read it; None where none was begun.

        Raises:
            StoreError: It cannot be read.
        """
        try:
            return decode(self.file.read_bytes(), type=Begun)
        except FileNotFoundError:
            return None
        except (OSError, MsgspecError, UnicodeError) as error:
            raise StoreError(
                f"the erasure that was begun, {self.file}, cannot be read ({error}); take the file away and "
                "erase again the units that were asked for"
            ) from error

    def keep(self, begun: Begun) -> None:
        """Write it, whole or not at all.

        Raises:
            StoreError: It cannot be written.
        """
        try:
            whole(self.file, [indented(encode(begun)).decode() + "\n"], 0o600)
        except OSError as error:
            raise StoreError(f"{self.file} cannot be written ({error}); look at disk and rights") from error

    def end(self) -> None:
        """Let go of it: the erasure is done and certified."""
        self.file.unlink(missing_ok=True)
