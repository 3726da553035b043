"""The last ruleset on disk, byte for byte as it was transmitted; digest and signature are checked again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

__all__ = ["Cache", "file_of"]


def file_of(folder: str | os.PathLike[str], url: str | None, key: str | None) -> Path:
    """Name the file of one server and key: production and staging must not answer for each other."""
    whose = hashlib.sha256(f"{url or ''}\n{key or ''}".encode()).hexdigest()[:16]
    return Path(folder) / f"splitrun-ruleset-{whose}.json"


class Cache:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, most: int) -> bytes | None:
        """Read the document; none where there is none or it is larger than `most` bytes."""
        try:
            with self.path.open("rb") as file:
                document = file.read(most + 1)
        except OSError:
            return None
        return document if len(document) <= most else None

    def write(self, document: bytes) -> str:
        """Replace the file at one stroke; answers what the disk objected to, empty where nothing."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self.path.parent, prefix=".splitrun-", delete=False) as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self.path)
        except OSError as error:
            return (
                f"the ruleset cannot be kept in {self.path} ({error}); a restart without the server has none"
            )
        return ""
