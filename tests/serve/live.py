"""A server as `splitrun serve` runs it, in a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import urllib3

from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.serving.access import first_access_keys
from splitrun.govern.lifecycle.table import Verb
from splitrun.serve.running import Ending, assembled
from splitrun.serve.server import Server
from splitrun.store.spool.writer import CAP
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited, laid
from tests.sdk.shop import eventually

__all__ = ["Running", "Served", "answers", "begun", "here", "live"]

MORE = """
  limit:
    type: number
    variants: {low: 10, high: 20.5}
    default: low
    rules: [{serve: high, when: "country = 'DE'"}]
  theme: {type: object, variants: {plain: {dark: false}, fancy: {dark: true}}, default: plain}
"""


@dataclass
class Served:
    """A server, wherever it runs."""

    url: str
    key: str

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        sent = {"Authorization": f"Bearer {self.key}"} | headers
        return urllib3.request("GET", self.url + path, headers=sent, retries=False)

    def post(self, path: str, body: object, **headers: str) -> urllib3.BaseHTTPResponse:
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"} | headers
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return urllib3.request("POST", self.url + path, body=data, headers=sent, retries=False)


@dataclass
class Running(Served):
    """A server in a process of its own."""

    process: subprocess.Popen[str]


def answers(process: subprocess.Popen[str], count: int) -> list[dict[str, str]]:
    """Read so many JSON documents that a process prints."""
    found: list[dict[str, str]] = []
    text = ""
    assert process.stdout is not None
    while len(found) < count:
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        text += line
        if line.rstrip() == "}":
            found.append(json.loads(text))
            text = ""
    return found


def begun(folder: Path) -> Path:
    """Lay a shop with five flags, whose experiment runs."""
    laid(folder)
    edited(
        folder,
        "exposures: {csv: exposures.csv, unit: user_id, variant: variant, time: at, pre_exposure: [country]}",
        "reviewers: [bob]",
    )
    edited(folder, "audiences:", f"{MORE.strip(chr(10))}\naudiences:", "flags/shop.yaml")
    applied(folder)
    register(KEY, asked(folder))
    move(Verb.START, KEY, asked(folder))
    return folder


@contextmanager
def live(folder: Path, *more: str, key: str = "") -> Iterator[Running]:
    """Start a server over a folder, and end it; without a key it is the first start, which makes one."""
    words = [sys.executable, "-m", "splitrun", "serve", "--port", "0", "--json", "--folder", str(folder)]
    with subprocess.Popen(
        [*words, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            *made, listening = answers(process, 1 if key else 2)
            yield Running(listening["address"], key or made[0]["key"], process)
        finally:
            process.kill()


@contextmanager
def here(
    folder: Path,
    only: tuple[str, ...],
    origins: tuple[str, ...] = (),
    cap: int = CAP,
    made_so: Callable[[Server], None] = lambda _: None,
) -> Iterator[Served]:
    """Start a server over a folder in a thread of this process; `made_so` may change it before."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (made,) = first_access_keys(folder)
        server = assembled(folder, only, origins=origins, cap=cap)
        made_so(server)
        ending = Ending(server)
        thread = Thread(target=ending.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert eventually(lambda: ending.started)
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", made.secret)
        finally:
            ending.handle_exit(signal.SIGTERM, None)
            thread.join()
