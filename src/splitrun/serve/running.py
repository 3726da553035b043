"""A server put together for a project's folder, and run until it is told to end."""

from __future__ import annotations

import gc
import re
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType
from typing import TextIO

import uvicorn

from splitrun.conduct.collecting.assembled import loop_of, spool_of
from splitrun.conduct.collecting.rulesets import published
from splitrun.conduct.desk import Desk
from splitrun.conduct.serving.access import access_of
from splitrun.conduct.serving.published import delivery
from splitrun.conduct.serving.settings import project_at
from splitrun.conduct.workspace import PROJECT, workspace
from splitrun.errors import Mistake, SpecError, StoreError
from splitrun.serve.app import application
from splitrun.serve.events import Intake
from splitrun.serve.otlp.telemetry import Telemetry
from splitrun.serve.patience import Impatient
from splitrun.serve.rulesets import Rulesets, rulesets_of
from splitrun.serve.seen import Seen
from splitrun.serve.server import Part, Server
from splitrun.serve.watching.heartbeats import Heartbeats
from splitrun.store.people.place import heeded_at
from splitrun.store.spool.cipher import secret_file
from splitrun.store.spool.writer import CAP

__all__ = ["MODES", "Ending", "assembled", "serving"]

MODES = ("web", "ingest", "worker")
DRAIN = 10
"""Seconds that requests under way have to end when the server is told to."""
IDLE = 15
"""Seconds after which a connection that asks nothing is closed."""
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?")
CROWD = 10_000
"""Connections and requests at once; more are answered 503."""
YOUNG = 20_000
"""Objects more than there were from which garbage is looked for: a request leaves none, many run at once."""
FILES = 65_536
"""Files and connections that the process asks the system for."""


def assembled(
    root: Path,
    only: tuple[str, ...] = (),
    desk: Desk | None = None,
    *,
    origins: tuple[str, ...] = (),
    log: TextIO | None = None,
    cap: int = CAP,
) -> Server:
    """Put a server together.

    Args:
        root: The project's folder.
        only: Which of `web`, `ingest` and `worker` this process does; none: all.
        desk: The clock.
        origins: Origins of pages that may evaluate flags and send events.
        log: Where requests are written down; none: nowhere.
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
    people = heeded_at(root)
    after: Callable[[], None] | None = None
    intake: Intake | None = None
    rulesets = Rulesets(delivery(root)) if modes & {"web", "ingest"} else None
    if rulesets is not None and "web" in modes:
        parts["rulesets"] = rulesets
    if rulesets is not None and "ingest" in modes:
        intake = Intake(spool_of(root), cap=cap, unwanted=people.unwanted, required=required(root))
        parts["intake"] = intake
        parts["telemetry"] = telemetry_of(root, rulesets, alone="web" not in modes)
        after = intake.forgotten
    if "worker" in modes:
        parts["committer"] = loop_of(root, after or (lambda: None))
    if intake is not None:
        # after the committer, so that it ends before the last flush
        parts["heartbeats"] = Heartbeats(intake, places(root), (desk or Desk()).now)
    seen = Seen(log=log)
    return Server(
        root, access_of(root), modes, desk or Desk(), parts, permitted(origins), seen, people=people
    )


def required(root: Path) -> frozenset[str]:
    """Name the project of a folder where it keeps events only of units that are known to have granted."""
    project = workspace(root, (PROJECT, "metrics/*.yaml")).says.project
    asks = project is not None and project.privacy.consent == "required"
    return frozenset({project.project} if asks and project is not None else ())


def telemetry_of(root: Path, rulesets: Rulesets, *, alone: bool) -> Telemetry:
    """Give what records of OpenTelemetry are read with.

    Raises:
        SpecError: The project's settings have mistakes.
        StoreError: The key of their ids cannot be read or made.
    """
    project = project_at(root)
    key = secret_file(root / "state" / "keys" / "otlp.key")
    return Telemetry(
        project.project, project.otlp, rulesets, partial(published, root, project.project), key, alone
    )


def permitted(origins: tuple[str, ...]) -> frozenset[str]:
    """Hold origins to what a browser sends.

    Raises:
        SpecError: One is no origin.
    """
    for one in origins:
        if not ORIGIN.fullmatch(one):
            says = f"{one[:80]!r} is no origin of pages"
            raise SpecError(
                [Mistake(says, "write it like https://shop.example, without a path", "--allow-origin")]
            )
    return frozenset(origins)


def places(root: Path) -> list[tuple[str, str]]:
    """Project and environments of a folder; none where it has no settings."""
    project = workspace(root, (PROJECT,)).says.project
    return [] if project is None else [(project.project, one) for one in project.environments]


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
    where = f"http://{host}:{listening.getsockname()[1]}"
    roomy()
    ending = Ending(server)
    with listening, ending.capture_signals():  # who reads the address may end it at once
        told(where)
        ending.run(sockets=[listening])


def roomy() -> None:
    """Let the process have more connections than shells allow by default, as far as the system lets it."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(most, FILES)
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class Ending(uvicorn.Server):
    """Serves, and ends the streams before it waits for its connections to end.

    Args:
        server: What is served.
        crowd: Connections and requests at once from which more are refused.
    """

    def __init__(self, server: Server, crowd: int = CROWD) -> None:
        config = uvicorn.Config(
            application(server),
            http=Impatient,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=DRAIN,
            limit_concurrency=crowd,
        )
        super().__init__(config)
        self.streams = rulesets_of(server)
        self.thresholds = gc.get_threshold()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin; what is there by now lives as long as the process, and is no garbage to look for."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        gc.unfreeze()
        gc.set_threshold(*self.thresholds)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Begin to end at a signal, and hand it on to nobody: a server that ends as told has not failed."""
        if current_thread() is not main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        if self.streams is not None:
            self.streams.end()
        super().handle_exit(sig, frame)
