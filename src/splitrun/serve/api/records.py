"""The audit chain and the keys over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from msgspec import Meta, Struct

from splitrun.serve.api import verbs
from splitrun.serve.api.answering import Operated, operation
from splitrun.serve.api.call import WHOLE, Call, Nothing, Reason, UnfitError
from splitrun.store.access.keys import Scope

__all__ = ["ENDPOINTS"]


class Naming(Struct, frozen=True, forbid_unknown_fields=True):
    """A signing key to be made."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    reason: Reason = "a new key"


class Granting(Struct, frozen=True, forbid_unknown_fields=True):
    """An API key to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=WHOLE)]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1)]


class Why(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a key is taken away."""

    reason: Reason


def entries(call: Call[Nothing]) -> dict[str, object]:
    """Read entries of the chain."""
    found = verbs.log(call.root, since=whole(call, "since", 0), limit=whole(call, "limit", 50))
    return verbs.log_form(found.entries, found.last)


def whole(call: Call[Nothing], name: str, otherwise: int) -> int:
    """Read a parameter that is a whole number.

    Raises:
        UnfitError: It is none, or too large.
    """
    written = call.query.get(name)
    if written is None:
        return otherwise
    least, most = (1, 10_000) if name == "limit" else (0, 2**53)
    if not (written.isascii() and written.isdigit() and len(written) < 17 and least <= int(written) <= most):
        raise UnfitError(f"{name} is {written[:40]!r}; write a whole number from {least} to {most:,}")
    return int(written)


def verified(call: Call[Nothing]) -> dict[str, object]:
    """Hold every entry and row against hashes, signatures and the head."""
    return verbs.verification_form(verbs.verify_log(call.root, desk=call.desk))


def signing(call: Call[Nothing]) -> dict[str, object]:
    """List the keys that sign."""
    return {"form": "splitrun.keys/1", "keys": [asdict(one) for one in verbs.keys(call.root)]}


def made(call: Call[Naming]) -> dict[str, object]:
    """Make a key that signs."""
    one = verbs.make_key(call.body.name, call.root, call.body.reason, actor=call.actor, desk=call.desk)
    return {"form": "splitrun.keys/1", "keys": [asdict(one)]}


def retired(call: Call[Why]) -> dict[str, object]:
    """Retire a key that signs."""
    name = call.path["key"]
    if name not in {one.name for one in verbs.keys(call.root)}:
        raise UnfitError(f"there is no key {name[:64]!r}; see GET /v1/keys", 404)
    one = verbs.retire_key(name, call.root, call.body.reason, actor=call.actor, desk=call.desk)
    return {"form": "splitrun.keys/1", "keys": [asdict(one)]}


def granted(call: Call[Nothing]) -> dict[str, object]:
    """List the API keys."""
    return verbs.access_keys_form(verbs.access_keys(call.root))


def granting(call: Call[Granting]) -> dict[str, object]:
    """Make an API key for the environment of the caller's; its secret is told now and never again."""
    said, environment = call.body, call.environment
    found = verbs.make_access_key(
        said.name, said.scopes, call.root, environment=environment, actor=call.actor, desk=call.desk
    )
    return {**verbs.access_key_form(found.key), "key": found.secret}


def revoked(call: Call[Why]) -> dict[str, object]:
    """Revoke an API key."""
    name = call.path["key"]
    if not any(name in {one.id, one.name} for one in verbs.access_keys(call.root)):
        raise UnfitError(f"there is no API key {name[:64]!r}; see GET /v1/api-keys", 404)
    return verbs.access_key_form(
        verbs.revoke_access_key(name, call.root, call.body.reason, actor=call.actor, desk=call.desk)
    )


ENDPOINTS = (
    operation(
        "GET", "/v1/audit/log", Scope.READ, "Entries of the audit chain",
        Operated(Nothing, entries, ("since", "limit")),
    ),
    operation("GET", "/v1/audit/verify", Scope.READ, "Verify the chain", Operated(Nothing, verified)),
    operation("GET", "/v1/keys", Scope.READ, "The keys that sign", Operated(Nothing, signing)),
    operation("POST", "/v1/keys", Scope.ADMIN, "Make a key that signs", Operated(Naming, made)),
    operation("POST", "/v1/keys/{key}/retire", Scope.ADMIN, "Retire a signing key", Operated(Why, retired)),
    operation("GET", "/v1/api-keys", Scope.ADMIN, "The API keys", Operated(Nothing, granted)),
    operation("POST", "/v1/api-keys", Scope.ADMIN, "Make an API key", Operated(Granting, granting)),
    operation("POST", "/v1/api-keys/{key}/revoke", Scope.ADMIN, "Revoke an API key", Operated(Why, revoked)),
)  # fmt: skip
