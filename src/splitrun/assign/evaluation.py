"""What an evaluation answers: value, variant, and why."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

__all__ = ["Detail", "ErrorCode", "Evaluation", "Reason", "Type"]


class Type(StrEnum):
    """What a flag serves."""

    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"
    OBJECT = "object"


class Reason(StrEnum):
    """Why a value was served; the closed list of OpenFeature."""

    STATIC = "STATIC"
    DEFAULT = "DEFAULT"
    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    CACHED = "CACHED"
    DISABLED = "DISABLED"
    UNKNOWN = "UNKNOWN"
    STALE = "STALE"
    ERROR = "ERROR"


class Detail(StrEnum):
    """Where in the order of evaluation the answer was found."""

    OFF = "off"
    ARCHIVED = "archived"
    OVERRIDE = "override"
    OPTED_OUT = "opted_out"
    CONSENT = "consent"
    PREREQUISITE = "prerequisite"
    HOLDOUT = "holdout"
    LAYER = "layer"
    AUDIENCE = "audience"
    COVERAGE = "coverage"
    VARIANT = "variant"
    STICKY = "sticky"
    RULE = "rule"
    DEFAULT = "default"
    ERROR = "error"


class ErrorCode(StrEnum):
    """What went wrong; the codes of OpenFeature."""

    PROVIDER_NOT_READY = "PROVIDER_NOT_READY"
    PROVIDER_FATAL = "PROVIDER_FATAL"
    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    PARSE_ERROR = "PARSE_ERROR"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    GENERAL = "GENERAL"


class Evaluation(Struct, frozen=True):
    """One answer. Made once for each outcome of a flag and shared, so that evaluating makes nothing new.

    `value` must not be changed by who receives it; an object flag hands out the same object every time.
    """

    flag: str
    value: object
    """What the flag serves; `None` where there is none and the caller's default stands."""
    variant: str | None
    """The experiment's variant where an experiment answered, else the flag's."""
    reason: Reason
    detail: Detail
    ruleset: int = 0
    """Version of the ruleset; 0 where there is none."""
    experiment: str | None = None
    version: int = 0
    """Version of the experiment."""
    phase: int = 0
    enrolling: bool = True
    error: ErrorCode | None = None
    says: str = ""
    """What went wrong and what to do next; empty where nothing did."""
    serve: str | None = None
    """The flag's variant behind the value, also where an experiment answered."""
