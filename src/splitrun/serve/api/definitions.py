"""Definitions over HTTP: check the files of the server's project, compare them, apply them."""

from __future__ import annotations

from msgspec import Struct

from splitrun.serve.api import verbs
from splitrun.serve.api.answering import Operated, operation
from splitrun.serve.api.call import Call, Nothing, Reason, UnfitError
from splitrun.spec.schema import SCHEMAS, schema
from splitrun.store.access.keys import Scope

__all__ = ["ENDPOINTS"]


class Applying(Struct, frozen=True, forbid_unknown_fields=True):
    """Why definitions are applied, and which experiments are amended or restarted with it."""

    reason: Reason | None = None
    amending: tuple[str, ...] = ()
    restarting: tuple[str, ...] = ()


def linted(call: Call[Nothing]) -> dict[str, object]:
    """Check every file of the project."""
    files, notes = verbs.lint([call.root])
    return {"form": "splitrun.lint/1", "files": list(files), "mistakes": [], "notes": list(notes)}


def differing(call: Call[Nothing]) -> dict[str, object]:
    """Show how the files differ from the registry."""
    found = verbs.compare(call.root, call.environment, desk=call.desk)
    return verbs.difference_as_json(found.difference, found.about)


def applied(call: Call[Applying]) -> dict[str, object]:
    """Bring the registry in line with the files."""
    said = call.body
    wanted = verbs.Wanted(said.reason, call.actor, frozenset(said.amending), frozenset(said.restarting))
    return verbs.applied_form(verbs.apply(call.root, lambda _: None, lambda: True, wanted, desk=call.desk))


def described(call: Call[Nothing]) -> dict[str, object]:
    """Give the JSON Schema of a kind of file."""
    kind = call.path["kind"]
    if kind not in SCHEMAS:
        raise UnfitError(f"there is no schema {kind[:64]!r}; there are {', '.join(SCHEMAS)}", 404)
    return schema(kind)


ENDPOINTS = (
    operation("GET", "/v1/lint", Scope.READ, "Check the project's files", Operated(Nothing, linted)),
    operation("GET", "/v1/diff", Scope.READ, "How files and registry differ", Operated(Nothing, differing)),
    operation(
        "POST",
        "/v1/apply",
        Scope.ADMIN,
        "Bring the registry in line with the files",
        Operated(Applying, applied),
    ),
    operation(
        "GET", "/v1/schema/{kind}", Scope.READ, "JSON Schema of a kind of file", Operated(Nothing, described)
    ),
)
