from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.json import decode

from splitrun.assign.ruleset import Envelope, Signature
from splitrun.assign.transmission import sealed
from splitrun.errors import RulesetError, SettingError
from splitrun.sdk.client import Client
from splitrun.sdk.rulesets.signature import signed
from tests.sdk.shop import shop

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = {"2026": b64encode(KEY.public_key().public_bytes_raw()).decode()}


def written(key: Ed25519PrivateKey, name: str = "2026", version: int = 1) -> bytes:
    body = bytes(decode(sealed(shop(version)), type=Envelope).body)
    return sealed(shop(version), (Signature(name, b64encode(key.sign(body)).decode()),))


def test_a_ruleset_signed_with_a_known_key_is_taken() -> None:
    with Client(ruleset=written(KEY), verify=PUBLIC) as client:
        assert client.variant("colour", "u1") == "blue"


@pytest.mark.parametrize(
    "document",
    [
        sealed(shop()),
        written(OTHER),
        written(KEY, "2025"),
        sealed(shop(), (Signature("2026", "no base64!"),)),
        sealed(shop(), (Signature("2026", b64encode(bytes(64)).decode()),)),
        b"garbage",
    ],
    ids=["unsigned", "another key", "a key not known", "no base64", "zeros", "garbage"],
)
def test_a_ruleset_that_nobody_known_signed_is_refused(document: bytes) -> None:
    with pytest.raises(RulesetError):
        Client(ruleset=document, verify=PUBLIC)


def test_a_signature_for_one_ruleset_does_not_hold_for_another() -> None:
    signature = decode(written(KEY), type=Envelope).signatures

    with pytest.raises(RulesetError, match="signed by 2026, and none of that holds"):
        signed(PUBLIC)(sealed(shop(2), signature))


def test_a_ruleset_without_the_signature_leaves_the_one_in_use() -> None:
    with Client(ruleset=written(KEY), verify=PUBLIC) as client:
        keeper = client._keeper  # noqa: SLF001 - a client has no verb for it on purpose

        assert not keeper.take(sealed(shop(2)), keeper.held.origin)
        assert keeper.take(written(KEY, version=2), keeper.held.origin)
        assert client.evaluate("colour", "u1").ruleset == 2


def test_a_key_that_is_no_key_is_told_at_once() -> None:
    with pytest.raises(SettingError, match="32 bytes in base64"):
        Client(ruleset=written(KEY), verify={"2026": "short"})
