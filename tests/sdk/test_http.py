from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from splitrun.errors import SettingError
from splitrun.sdk.client import Client
from splitrun.sdk.http import Channel, seconds
from splitrun.sdk.settings import Settings
from tests.sdk.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)

    assert seconds("120") == 120.0
    assert seconds(soon) == pytest.approx(100, abs=5)
    assert seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert seconds("soon") is None
    assert seconds(None) is None
    assert seconds("9" * 400) == 999_999.0
    assert seconds("\u00b2") is None


def test_an_answer_that_trickles_is_given_up_in_time(server: Server) -> None:
    server.push = True
    server.heartbeat = 0.02
    channel = Channel(Settings(url=server.url, timeout=0.3))

    began = time.monotonic()
    reply = channel.read("/v1/ruleset/stream", None, 10**6)

    assert (reply.status, time.monotonic() - began < 1.5) == (0, True)
    assert "takes too long" in reply.says
    server.ended = True
    channel.close()


Spoken = Callable[[socket.socket, threading.Event], None]


@contextmanager
def speaking(say: Spoken) -> Iterator[str]:
    """A server that does to each connection what is said, until the block ends."""
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                say(connection, ended)
            except OSError:
                return  # the client went away, as it should

    def accept() -> None:
        while not ended.is_set():
            connection, _ = listening.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        address = listening.getsockname()
        try:
            yield f"http://127.0.0.1:{address[1]}"
        finally:
            ended.set()
            socket.create_connection(address).close()
            thread.join()


def dripping(start: bytes) -> Spoken:
    """Send the start of an answer, then a letter now and then, for ever."""

    def say(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(start)
        while not ended.wait(0.02):
            connection.sendall(b"x")

    return say


def reading(connection: socket.socket, ended: threading.Event) -> None:
    """Take a request a little at a time."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    while not ended.wait(0.02):
        connection.recv(4_096)


@pytest.mark.parametrize(
    ("say", "size"),
    [
        (dripping(b""), 10),
        (dripping(b"HTTP/1.1 200 OK\r\nX-Slow: "), 10),
        (dripping(b"HTTP/1.1 200 OK\r\n\r\n"), 10),
        (dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), 10),
        (reading, 20_000_000),
    ],
    ids=["status", "header", "body", "body of known length", "request"],
)
def test_the_deadline_holds_over_the_whole_of_an_exchange(say: Spoken, size: int) -> None:
    """S28: a server that hands out a byte at a time holds nobody longer than one that is silent."""
    with speaking(say) as url:
        channel = Channel(Settings(url=url, timeout=0.3))
        began = time.monotonic()

        reply = channel.exchange("POST", "/v1/events", {}, b"x" * size, 10**6)

        assert (reply.status, time.monotonic() - began < 2.0) == (0, True)
        assert "takes too long" in reply.says
        channel.close()


def test_a_stream_whose_headers_drip_is_given_up_in_time() -> None:
    with speaking(dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ")) as url:
        channel = Channel(Settings(url=url, timeout=0.3))
        began = time.monotonic()

        stream = channel.stream("/v1/ruleset/stream", None, 45.0)

        assert (stream.next().kind, time.monotonic() - began < 2.0) == ("ended", True)
        channel.close()


def test_a_stream_may_live_longer_than_an_exchange_and_ends_after_the_heartbeats_silence() -> None:
    def say(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10):
            ended.wait(0.05)
            connection.sendall(b": alive\n")
        ended.wait()

    with speaking(say) as url:
        channel = Channel(Settings(url=url, timeout=0.2))

        stream = channel.stream("/v1/ruleset/stream", None, 0.3)

        assert [stream.next().kind for _ in range(12)] == ["opened", *["alive"] * 10, "ended"]
        channel.close()


def test_all_addresses_of_a_host_share_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(2):  # from now on it takes no more connections, and refuses none
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(address)
        found = socket.getaddrinfo(address[0], address[1], type=socket.SOCK_STREAM) * 50
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        channel = Channel(Settings(url=f"http://127.0.0.1:{address[1]}", timeout=0.3))
        began = time.monotonic()

        reply = channel.read("/v1/ruleset", None, 100)

        assert (reply.status, time.monotonic() - began < 2.0) == (0, True)
        channel.close()


@pytest.mark.parametrize("holds", [None, "no certificate"], ids=["absent", "garbage"])
def test_certificates_that_cannot_be_used_are_told_as_a_setting(holds: str | None, tmp_path: Path) -> None:
    file = tmp_path / "authorities.pem"
    if holds is not None:
        file.write_text(holds)

    with pytest.raises(SettingError, match=r"certificates is '.*authorities.pem', which cannot be used \(\w"):
        Channel(Settings(url="https://shop.example", certificates=str(file)))
    with pytest.raises(SettingError, match="give a file of certificates in PEM"):
        Client("https://shop.example", certificates=str(file))


@contextmanager
def over_tls(server: Server, folder: Path) -> Iterator[tuple[str, Path]]:
    """The server behind a certificate that it made itself; gives the address and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    with serving(context) as behind:
        behind.publish(server.document)
        yield behind.url, file


def test_a_certificate_that_nobody_vouches_for_is_refused(server: Server, tmp_path: Path) -> None:
    server.publish(b"the document")
    with over_tls(server, tmp_path) as (url, file):
        assert url.startswith("https://")
        stranger, known = Channel(Settings(url=url)), Channel(Settings(url=url, certificates=str(file)))

        refused, read = (channel.read("/v1/ruleset", None, 100) for channel in (stranger, known))

        assert (refused.status, "CERTIFICATE_VERIFY_FAILED" in refused.says) == (0, True)
        assert (read.status, read.body) == (200, b"the document")
        stranger.close()
        known.close()


def test_a_stream_that_cannot_be_opened_ends_at_once() -> None:
    channel = Channel(Settings(url="http://127.0.0.1:9", timeout=0.5))

    stream = channel.stream("/v1/ruleset/stream", None, 1.0)

    assert stream.next().kind == "ended"
    stream.interrupt()
    stream.close()
    channel.close()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b'{"accepted": 0, "rejected": [{"index": 0, "code": "\xff", "says": ""}]}'),
        ({}, b'{"accepted": 1, "more": ' + b"[" * 100_000),
        ({"Retry-After": "\u00b2"}, b'{"accepted": 1}'),
    ],
    ids=["no text", "deep", "a power as Retry-After"],
)
def test_an_odd_answer_to_a_batch_is_an_answer(server: Server, headers: dict[str, str], body: bytes) -> None:
    server.intake = lambda: (202, headers, body)
    channel = Channel(Settings(url=server.url))

    answer = channel.send(b"{}")

    assert answer.status == (202 if headers else 502)
    channel.close()
