"""`POST /v1/logs` and `POST /v1/traces`: take what OpenTelemetry exports, and answer 200 once it is durable.

It goes through the intake as batches of an SDK do: the same limits, the same back-pressure, the same commit.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from splitrun.collect.codes import Code, Refused
from splitrun.collect.intake import Taken, taken
from splitrun.collect.limits import BATCH_BYTES
from splitrun.collect.otlp.batches import Drafts, drafted
from splitrun.collect.otlp.record import Unfit
from splitrun.collect.packing import too_large, unpacked
from splitrun.collect.privacy.consent import Asked
from splitrun.collect.reasons import REJECTED, told, turned_away
from splitrun.collect.reasons import declined as counted_as
from splitrun.errors import BusyError, SplitrunError
from splitrun.serve.endpoint import Caller, Endpoint
from splitrun.serve.events import (
    CROWDED,
    ENCODING,
    PACKINGS,
    Intake,
    closing,
    expected,
    later,
    note,
    objects,
    origin,
    read,
)
from splitrun.serve.events import NAME as INTAKE
from splitrun.serve.otlp.answers import JSON, PROTOBUF, kept, status, summed
from splitrun.serve.otlp.operation import LOGS, TRACES
from splitrun.serve.otlp.telemetry import NAME, Telemetry
from splitrun.serve.server import Server
from splitrun.store.access.keys import Scope
from splitrun.store.spool.counts import Note
from splitrun.store.spool.parcel import Origin, Parcel

__all__ = ["ENDPOINTS", "Export", "keep"]

TYPES = {JSON: True, PROTOBUF: False, "application/protobuf": False}
"""Content types, and whether they are JSON."""


def kind(request: Request) -> str:
    """Tell the content type of a request."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def refuse(request: Request, code: int, _: str, says: str) -> Response:
    """Refuse a request in the form that OTLP asks for; JSON where its encoding is none of OTLP's."""
    return status(code, says, json=TYPES.get(kind(request), True))


async def post(server: Server, request: Request, caller: Caller | None, *, signal: str) -> Response:
    """Take an export."""
    match server.parts.get(INTAKE), server.parts.get(NAME):
        case Intake() as intake, Telemetry() as telemetry:
            come, said = origin(server, caller), dict(request.scope["headers"])
            consent = Asked(come.project in intake.required, objects(said))
            return await asked(Export(intake, telemetry, come, signal, consent), request)
        case _:
            says = "this server takes no telemetry; send it to one that does"
            return status(503, says, json=TYPES.get(kind(request), True), after=5)


@dataclass(frozen=True, slots=True)
class Export:
    """An export on its way."""

    intake: Intake
    telemetry: Telemetry
    come: Origin
    signal: str
    consent: Asked
    """What consent its records are held to."""


async def asked(export: Export, request: Request) -> Response:
    """Look at a request's headers, and take its body where they are in order."""
    said: dict[bytes, bytes] = dict(request.scope["headers"])
    json = TYPES.get(kind(request))
    if json is None:
        shown = kind(request)[:60]
        return closing(status(415, f"the Content-Type is {shown!r}; send {PROTOBUF} or {JSON}", json=True))
    packing = said.get(ENCODING, b"identity").strip().lower()
    if packing not in PACKINGS:
        shown = packing[:60].decode("latin-1")
        says = f"the Content-Encoding is {shown!r}; send gzip, or none"
        return closing(status(415, says, json=json))
    room = expected(said)
    if room > BATCH_BYTES:
        return closing(declined(too_large(BATCH_BYTES), json=json))
    intake = export.intake
    if intake.buffered + room > intake.most:
        return closing(again(BusyError(CROWDED, kind="queue", after=1), json=json))
    intake.buffered += room
    try:
        return await held(export, request, packed=packing == b"gzip", json=json)
    except SplitrunError as refused:
        return again(refused, json=json)
    finally:
        intake.buffered -= room


async def held(export: Export, request: Request, *, packed: bool, json: bool) -> Response:
    """Read a body, and keep what it means.

    Raises:
        BusyError: It cannot be taken now.
        StoreError: The spool or the registry cannot be used.
    """
    body = await read(request.receive, export.intake.patience)
    if body is None:
        # it may be sent again; with 408 clients would give it up
        return closing(status(503, "the body did not come in time; send it again", json=json, after=1))
    if len(body) > BATCH_BYTES:
        return closing(declined(too_large(BATCH_BYTES), json=json))
    found = await asyncio.to_thread(meant, export, body, packed=packed, json=json)
    match found:
        case Refused() as why:
            with suppress(SplitrunError):  # that it is refused does not hang on its being counted
                counted = note(export.come, "", *counted_as(why))
                await export.intake.keep(Parcel(export.come, 0, b"", notes=(counted,)))
            return declined(why, json=json)
        case Drafts():
            rejected, unfit = await keep(export, found)
            says = summed(export.signal, found.items, rejected, unfit) if rejected else ""
            return kept(export.signal, rejected, says, json=json)


def meant(export: Export, body: bytes, *, packed: bool, json: bool) -> Drafts | Refused:
    """Read what a body means; in a thread, because rulesets may have to be fetched.

    Raises:
        StoreError: The registry cannot be read.
    """
    plain = unpacked(body) if packed else body
    match plain:
        case Refused():
            return plain
        case _:
            come = export.come
            meaning = export.telemetry.meaning(come.project, come.environment)
            return drafted(plain, export.signal, meaning, come.at, json=json)


async def keep(export: Export, found: Drafts) -> tuple[int, list[Unfit]]:
    """Keep what is taken, as batches of an SDK are kept; tell how many items are not, and why.

    Raises:
        BusyError: It cannot be taken now; what of it was kept is known again when it is sent again.
        StoreError: The spool cannot be used.
    """
    intake, come, sdk = export.intake, export.come, found.sdk
    notes = [note(come, sdk, *one) for one in tallied(found.unfit)]
    unfit = list(found.unfit)
    parcels: list[Parcel] = []
    taken_of: set[int] = set()
    for body, places in found.batches:
        match taken(body, unwanted=intake.unwanted(), consent=export.consent):
            case Taken() as one:
                out = {bad.index for bad in one.rejected}
                unfit += [Unfit(Code(bad.code), bad.says) for bad in one.rejected]
                taken_of.update(place for index, place in enumerate(places) if index not in out)
                notes += [note(come, sdk, *what) for what in turned_away(one)] if one.out else []
                count = one.events + len(one.rejected) - len(one.out)
                clean = (body, one.out) if one.body is None else (one.body, ())
                parcels += [Parcel(come, count, clean[0], rejected=clean[1])] if count else []
            case Refused(code=code, says=says):
                unfit += [Unfit(code, says)] * len(places)
    await written(intake, come, parcels, tuple(notes))
    return found.items - len(taken_of), unfit


async def written(intake: Intake, come: Origin, parcels: list[Parcel], notes: tuple[Note, ...]) -> None:
    """Write parcels, and what is counted with the last of them.

    Raises:
        BusyError: It cannot be taken now.
        StoreError: The spool cannot be used.
    """
    if notes:
        parcels = [*parcels, Parcel(come, 0, b"", notes=notes)]
    said = await asyncio.gather(*(single(intake, one) for one in parcels), return_exceptions=True)
    for refused in said:
        if refused is not None:
            raise refused


async def single(intake: Intake, parcel: Parcel) -> None:
    """Write a parcel."""
    await intake.keep(parcel)


def tallied(unfit: list[Unfit]) -> list[tuple[str, int, str]]:
    """Count what means nothing that is measured: reason, records, an example where somebody should look."""
    counts: dict[Code, tuple[int, str]] = {}
    for one in unfit:
        count, says = counts.get(one.code, (0, told(one.says)))
        counts[one.code] = count + 1, says
    return [
        (REJECTED + code, count, "" if code is Code.NO_EXPERIMENT else says)
        for code, (count, says) in counts.items()
    ]


def declined(why: Refused, *, json: bool) -> Response:
    """Answer a request of which nothing is taken."""
    return status(why.status, why.says, json=json)


def again(refused: SplitrunError, *, json: bool) -> Response:
    """Answer that nothing was kept, and when to come again: 429 and 503 are what clients of OTLP repeat."""
    answer = later(refused)
    code = 429 if answer.status_code == 429 else 503
    return status(code, str(refused), json=json, after=int(answer.headers["Retry-After"]))


ENDPOINTS = tuple(
    Endpoint(
        "POST",
        f"/v1/{signal}",
        Scope.INGEST,
        partial(post, signal=signal),
        brief,
        operation,
        mode="ingest",
        hot=True,
        refuse=refuse,
    )
    for signal, brief, operation in (
        ("logs", "OTLP: take log records, evaluations of flags among them", LOGS),
        ("traces", "OTLP: take the events that hooks put on spans", TRACES),
    )
)
