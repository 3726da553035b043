"""Rulesets on their way: bytes to a ruleset and back, with the digest of what was transmitted."""

from __future__ import annotations

import hashlib

import msgspec

from splitrun.assign.ruleset import FORM, Envelope, Ruleset, Signature
from splitrun.errors import RulesetError

__all__ = ["LONGEST", "enveloped", "opened", "ruleset_schema", "sealed"]

LONGEST = 1024 * 1024
"""Bytes of a document: some 25,000 ids on lists, or 2,000 flags. Read, it holds less than 32 MB."""

BRACKETS = 60_000
"""Lists and objects of a document; each costs some hundred bytes, and time to collect garbage."""

ENVELOPE = msgspec.json.Decoder(Envelope)
BODY = msgspec.json.Decoder(Ruleset, strict=True)


def enveloped(document: bytes) -> Envelope:
    """Read the envelope and hold the digest against the bytes of the body; the body itself is not read yet.

    Raises:
        RulesetError: The document is too large, is no envelope of this form, or has another digest.
    """
    if len(document) > LONGEST:
        raise RulesetError(
            f"the ruleset has {len(document):,} bytes and may have {LONGEST:,}; publish fewer flags"
        )
    if document.count(b"[") + document.count(b"{") > BRACKETS:
        raise RulesetError(f"the ruleset holds more than {BRACKETS:,} lists and objects; publish fewer flags")
    try:
        envelope = ENVELOPE.decode(document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as fault:
        raise RulesetError(
            f"the document is no ruleset: {fault}; it begins with {document[:40]!r}"
        ) from fault
    if envelope.form != FORM:
        raise RulesetError(
            f"the ruleset has the form {envelope.form[:60]!r}, and {FORM!r} is read here; upgrade splitrun"
        )
    found = _digest(bytes(envelope.body))
    if envelope.digest != found:
        raise RulesetError(
            f"the ruleset says its digest is {envelope.digest[:80]!r} and it is {found}; fetch it again"
        )
    return envelope


def opened(document: bytes) -> Ruleset:
    """Read a ruleset as it was transmitted.

    Args:
        document: An envelope in JSON, at most LONGEST bytes.

    Raises:
        RulesetError: As of `enveloped`, or the body is no ruleset.
    """
    body = enveloped(document).body
    try:
        return BODY.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as fault:
        raise RulesetError(
            f"the body is no ruleset: {fault}; publish it with this version of splitrun"
        ) from fault


def sealed(ruleset: Ruleset, signatures: tuple[Signature, ...] = ()) -> bytes:
    """Write a ruleset to be transmitted: names sorted, no spaces, so that equal rulesets have equal bytes.

    Unit types alone stay in their order, since the first is the targeting key's.
    """
    parts = msgspec.to_builtins(ruleset, order="deterministic")
    body = msgspec.json.encode(parts | {"units": ruleset.units})
    return msgspec.json.encode(Envelope(FORM, _digest(body), msgspec.Raw(body), signatures))


def ruleset_schema() -> dict[str, object]:
    """Give the JSON Schema (draft 2020-12) of what is transmitted, for readers in other languages."""
    (top, body), parts = msgspec.json.schema_components(
        (Envelope, Ruleset), schema_hook=_anything, ref_template="#/$defs/{name}"
    )
    envelope = parts["Envelope"]
    whole = {**envelope, "properties": {**envelope["properties"], "body": body}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "splitrun ruleset",
        **top,
        "$defs": {**parts, "Envelope": whole},
    }


def _anything(_: type) -> dict[str, object]:
    """Values of flags and parameters may be anything; msgspec takes an empty schema for none."""
    return {"description": "any JSON"}


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
