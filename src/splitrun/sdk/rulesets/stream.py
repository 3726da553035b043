"""Server-sent events, as far as a client needs them: something changed, still alive, or over.

What an event carries is not used as a ruleset: it only says that a newer one can be asked for.
See https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from msgspec import Struct

__all__ = ["LINE_BYTES", "Bytes", "Said", "Stream"]

LINE_BYTES = 65_536
"""A server that sends a longer line is not listened to."""


class Bytes(Protocol):
    """An open answer."""

    status: int

    def chunk(self) -> bytes:
        """Wait for bytes; empty at the end, after the heartbeat's silence, or when interrupted."""
        ...

    def interrupt(self) -> None:
        """Make a waiting `chunk` return, from another thread."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Said(Struct, frozen=True):
    """One thing that a stream said."""

    kind: Literal["opened", "alive", "changed", "ended", "refused"]
    retry: float | None = None
    """Seconds that the server asks to wait before coming back."""


class Stream:
    """Reads one connection, event by event.

    Args:
        source: The bytes.
        last: Id of the last event known, from an earlier connection.
    """

    def __init__(self, source: Bytes, last: str | None) -> None:
        self.source = source
        self.last = last
        self.retry: float | None = None
        self.said = self.events() if source.status == 200 else self.turned_away()

    def next(self) -> Said:
        """Wait for the next thing said."""
        return next(self.said, Said("ended", self.retry))

    def turned_away(self) -> Iterator[Said]:
        """A server that has no such address does not push; any other answer may be better later."""
        yield Said("refused" if self.source.status in {404, 405, 406, 501} else "ended")

    def events(self) -> Iterator[Said]:
        """Gather lines to events; the silence between them is bounded by the source."""
        yield Said("opened")
        kind, holds, last = "", False, self.last
        for line in self.lines():
            field, _, value = line.partition(b":")
            text = value.removeprefix(b" ").decode("utf-8", "replace")
            match field:
                case b"" if line:
                    yield Said("alive")
                case b"":
                    self.last = last  # an event that breaks off is to be sent again
                    if holds:
                        yield Said("changed" if kind in {"", "message", "ruleset"} else "alive")
                    kind, holds = "", False
                case b"event":
                    kind, holds = text, True
                case b"data":
                    holds = True
                case b"id" if "\0" not in text and text.isprintable():
                    last = text
                case b"retry" if text.isascii() and text.isdigit():
                    self.retry = min(int(text[:9]) / 1000, 3_600.0)
                case _:
                    pass

    def lines(self) -> Iterator[bytes]:
        """Cut the bytes at CR LF, LF or CR."""
        rest, ended = b"", b""
        while piece := self.source.chunk():
            if ended == b"\r" and piece[:1] == b"\n":
                piece = piece[1:]
            ended = piece[-1:]
            whole = (rest + piece).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            *lines, rest = whole.split(b"\n")
            yield from lines
            if len(rest) > LINE_BYTES:
                return

    def interrupt(self) -> None:
        """Wake whoever waits in `next`."""
        self.source.interrupt()

    def close(self) -> None:
        """Let go of the connection."""
        self.source.close()
