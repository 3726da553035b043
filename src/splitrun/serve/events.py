"""`POST /v1/events`: takes batches of exposures and events, and answers 202 once they are durable.

A body is held in memory only, is never logged, and is bounded before it is read: by its length, by what all
bodies together may take, and by the time that it may take to come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from secrets import randbelow

from msgspec.json import encode
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from splitrun.collect.codes import Refused
from splitrun.collect.intake import taken
from splitrun.collect.limits import BATCH_BYTES
from splitrun.collect.packing import too_large
from splitrun.collect.privacy.consent import Asked
from splitrun.collect.privacy.objected import Unwanted
from splitrun.collect.reasons import declined as counted_as
from splitrun.collect.reasons import turned_away
from splitrun.errors import BusyError, SplitrunError
from splitrun.sdk.event import Accepted
from splitrun.serve.endpoint import Caller, Endpoint, refusal
from splitrun.serve.front import Constant, arrived
from splitrun.serve.operations import EVENTS
from splitrun.serve.server import Server
from splitrun.store.access.keys import Scope
from splitrun.store.spool.counts import Note
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Origin, Parcel
from splitrun.store.spool.writer import CAP, Writer

__all__ = [
    "CROWDED", "ENCODING", "ENDPOINTS", "NAME", "PACKINGS", "Intake", "closing", "expected", "later", "note",
    "objects", "origin", "read", "take",
]  # fmt: skip

NAME = "intake"
LATE = "the body did not come in time"
"""Why reading is given up, as its task is told."""
BUFFERED = 24_000_000
"""Bytes of bodies that are read or wait for the disk at once: half a second of work; more come again."""
PATIENCE = 30.0
"""Seconds that a body may take to come."""
STATUS = {"spool": 429, "queue": 429, "disk": 507, "lock": 503, "stopping": 503}
CROWDED = "more comes in than can be held; send it again"
ENCODING = b"content-encoding"
PACKINGS = {b"", b"identity", b"gzip"}

FREE = Asked()
"""Of what the server sends itself."""

Headers = Mapping[bytes, bytes]
"""As the server hands them over, names in lower case."""

Told = Sequence[tuple[asyncio.Future[None], SplitrunError | None]]


class Intake:
    """The part of the server that keeps batches.

    Args:
        file: The spool.
        cap: Bytes that it may hold.
        unwanted: Gives what tells units that nothing may be kept of, because they objected; their events are
            answered as accepted and go no further. None where there are none.
        buffered: Bytes of bodies that may be in memory at once.
        patience: Seconds that a body may take to come.
        required: Projects whose events are kept only of units that are known to have granted.
    """

    def __init__(
        self,
        file: SpoolFile,
        cap: int = CAP,
        unwanted: Callable[[], Unwanted | None] = lambda: None,
        buffered: int = BUFFERED,
        patience: float = PATIENCE,
        required: frozenset[str] = frozenset(),
    ) -> None:
        self.required = required
        self.file, self.cap, self.unwanted = file, cap, unwanted
        self.most, self.patience = buffered, patience
        self.buffered = 0
        self.trouble = "the intake has not begun"
        self.writer: Writer[asyncio.Future[None]] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Open the spool as its one writer.

        Raises:
            StoreError: Another process writes to it, or it cannot be used.
            BusyError: It is locked, or its disk is full.
        """
        self.loop = asyncio.get_running_loop()
        self.writer = await asyncio.to_thread(Writer, self.file, self.tell, self.cap)
        self.trouble = ""

    async def stop(self) -> None:
        """Write what waits, and let go of the spool."""
        if self.writer is not None:
            self.trouble = "the intake is stopping"
            await asyncio.to_thread(self.writer.close)
            self.writer = None

    def ready(self) -> str:
        """Empty where batches are taken; else why not."""
        return self.trouble

    def tell(self, told: Told) -> None:
        """Wake everybody whose batch was in a commit; called once for each by the writing thread."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.settle, told)

    def settle(self, told: Told) -> None:
        """Tell each what became of its batch."""
        for future, refused in told:
            self.trouble = "" if refused is None else str(refused)
            if not future.done():
                if refused is None:
                    future.set_result(None)
                else:
                    future.set_exception(refused)

    def forgotten(self) -> None:
        """Count again after the committer has let go of parcels; may be called in any thread."""
        writer = self.writer
        if writer is not None:
            writer.forgotten()

    def keep(self, parcel: Parcel) -> asyncio.Future[None]:
        """Write a parcel; it survives a power cut when what this gives is done, which may raise `StoreError`.

        Raises:
            BusyError: It cannot be taken now.
        """
        if self.writer is None:
            raise BusyError("the server takes no events now; send it again", kind="stopping", after=2)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.writer.offer(parcel, future)
        return future


async def post(server: Server, request: Request, caller: Caller | None) -> Response:
    """Take a batch."""
    match server.parts.get(NAME):
        case Intake() as intake:
            said: dict[bytes, bytes] = dict(request.scope["headers"])
            room = expected(said)
            if wrong := unwelcome(said, room):
                return wrong
            if intake.buffered + room > intake.most:
                return closing(later(BusyError(CROWDED, kind="queue", after=1)))
            packed = ENCODING in said and said[ENCODING].strip().lower() == b"gzip"
            intake.buffered += room
            try:
                come = origin(server, caller)
                asked = Asked(come.project in intake.required, objects(said))
                body = arrived(request.scope) or await read(request.receive, intake.patience)
                if body is None:
                    return closing(refusal(408, "timeout", "the body did not come in time; send it again"))
                if len(body) > BATCH_BYTES:
                    return closing(declined(too_large(BATCH_BYTES)))
                return await take(intake, body, come, packed=packed, asked=asked)
            except SplitrunError as refused:
                return later(refused)
            finally:
                intake.buffered -= room
        case _:
            says = "this server takes no events; send them to one that does"
            return refusal(503, "unavailable", says, after=5)


def objects(said: Headers) -> bool:
    """Whether a request carries `Sec-GPC: 1`; a proxy may repeat it, and frameworks join what is repeated."""
    word = said.get(b"sec-gpc")
    return word is not None and b"1" in {part.strip() for part in word.replace(b";", b",").split(b",")}


def expected(said: Headers) -> int:
    """Bytes that a body may have: what it declares, or all that it may where it does not say."""
    declared = said.get(b"content-length", b"")
    return int(declared[:18]) if declared.isdigit() else BATCH_BYTES


def unwelcome(said: Headers, room: int) -> Response | None:
    """Refuse a request before its body is read."""
    if room <= BATCH_BYTES and ENCODING not in said and said.get(b"content-type") == b"application/json":
        return None  # as clients of ours write it
    kind = said.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        says = f"the Content-Type is {kind[:60].decode('latin-1')!r}; send application/json"
        return closing(refusal(415, "content_type", says))
    packing = said.get(ENCODING, b"identity").strip().lower()
    if packing not in PACKINGS:
        says = f"the Content-Encoding is {packing[:60].decode('latin-1')!r}; send gzip, or none"
        return closing(refusal(415, "content_encoding", says))
    return closing(declined(too_large(BATCH_BYTES))) if room > BATCH_BYTES else None


async def read(receive: Receive, patience: float) -> bytes | None:
    """Read a body, and stop as soon as it is too large; None where it does not come in time or whole."""
    task = asyncio.current_task()
    if task is None:  # pragma: no cover  # whoever awaits is one
        return None
    # as `asyncio.timeout` does, for half of what it costs
    watch = asyncio.get_running_loop().call_later(patience, task.cancel, LATE)
    pieces: list[bytes] = []
    size = 0
    try:
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None  # the client is gone; nobody reads the answer
            piece = message.get("body", b"")
            pieces.append(piece)
            size += len(piece)
            if size > BATCH_BYTES or not message.get("more_body", False):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    except asyncio.CancelledError as why:
        if why.args != (LATE,):
            raise
        task.uncancel()
        return None
    finally:
        watch.cancel()


def origin(server: Server, caller: Caller | None) -> Origin:
    """Tell where a batch comes from, by its key."""
    at = round(server.desk.now().timestamp() * 1_000_000) * 1000
    if caller is None:  # only where the server was told to take events without a key
        return Origin("default", "production", "", at)
    return Origin(caller.project, caller.environment, caller.name, at)


async def take(
    intake: Intake, body: bytes, come: Origin, *, packed: bool, form: str = "native", asked: Asked = FREE
) -> Response:
    """Hold a body to its limits, keep it and answer; what is not taken is counted with the same commit.

    Raises:
        BusyError: It cannot be taken now.
        StoreError: The spool cannot be used.
    """
    match taken(body, packed=packed, unwanted=intake.unwanted(), consent=asked):
        case Refused() as why:
            with suppress(SplitrunError):  # that it is refused does not hang on its being counted
                await intake.keep(Parcel(come, 0, b"", notes=(note(come, "", *counted_as(why)),)))
            return declined(why)
        case found:
            kept = found.events + len(found.rejected) - len(found.out)
            notes = tuple(note(come, found.sdk, *one) for one in turned_away(found)) if found.out else ()
            if kept:
                clean = Parcel(come, kept, body, packed, found.out, form, notes=notes)
                if found.body is not None:
                    clean = replace(clean, body=found.body, packed=False, rejected=())
                await intake.keep(clean)
            elif notes:
                await intake.keep(Parcel(come, 0, b"", notes=notes))
            return Constant(202, encode(Accepted(found.events, list(found.rejected))))


def note(come: Origin, sdk: str, reason: str, events: int, example: str) -> Note:
    """Write down what is counted."""
    return Note(come.project, come.environment, sdk, reason, events, come.at, example)


def declined(why: Refused) -> Response:
    """Answer a batch of which nothing is taken."""
    return refusal(why.status, why.code, why.says)


def later(refused: SplitrunError) -> Response:
    """Answer that nothing was kept, and when to come again; not everybody at once."""
    match refused:
        case BusyError(kind=kind, after=after):
            return refusal(STATUS[kind], kind, str(refused), after=after + randbelow(after + 1))
        case _:
            return refusal(503, "unavailable", str(refused), after=10 + randbelow(11))


def closing(response: Response) -> Response:
    """Close the connection after an answer, because what the client still sends is not read."""
    response.headers["Connection"] = "close"
    return response


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/events",
        Scope.INGEST,
        post,
        "Take a batch of exposures and events",
        EVENTS,
        mode="ingest",
        hot=True,
    ),
)
