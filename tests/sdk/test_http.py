from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

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
    with pytest.raises(OSError, match="No such file"):
        Channel(Settings(url=server.url, certificates=str(tmp_path / "none.pem")))


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
