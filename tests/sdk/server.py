"""A small Splitrun server on 127.0.0.1 that can do what servers do, good and bad."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from ssl import SSLContext
from typing import ClassVar

from msgspec.json import decode

from splitrun.sdk.event import Alias, Batch, Event, Exposure

__all__ = ["Server", "serving"]

Told = tuple[int, dict[str, str], bytes]


class Server:
    """What it serves, what it does to requests, and what it has seen."""

    def __init__(self) -> None:
        self.document = b""
        self.tag = 0
        self.ruleset: Callable[[], Told] | None = None
        """Answers in place of the document."""
        self.intake: Callable[[], Told] | None = None
        """Answers in place of taking a batch."""
        self.push = False
        self.heartbeat = 0.05
        self.delay = 0.0
        self.events: list[Exposure | Event | Alias] = []
        self.batches: list[Batch] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""
        self.news = threading.Condition()
        self.ended = False
        self.open: set[socket] = set()

    def publish(self, document: bytes) -> None:
        """Serve another document, and tell who listens."""
        with self.news:
            self.document = document
            self.tag += 1
            self.news.notify_all()

    def asked(self, path: str) -> list[dict[str, str]]:
        """Headers of the requests for a path."""
        return [headers for _, seen, headers in self.seen if seen == path]


class Handler(BaseHTTPRequestHandler):
    server_side: ClassVar[Server]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""

    def note(self) -> Server:
        here = self.server_side
        here.seen.append((self.command, self.path, dict(self.headers.items())))
        time.sleep(here.delay)
        return here

    def tell(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        here = self.note()
        if self.path == "/v1/ruleset/stream" and here.push:
            self.stream(here)
        elif self.path != "/v1/ruleset":
            self.tell(404, {}, b"")
        elif here.ruleset is not None:
            self.tell(*here.ruleset())
        elif self.headers.get("If-None-Match") == f'"{here.tag}"':
            self.tell(304, {}, b"")
        else:
            self.tell(200, {"ETag": f'"{here.tag}"'}, here.document)

    def stream(self, here: Server) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        tag = here.tag
        while not here.ended:
            with here.news:
                here.news.wait(here.heartbeat)
            said = (
                f"id: {here.tag}\nevent: ruleset\ndata: {here.tag}\n\n" if here.tag != tag else ": alive\n\n"
            )
            tag = here.tag
            self.wfile.write(said.encode())

    def do_POST(self) -> None:
        here = self.note()
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        if here.intake is not None:
            self.tell(*here.intake())
            return
        batch = decode(body, type=Batch)
        here.batches.append(batch)
        here.events.extend(batch.events)
        self.tell(202, {}, b'{"accepted":%d,"rejected":[]}' % len(batch.events))


@contextmanager
def serving(context: SSLContext | None = None) -> Iterator[Server]:
    """Serve on a free port until the block ends; over TLS where there is a context for it."""
    here = Server()

    class Ours(Handler):
        server_side = here

    class Http(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def process_request(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
            assert isinstance(request, socket)
            here.open.add(request)
            super().process_request(request, client_address)

        def shutdown_request(self, request: socket | tuple[bytes, socket]) -> None:
            assert isinstance(request, socket)
            here.open.discard(request)
            super().shutdown_request(request)

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away is no news."""

    with Http(("127.0.0.1", 0), Ours) as http:
        here.url = f"http{'s' if context else ''}://127.0.0.1:{http.server_address[1]}"
        if context is not None:
            http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield here
        finally:
            here.ended = True
            http.shutdown()
            thread.join()
            for each in tuple(here.open):
                try:
                    each.shutdown(SHUT_RDWR)
                except OSError:
                    continue
