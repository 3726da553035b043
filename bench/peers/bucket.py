"""A bucket like Amazon's on this machine: moto's server; writes the port that it listens at.

One request at a time: moto looks whether an object is there and then writes it, so that two conditional puts
at once could both succeed. A bucket of the real kind decides that in one step.
"""

from __future__ import annotations

import sys

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    """Writes nothing of a request."""

    def log(self, *_: object) -> None:
        """Write nothing."""


def main() -> None:
    """Serve until ended."""
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), request_handler=Quiet
    )
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
