"""Who published a ruleset: Ed25519 over the bytes of its body. Loaded only where `verify` is given."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import DecodeError
from msgspec.json import decode

from splitrun.assign.ruleset import Envelope
from splitrun.errors import RulesetError, SettingError

__all__ = ["signed"]


def signed(keys: Mapping[str, str]) -> Callable[[bytes], None]:
    """Make the check that a document is signed by one of these keys.

    Args:
        keys: Public keys, 32 bytes in base64, by name.

    Returns:
        A function that raises RulesetError for a document which none of them signed.

    Raises:
        SettingError: A key is not 32 bytes in base64.
    """
    known = {name: read(name, text) for name, text in keys.items()}

    def check(document: bytes) -> None:
        try:
            envelope = decode(document, type=Envelope)
        except DecodeError as error:
            raise RulesetError(f"this is no ruleset ({error}); look at what the source answers") from error
        if not any(valid(known, each.key, each.value, bytes(envelope.body)) for each in envelope.signatures):
            by = ", ".join(sorted(each.key for each in envelope.signatures)) or "nobody"
            raise RulesetError(
                f"the ruleset is signed by {by}, and none of that holds against {', '.join(sorted(known))}; "
                "the one in use stays; check the key, then who published it"
            )

    return check


def read(name: str, text: str) -> Ed25519PublicKey:
    """Read a public key."""
    try:
        return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
    except (Error, ValueError) as error:
        raise SettingError(f"verify[{name!r}] is no public key ({error}); give 32 bytes in base64") from error


def valid(known: Mapping[str, Ed25519PublicKey], name: str, value: str, body: bytes) -> bool:
    """Whether a signature is by a known key and over these bytes."""
    if name not in known:
        return False
    try:
        known[name].verify(b64decode(value, validate=True), body)
    except (InvalidSignature, Error, ValueError):
        return False
    return True
