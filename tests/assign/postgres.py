"""A real PostgreSQL server in a temporary folder, for as long as a test wants it, spoken to through psql."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["BINARIES", "Server", "server"]


def binaries() -> Path | None:
    """Where the newest server's programs are: Debian keeps them apart from the client's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


BINARIES = binaries()


class Server:
    """Runs statements; one connection each."""

    def __init__(self, folder: Path, owner: str | None) -> None:
        self.folder, self.owner = folder, owner

    def run(self, program: str, *arguments: str, said: str | None = None) -> str:
        """Run one of the server's programs as its owner, who may not be root."""
        assert BINARIES is not None
        ran = subprocess.run(
            [str(BINARIES / program), *arguments],
            input=said,
            capture_output=True,
            text=True,
            check=True,
            user=self.owner,
            cwd=self.folder,
            timeout=60,
        )
        return ran.stdout

    def psql(self, *statements: str, said: str | None = None) -> list[str]:
        """Run statements; the lines of the answer, columns separated by `|`."""
        commands = [part for statement in statements for part in ("--command", statement)]
        where = ("--host", str(self.folder), "--dbname", "postgres", "--set", "ON_ERROR_STOP=1")
        return self.run("psql", "--no-psqlrc", "-qAt", *where, *commands, said=said).splitlines()

    def fill(self, table: str, rows: Iterable[tuple[str, ...]]) -> None:
        """Copy rows of texts into a table."""
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
        self.psql(f"COPY {table} FROM STDIN WITH (FORMAT csv)", said=text.getvalue())


@contextmanager
def server() -> Iterator[Server]:
    """Start a server on a socket in a folder of its own; no port is opened."""
    owner = "postgres" if os.geteuid() == 0 else None
    # not pytest's folder: a socket's path may have 107 bytes, and the owner must be able to reach it
    with tempfile.TemporaryDirectory(prefix="splitrun-") as name:
        folder = Path(name)
        if owner is not None:
            shutil.chown(folder, owner)
        made = Server(folder, owner)
        made.run("initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D", "data")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        made.run("pg_ctl", "-D", "data", "-l", "log", "-o", options, "-w", "start")
        try:
            yield made
        finally:
            made.run("pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop")
