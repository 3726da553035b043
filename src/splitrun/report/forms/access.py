"""API keys as they may be told: without what a secret could be guessed from."""

from __future__ import annotations

from collections.abc import Iterable

from splitrun.store.access.keys import AccessKey

__all__ = ["access_key_form", "access_keys_form"]


def access_key_form(one: AccessKey) -> dict[str, object]:
    """Write a key in the form `splitrun.api-key/1`."""
    return {"form": "splitrun.api-key/1", **facts(one)}


def access_keys_form(found: Iterable[AccessKey]) -> dict[str, object]:
    """Write keys in the form `splitrun.api-keys/1`."""
    return {"form": "splitrun.api-keys/1", "keys": [facts(one) for one in found]}


def facts(one: AccessKey) -> dict[str, object]:
    """All but the hash of the secret."""
    return {
        "id": one.id,
        "name": one.name,
        "scopes": [scope.value for scope in one.scopes],
        "project": one.project,
        "environment": one.environment,
        "at": one.at,
        "revoked": one.revoked,
    }
