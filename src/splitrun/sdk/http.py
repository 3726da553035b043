"""The one place that speaks HTTP; loaded in the background threads only, because urllib3 takes its time.

TLS certificates are checked. A redirect is followed on the same host, port and scheme only, and the key goes
nowhere else. What is read is bounded in bytes, also after decompression, and in seconds as a whole.
"""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import urllib3
from msgspec import DecodeError, Struct
from msgspec.json import decode
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from splitrun.sdk.event import Accepted
from splitrun.sdk.rulesets.stream import Stream
from splitrun.sdk.settings import SDK, Answer, Settings
from splitrun.sdk.wire.deadline import DEADLINE, POOLS, Deadline, TooMuchError
from splitrun.sdk.wire.trust import trusted

__all__ = ["Channel", "Reply"]

HOPS = 3
"""Redirects that are followed."""
CHUNK = 65_536
ANSWER_BYTES = 2_000_000
"""Most bytes of the answer to a batch: 5,000 rejections fit."""

"encodings.idna".encode(
    "idna"
)  # loads the codec now, under the lock of imports, and not in the middle of a fork


class Reply(Struct):
    """An answer read to its end; status 0 where there was none."""

    status: int
    body: bytes = b""
    etag: str | None = None
    retry_after: float | None = None
    says: str = ""


class Channel:
    """Requests to one server with one key. Used by one thread.

    Args:
        settings: The address, the key and the limits.

    Raises:
        SettingError: The certificates cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.url = (settings.url or "").rstrip("/")
        self.timeout = settings.timeout
        self.headers = {"User-Agent": SDK}
        if settings.key is not None:
            self.headers["Authorization"] = f"Bearer {settings.key}"
        self.pool = urllib3.PoolManager(ssl_context=trusted(settings.certificates), retries=False)
        self.pool.pool_classes_by_scheme = POOLS

    def send(self, body: bytes, /) -> Answer:
        """Post a batch, compressed."""
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        reply = self.exchange("POST", "/v1/events", headers, gzip.compress(body, 5), ANSWER_BYTES)
        accepted = None
        if 200 <= reply.status < 300:
            try:
                accepted = decode(reply.body, type=Accepted)
            except (DecodeError, ValueError, RecursionError):
                # a proxy in between may answer with a page of its own: nothing was acknowledged
                says = (
                    "the answer to a batch is not what a Splitrun server says; look at what stands in between"
                )
                return Answer(502, None, reply.retry_after, says)
        return Answer(reply.status, accepted, reply.retry_after, reply.says)

    def read(self, path: str, etag: str | None, most: int) -> Reply:
        """Get a document, unless it is the one that is known."""
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        if etag is not None:
            headers["If-None-Match"] = etag
        return self.exchange("GET", path, headers, None, most)

    def stream(self, path: str, last: str | None, heartbeat: float) -> Stream:
        """Open a stream of server-sent events; a failure is a stream that ends at once."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if last is not None:
            headers["Last-Event-ID"] = last
        deadline = Deadline(self.timeout, heartbeat)
        try:
            response = self.request("GET", self.url + path, headers, None, deadline)
        except (HTTPError, OSError, TooMuchError):
            return Stream(Silence(), last)
        deadline.lift()
        return Stream(Flow(response), last)

    def close(self) -> None:
        """Let go of the connections."""
        self.pool.clear()

    def exchange(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None, most: int
    ) -> Reply:
        """Ask and read the answer to its end, within the limits."""
        try:
            response = self.request(method, self.url + path, headers, body, Deadline(self.timeout))
            try:
                said = self.bounded(response, most)
            finally:
                response.close()
            retry_after = seconds(response.headers.get("Retry-After"))
        except (HTTPError, OSError, TooMuchError, ValueError) as error:
            return Reply(0, says=f"{self.url}{path} does not answer ({shown(error)}); the next try follows")
        return Reply(
            response.status,
            said,
            response.headers.get("ETag"),
            retry_after,
            "" if response.status < 300 else reproach(self.url + path, response.status),
        )

    def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, deadline: Deadline
    ) -> BaseHTTPResponse:
        """Ask, following redirects on the same host only."""
        DEADLINE.set(deadline)
        for _ in range(HOPS + 1):
            response = self.pool.request(
                method,
                url,
                headers={**self.headers, **headers},
                body=body,
                timeout=None,  # the deadline bounds every wait
                redirect=False,
                preload_content=False,
            )
            to = response.headers.get("Location") if response.status in {301, 302, 303, 307, 308} else None
            if to is None:
                return response
            response.close()
            there = urljoin(url, to)
            if urlsplit(there)[:2] != urlsplit(url)[:2]:
                raise TooMuchError(
                    f"it redirects to another host, {urlsplit(there).netloc!r}, which is refused"
                )
            url = there
        raise TooMuchError(f"it redirects more than {HOPS} times")

    @staticmethod
    def bounded(response: BaseHTTPResponse, most: int) -> bytes:
        """Read a body that may be hostile.

        Raises:
            TooMuchError: It is larger than `most` bytes, or is not here in time.
        """
        pieces, size = [], 0
        while piece := response.read1(CHUNK, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise TooMuchError(f"the answer is larger than {most:,} bytes")
        return b"".join(pieces)


class Flow:
    """The bytes of a stream as they come."""

    def __init__(self, response: BaseHTTPResponse) -> None:
        self.response = response
        self.status = response.status

    def chunk(self) -> bytes:
        """Wait for bytes; silence is borne for the heartbeat."""
        try:
            return self.response.read1(CHUNK)
        except (HTTPError, OSError, TooMuchError, ValueError):
            return b""

    def interrupt(self) -> None:
        """Shut the reading side, which wakes a waiting reader."""
        try:
            self.response.shutdown()
        except (HTTPError, OSError, ValueError, RuntimeError):
            return

    def close(self) -> None:
        """Let go of the connection."""
        self.response.close()


class Silence:
    """A stream that could not be opened."""

    status = 0

    def chunk(self) -> bytes:
        """Nothing ever comes."""
        return b""

    def interrupt(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is open."""


def shown(error: Exception) -> str:
    """An error in one line."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def reproach(url: str, status: int) -> str:
    """Say what an answer other than success asks of whoever runs the product."""
    match status:
        case 401 | 403:
            return f"{url} answers {status}: the key is not accepted; check `key` and what it may do"
        case 429:
            return f"{url} answers 429: it is asked to take more than it can; the next try waits"
        case _ if status >= 500:
            return f"{url} answers {status}: the server has a problem; the next try follows"
        case _:
            return f"{url} answers {status}; check `url` and that the server is of the same release"


def seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header: seconds or a date."""
    if retry_after is None:
        return None
    whole = retry_after.strip()
    if whole.isascii() and whole.isdigit():
        return float(whole[:6])
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
