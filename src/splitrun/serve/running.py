"""A server put together for a project's folder, and run until it is told to end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from splitrun.conduct.collecting.assembled import loop_of, spool_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.serving.access import access_of
from splitrun.conduct.serving.published import published
from splitrun.errors import Mistake, SpecError, StoreError
from splitrun.serve.app import application
from splitrun.serve.events import Intake
from splitrun.serve.rulesets import Rulesets
from splitrun.serve.server import Part, Server
from splitrun.store.spool.writer import CAP

__all__ = ["MODES", "assembled", "serving"]

MODES = ("web", "ingest", "worker")
DRAIN = 10
"""Seconds that requests under way have to end when the server is told to."""
IDLE = 15
"""Seconds after which a connection that asks nothing is closed."""
CROWD = 4_000
"""Connections and requests at once; more are answered 503."""


def assembled(root: Path, only: tuple[str, ...] = (), desk: Desk | None = None, *, cap: int = CAP) -> Server:
    """Put a server together.

    Args:
        root: The project's folder.
        only: Which of `web`, `ingest` and `worker` this process does; none: all.
        desk: The clock.
        cap: Bytes of batches that may wait for the lake.

    Raises:
        SpecError: There is no project, its settings have mistakes, or there is no such mode.
        StoreError: A key cannot be read or made.
    """
    unknown = [one for one in only if one not in MODES]
    if unknown:
        raise SpecError(
            [Mistake(f"there is no mode {unknown[0][:40]!r}", f"write {', '.join(MODES)}", "--only")]
        )
    modes = frozenset(only or MODES)
    parts: dict[str, Part] = {}
    after: Callable[[], None] | None = None
    if "web" in modes:
        parts["rulesets"] = Rulesets(published(root))
    if "ingest" in modes:
        intake = Intake(spool_of(root), cap=cap)
        parts["intake"] = intake
        after = intake.forgotten
    if "worker" in modes:
        parts["committer"] = loop_of(root, after or (lambda: None))
    return Server(root, access_of(root), modes, desk or Desk(), parts)


def serving(server: Server, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; then requests are answered, the spool is written and flushed.

    Args:
        server: From `assembled`.
        host: The address to listen at.
        port: 0 takes any that is free.
        told: Called with the address once it listens.

    Raises:
        StoreError: Nobody may listen there.
    """
    try:
        listening = socket.create_server((host, port), backlog=2048)
    except (OSError, OverflowError) as error:
        says = f"{host}:{port} cannot be listened at ({error}); choose another with --host and --port"
        raise StoreError(says) from error
    config = uvicorn.Config(
        application(server),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=DRAIN,
        limit_concurrency=CROWD,
    )
    where = f"http://{host}:{listening.getsockname()[1]}"
    with listening:
        told(where)
        uvicorn.Server(config).run(sockets=[listening])
