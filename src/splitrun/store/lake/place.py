"""Where a lake lies: a folder of this machine, or a bucket by URL."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.fs as pafs

from splitrun.store.lake.tables import Table

__all__ = ["Folder", "Lake", "folder_of", "told"]

OPTIONS = "AWS_"
"""What of the environment a bucket is opened with: keys, region, endpoint."""
REGION = "us-east-1"
"""What stands for a region where an endpoint is named, which has none."""
WAIT = 5
"""Seconds that a connection to a bucket may take to come about."""
LONGEST = 60
"""Seconds that a request to a bucket may take."""


def options() -> dict[str, str]:
    """Give the storage options of the environment, as deltalake takes them.

    A commit is a conditional put: of two committers that write the same version one is refused.
    """
    found = {name: value for name, value in os.environ.items() if name.startswith(OPTIONS)}
    known = {"AWS_CONDITIONAL_PUT": "etag", "max_retries": "4", "retry_timeout": f"{LONGEST}s"}
    known |= {"connect_timeout": f"{WAIT}s", "timeout": f"{LONGEST}s"}
    if endpoint := found.get("AWS_ENDPOINT_URL"):
        known["AWS_REGION"] = found.get("AWS_DEFAULT_REGION", REGION)
        known["AWS_ALLOW_HTTP"] = str(endpoint.startswith("http://")).lower()
    return {**known, **found}


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one table, here or in a bucket."""

    uri: str
    local: Path | None
    """None in a bucket."""

    def storage(self) -> Mapping[str, str] | None:
        """What deltalake needs to open it."""
        return None if self.local is not None else options()

    def files(self) -> tuple[pafs.FileSystem, str]:
        """Open it for Parquet files: the file system, and the folder's path in it."""
        if self.local is not None:
            return pafs.LocalFileSystem(), str(self.local)
        found = options()
        scheme, _, host = found.get("AWS_ENDPOINT_URL", "").rstrip("/").rpartition("://")
        bucket = pafs.S3FileSystem(
            access_key=found.get("AWS_ACCESS_KEY_ID"),
            secret_key=found.get("AWS_SECRET_ACCESS_KEY"),
            session_token=found.get("AWS_SESSION_TOKEN"),
            region=found.get("AWS_REGION") or found.get("AWS_DEFAULT_REGION"),
            endpoint_override=host or None,
            scheme="http" if scheme == "http" else "https",
            connect_timeout=WAIT,
            request_timeout=LONGEST,
        )
        return bucket, self.uri.partition("://")[2]


def told(error: Exception) -> str:
    """Give the words of deltalake or Arrow in a line, without the colours that they are written in."""
    return " ".join(re.sub(r"\x1b\[\d*m|↳", "", str(error)).split())[:600]


def folder_of(above: Path | str, table: Table) -> Folder:
    """Find the folder of a table.

    Args:
        above: That of a project's environment: a folder of this machine, or a URL.
        table: Which.
    """
    written = str(above)
    if "://" in written:
        return Folder(f"{written.rstrip('/')}/{table}", None)
    local = Path(written).absolute() / table
    return Folder(str(local), local)


@dataclass(frozen=True, slots=True)
class Lake:
    """All tables of an installation: `<root>/<project>/<environment>/<table>`.

    Args:
        root: A folder, or a URL like `s3://bucket/lake`.
    """

    root: str

    def folder(self, project: str, environment: str, table: Table) -> Folder:
        """Find the folder of a table; it need not be there."""
        return folder_of(f"{self.root.rstrip('/')}/{project}/{environment}", table)

    def tables(self) -> list[tuple[str, str, Table]]:
        """Name every table that is there: project, environment, table."""
        local = "://" not in self.root
        files, root = Folder(self.root, Path(self.root).absolute() if local else None).files()
        levels = [root.rstrip("/")]
        for _ in range(3):
            levels = [
                found.path
                for above in levels
                for found in files.get_file_info(pafs.FileSelector(above, allow_not_found=True))
                if found.type == pafs.FileType.Directory
            ]
        parts = [path.rsplit("/", 3)[1:] for path in levels]
        known = {str(table) for table in Table}
        return sorted((one, two, Table(name)) for one, two, name in parts if name in known)
