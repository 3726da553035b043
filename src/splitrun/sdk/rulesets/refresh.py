"""Keeps the ruleset fresh: asks the server or looks at the file; runs in the ruleset's thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from splitrun.sdk.rulesets.held import Origin
from splitrun.sdk.rulesets.keeper import DOCUMENT_BYTES, Keeper
from splitrun.sdk.rulesets.stream import Stream
from splitrun.sdk.settings import Patience, Settings

__all__ = ["FileSource", "Reads", "Reply", "ServerSource"]

FILE_EVERY = 1.0
"""Seconds between two looks at a file."""


class Reply(Protocol):
    """What a server said."""

    status: int
    body: bytes
    etag: str | None
    retry_after: float | None
    says: str


class Reads(Protocol):
    """The part of the HTTP channel that is needed here."""

    def read(self, path: str, etag: str | None, most: int) -> Reply:
        """Ask for a document; status 0 where nobody answered."""
        ...

    def stream(self, path: str, last: str | None, heartbeat: float) -> Stream:
        """Open a stream of server-sent events."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class FileSource:
    """Reads a file again whenever its time, size or inode changes."""

    def __init__(self, settings: Settings, keeper: Keeper, path: Path) -> None:
        self.settings, self.keeper, self.path = settings, keeper, path
        self.seen: tuple[int, int, int] | None = None

    def step(self) -> float:
        """Look at the file; answers in how many seconds to look again."""
        try:
            state = self.path.stat()
            seen = (state.st_mtime_ns, state.st_size, state.st_ino)
            if seen != self.seen:
                self.read(seen)
            elif not self.keeper.trouble:
                self.keeper.confirmed()
        except OSError as error:
            self.seen = None
            self.keeper.trouble = f"the ruleset {self.path} cannot be read ({error}); the one in use stays"
        self.keeper.settled.set()
        self.keeper.tell()
        return FILE_EVERY

    def read(self, seen: tuple[int, int, int]) -> None:
        """Read the file; a file that is refused is read again when it changes."""
        with self.path.open("rb") as file:
            self.keeper.take(file.read(DOCUMENT_BYTES + 1), Origin.SOURCE)
        self.seen = seen

    def stop(self) -> None:
        """A look at a file does not wait."""

    def finish(self) -> None:
        """There is nothing to let go of."""


class ServerSource:
    """Asks with an ETag, then listens for changes where the server pushes them, else asks again later.

    Args:
        settings: Intervals and limits.
        keeper: Holds what is read.
        connected: Makes the channel; called in the thread, because it loads the HTTP library.
    """

    def __init__(self, settings: Settings, keeper: Keeper, connected: Callable[[], Reads]) -> None:
        self.settings, self.keeper, self.connected = settings, keeper, connected
        self.patience = Patience(settings.clock.dice)
        self.channel: Reads | None = None
        self.etag: str | None = None
        self.push = settings.push
        self.stream: Stream | None = None
        self.last: str | None = None
        self.due = True
        """Whether the server is to be asked now, and not listened to."""
        self.stopped = False
        self.next_try = settings.clock.elapsed()

    def step(self) -> float:
        """Ask, or wait for a push; answers in how many seconds to look again."""
        late = self.next_try - self.settings.clock.elapsed()
        if late > 0:
            self.keeper.tell()
            return self.unless_stale(late)
        if self.channel is None:
            self.channel = self.connected()
        if self.due:
            pause = self.ask(self.channel)
        elif self.stream is None:
            pause = self.subscribe(self.channel)
        else:
            pause = self.listen(self.stream)
        self.keeper.settled.set()
        self.keeper.tell()
        self.next_try = self.settings.clock.elapsed() + pause
        return self.unless_stale(pause)

    def unless_stale(self, pause: float) -> float:
        """Shorten a pause that would let the moment pass at which listeners must hear of staleness."""
        if self.keeper.contact is None:
            return pause
        left = self.keeper.contact + self.settings.stale_after - self.settings.clock.elapsed()
        return min(pause, left + 0.001) if left >= 0 else pause

    def ask(self, channel: Reads) -> float:
        """Ask for the ruleset; where all is well the stream is next."""
        reply = channel.read("/v1/ruleset", self.etag, DOCUMENT_BYTES)
        if reply.status == 304 and self.etag is not None:
            self.keeper.confirmed()
        elif reply.status == 200:
            if not self.keeper.take(reply.body, Origin.SOURCE):
                return self.patience.failed(reply.retry_after)
            self.etag = reply.etag
        else:
            self.keeper.trouble = reply.says
            return self.patience.failed(reply.retry_after, long=reply.status in {401, 403})
        self.patience.worked()
        self.due = not self.push
        return 0.0 if self.push else self.settings.poll * (0.9 + self.settings.clock.dice() / 5)

    def subscribe(self, channel: Reads) -> float:
        """Open the stream, then ask once more: something may have changed in between."""
        if not self.stopped:
            self.stream = channel.stream("/v1/ruleset/stream", self.last, self.settings.heartbeat)
            return self.listen(self.stream)
        return self.settings.poll

    def listen(self, stream: Stream) -> float:
        """Wait for one thing that the stream says; when it ends the server is asked again."""
        said = stream.next()
        self.last = stream.last
        match said.kind:
            case "alive":
                self.keeper.confirmed()
                return 0.0
            case "opened" | "changed":
                self.due = True
                # clients that hear of it at the same moment do not ask at the same moment
                return self.settings.clock.dice() / 4
            case "refused":
                # the server does not push: ask now and then instead
                self.push = False
            case "ended":
                pass
        self.due = True
        stream.close()
        self.stream = None
        return self.settings.poll if not self.push else self.patience.failed(said.retry)

    def stop(self) -> None:
        """Wake the thread from a stream that it waits on."""
        self.stopped = True
        if self.stream is not None:
            self.stream.interrupt()

    def finish(self) -> None:
        """Let go of the stream and of the connections."""
        if self.stream is not None:
            self.stream.close()
        if self.channel is not None:
            self.channel.close()
