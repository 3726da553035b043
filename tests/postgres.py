"""A real PostgreSQL in a temporary folder, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

__all__ = ["Server", "absent", "server"]

NAMES = count(1)


def programs() -> Path | None:
    """The newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    known = shutil.which("initdb")
    return found[-1].parent if found else Path(known).parent if known else None


def owner() -> str | None:
    """Whom it runs as: it refuses to run as root."""
    if os.getuid():
        return pwd.getpwuid(os.getuid()).pw_name
    return "postgres" if any(one.pw_name == "postgres" for one in pwd.getpwall()) else None


def absent() -> str | None:
    """Why there is none; nothing where there is one."""
    if programs() is None:
        return "PostgreSQL is not installed here (no initdb): the tests on it are skipped"
    return None if owner() else "there is no OS user to run PostgreSQL as: the tests on it are skipped"


class Server:
    """A server that runs."""

    def __init__(self, port: int, stop: Callable[[], None], start: Callable[[], None]) -> None:
        self.port, self.stop, self.start = port, stop, start

    def restart(self, meanwhile: Callable[[], None]) -> None:
        """End it at once, and start it again after a while."""
        self.stop()
        try:
            meanwhile()
        finally:
            self.start()

    def database(self) -> str:
        """Make a new database; give its URL."""
        name = f"registry_{os.getpid()}_{next(NAMES)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://tester:kept-secret@127.0.0.1:{self.port}/{name}"


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, and stop it."""
    bin_, user = programs(), owner()
    assert bin_ is not None
    assert user is not None
    folder = Path(tempfile.mkdtemp(prefix="splitrun-postgres-"))
    if not os.getuid():
        shutil.chown(folder, user)
    secret = folder / "secret"
    secret.write_text("kept-secret")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*words: str) -> None:
        subprocess.run(
            [str(bin_ / words[0]), *words[1:]],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            user=None if os.getuid() else user,
        )

    data = str(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
    try:
        run(
            "initdb",
            "-D",
            data,
            "-U",
            "tester",
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "--no-sync",
            "-E",
            "UTF8",
        )

        def stop() -> None:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")

        def start() -> None:
            run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")

        start()
        try:
            yield Server(port, stop, start)
        finally:
            stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
