"""Make, list and revoke API keys; the chain says who did it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import actor_of, home
from splitrun.conduct.serving.settings import project_at
from splitrun.errors import Mistake, SpecError
from splitrun.spec.written.fields import suggested
from splitrun.store.access.keys import AccessKey, AccessKeys, Made, Scope, drawn
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change
from splitrun.store.registry.registry import Registry

__all__ = ["access_keys", "access_of", "first_access_keys", "make_access_key", "revoke_access_key"]

REVOKE = "revoke-api-key"
"""Of the entry that says that a key opens nothing any more."""


def access_of(root: Path) -> AccessKeys:
    """The API keys of a project's folder."""
    return AccessKeys(root / "state" / "access.json")


def access_keys(place: Path) -> tuple[AccessKey, ...]:
    """List the API keys of a project, the oldest first; their secrets are not kept."""
    return access_of(home(place).root).listed()


def make_access_key(
    name: str,
    scopes: Sequence[str],
    place: Path,
    *,
    environment: str | None = None,
    actor: str | None = None,
    desk: Desk | None = None,
) -> Made:
    """Make an API key; its secret is told now and never again.

    The chain says so before the key opens anything. Repeated after a crash, it makes another key.

    Raises:
        SpecError: There is no project, scope or environment of that name.
        StoreError: The keys or the registry cannot be written.
    """
    where, now = home(place), (desk or Desk()).now()
    settings = project_at(where.root)
    chosen = environment or settings.environments[0]
    mistakes = [
        Mistake(f"there is no scope {one[:60]!r}", suggested(one, [scope.value for scope in Scope]), "scope")
        for one in scopes
        if one not in {scope.value for scope in Scope}
    ]
    if chosen not in settings.environments:
        says = f"there is no environment {chosen[:60]!r}"
        mistakes.append(Mistake(says, suggested(chosen, settings.environments), "environment"))
    if not scopes:
        known = ", ".join(scope.value for scope in Scope)
        mistakes.append(Mistake("the key has no scope", f"name at least one of {known}", "scope"))
    if mistakes:
        raise SpecError(mistakes)
    wanted = tuple(Scope(one) for one in dict.fromkeys(scopes))
    made = drawn(name, wanted, settings.project, chosen, now.isoformat())
    said = Remark("make-api-key", f"api-key/{made.key.id}", name, settings.project, chosen)
    with where.registry(now) as registry:
        registry.commit(Change(now, actor_of(actor), (said,)))
    # only now: whoever is killed before leaves an entry of a key that opens nothing, never a key without one
    access_of(where.root).keep(made.key)
    return made


def revoke_access_key(
    name: str, place: Path, reason: str, *, actor: str | None = None, desk: Desk | None = None
) -> AccessKey:
    """Revoke an API key by its id or name; a server refuses it within a second.

    It opens nothing any more before the chain says so. Repeated after a crash, it adds the missing entry.

    Raises:
        SpecError: There is no such key, or it was revoked before.
        StoreError: The keys or the registry cannot be written.
    """
    where, now = home(place), (desk or Desk()).now()
    keys = access_of(where.root)
    revoked = keys.revoke(name, now.isoformat())
    with where.registry(now) as registry:
        found = revoked or untold(name, keys.listed(), registry)
        if found is None:
            known = [one.id for one in keys.listed() if one.revoked is None]
            raise SpecError([Mistake(f"there is no key {name[:60]!r} in use", suggested(name, known))])
        said = Remark(REVOKE, f"api-key/{found.id}", reason, found.project, found.environment)
        registry.commit(Change(now, actor_of(actor), (said,)))
    return found


def untold(name: str, keys: Sequence[AccessKey], registry: Registry) -> AccessKey | None:
    """Find a key that was revoked by somebody who was killed before the chain said so."""
    gone = [one for one in keys if name in {one.id, one.name} and one.revoked is not None]
    if not gone:
        return None
    told = {one.subject for one in registry.entries() if one.verb == REVOKE}
    return next((one for one in gone if f"api-key/{one.id}" not in told), None)


def first_access_keys(root: Path, desk: Desk | None = None) -> tuple[Made, ...]:
    """Make the keys that a first start needs: one for clients in the product; none where there is any.

    Raises:
        SpecError: There is no project.
        StoreError: The keys or the registry cannot be written.
    """
    if access_of(root).listed():
        return ()
    return (make_access_key("first", ("sdk", "ingest"), root, desk=desk),)
