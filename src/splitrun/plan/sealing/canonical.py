"""A plan as the one text that is hashed and kept, and read back to the same plan."""

from __future__ import annotations

import json

import rfc8785
from pydantic import ValidationError

from splitrun.errors import Mistake, SpecError, StoreError
from splitrun.spec.plan import Plan

__all__ = ["FORM", "canonical", "reopened"]

FORM = "splitrun.plan/1"
"""The form of plans that this Splitrun writes; it reads every form up to it."""


def canonical(plan: Plan) -> str:
    """Write a plan as canonical JSON (RFC 8785).

    Raises:
        SpecError: The plan holds a whole number beyond 2^53, which JSON cannot carry exactly.
    """
    try:
        return rfc8785.dumps(plan.model_dump(mode="json")).decode()
    except rfc8785.CanonicalizationError as refused:
        mistake = Mistake(
            says=f"the plan of {plan.key!r} has no canonical JSON: {refused}",
            next="keep whole numbers within 2^53, or write them as text",
        )
        raise SpecError([mistake]) from refused


def reopened(body: str) -> Plan:
    """Read a sealed plan back.

    Args:
        body: Its canonical JSON, as it was sealed; of this form, or of an older one.

    Raises:
        StoreError: It is of a form that this Splitrun does not know, or does not say what was sealed.
    """
    form = form_of(body)
    if form != FORM:
        raise StoreError(
            f"the sealed plan is of form {form!r}, and this Splitrun reads {FORM!r}; "
            "upgrade Splitrun to the version that sealed it"
        )
    try:
        plan = Plan.model_validate_json(body)
    except ValidationError as error:
        raise StoreError(
            f"the sealed plan cannot be read: {unread(error)}; "
            "if a newer Splitrun sealed it, upgrade this one, else run `splitrun audit verify`"
        ) from error
    if canonical(plan) != body:
        raise StoreError(
            f"the sealed plan of {plan.key!r} reads back as another text than was sealed; "
            "if a newer Splitrun sealed it, upgrade this one, else run `splitrun audit verify`"
        )
    return plan


def form_of(body: str) -> str:
    """The form that a sealed plan names.

    Raises:
        StoreError: It is no plan.
    """
    try:
        match json.loads(body):
            case {"form": str(form)}:
                return form
            case _:
                pass
    except ValueError:
        pass
    raise StoreError(f"what is sealed is no plan: {body[:60]!r}; run `splitrun audit verify`")


def unread(error: ValidationError) -> str:
    """The first thing that is wrong with a plan, in words."""
    first = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{path}: {first['msg'][:1].lower()}{first['msg'][1:]}"
