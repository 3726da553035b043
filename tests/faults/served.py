"""A server process to be harmed: `python -m tests.faults.served FOLDER PORT MODES CAP`."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path

import uvicorn

from splitrun.conduct.collecting.assembled import committer_of, spool_of
from splitrun.conduct.collecting.loop import Loop
from splitrun.serve.app import application
from splitrun.serve.events import Intake
from splitrun.serve.server import Part, Server
from splitrun.store.access.keys import AccessKeys

__all__ = ["ACCESS", "main"]

ACCESS = "state/access.json"


def main(root: Path, port: int, modes: frozenset[str], cap: int) -> None:
    """Serve until told to end."""
    parts: dict[str, Part] = {}
    if "ingest" in modes:
        parts["intake"] = Intake(spool_of(root), cap=cap)
    if "worker" in modes:
        parts["committer"] = Loop(lambda: committer_of(root))
    app = application(Server(root, AccessKeys(root / ACCESS), modes | {"web"}, parts=parts))
    config = uvicorn.Config(app, log_level="warning", access_log=False, http="httptools", loop="uvloop")
    # uvicorn raises the signal again once it has drained; the process then ends as usual
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    listening = socket.create_server(("127.0.0.1", port), backlog=256)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), frozenset(sys.argv[3].split(",")), int(sys.argv[4]))
