"""A project's files beside its experiments: settings, definitions of metrics, known events."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from splitrun.spec.metric import Metric
from splitrun.spec.model import Choice, Column, Condition, Key, Model, Note, Sentence
from splitrun.spec.policy import Policy, Retained
from splitrun.spec.privacy.held import Class, Controller, Declaration, Property, Texts
from splitrun.spec.segment import Segment
from splitrun.spec.source import Source

__all__ = [
    "Annotation",
    "AnnotationKind",
    "Definitions",
    "Mapped",
    "Otlp",
    "Privacy",
    "Project",
    "UnitType",
]


def moment(text: str) -> str:
    """Refuse what is no day and no time."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text[:40]!r} is no day or time; write it like 2026-11-27 or 2026-11-27T08:00+01:00"
        ) from None
    return text


Moment = Annotated[str, AfterValidator(moment)]
"""A day or time in ISO 8601."""


BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.\.?(/|$))[\w!.*'()=-]+)*/?", re.ASCII)


def address(written: str) -> str:
    """Refuse a URL that is no bucket's, or that holds a key."""
    if "://" in written and not BUCKET.fullmatch(written):
        scheme = written.partition("://")[0]
        raise ValueError(
            f"{scheme[:20]}://… is no bucket that a lake can lie in; write s3://BUCKET/FOLDER, and "
            "endpoint and keys into the environment: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY"
        )
    return written


T = TypeVar("T")


def told_apart(declared: dict[str, T]) -> dict[str, T]:
    """Refuse names that engines take for one, because they tell no capitals."""
    known: dict[str, str] = {}
    for name in declared:
        first = known.setdefault(name.casefold(), name)
        if first != name:
            raise ValueError(f"{first!r} and {name!r} would be one column; declare one of them")
    return declared


class UnitType(Model):
    """What may be randomised."""

    key: Column | None = None
    """The column that holds its id where a source does not say otherwise."""


class Privacy(Model):
    """What is kept of people, and for how long."""

    ids: Literal["pseudonym", "raw"] = "pseudonym"
    """What stands in the lake: pseudonyms alone, or the ids themselves beside them."""
    consent: Literal["required", "not_required"] = "not_required"
    """Whether events are kept only of units that are known to have granted; a denial is heeded either way."""
    properties: Literal["any", "declared"] = "any"
    """Which properties of events and attributes of exposures are taken; others are dropped and counted."""
    texts: Texts = "mask"
    """What becomes of e-mail addresses and telephone numbers in texts, where a field does not say."""
    retention: dict[Class, Retained] = Field(default_factory=dict)
    """How long each class is kept."""
    controller: Controller | None = None
    """Who answers for what is kept; stands in the record of processing."""
    waivers: dict[Literal["data_policy"], Sentence] = Field(default_factory=dict)
    """Why fields may be without a policy."""
    min_cell: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Units that a level of a segment must have in every variant to be shown; 1: every level is. Where it is
    not written: 10 where the lake is read, 1 where files are."""


Attribute = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,256}$")]
"""The name of an attribute of OpenTelemetry."""


class Mapped(Model):
    """What a log event of OpenTelemetry becomes."""

    event: Attribute | None = None
    """The event's name where it is another than the log's."""
    unit: Key | None = None
    """The unit's type, where `units` names several."""
    value: Attribute | None = None
    """The attribute that holds the event's number."""
    properties: dict[Property, Attribute] = Field(default_factory=dict, max_length=256)
    """The attribute that holds each property."""


class Otlp(Model):
    """How records of OpenTelemetry are read."""

    units: dict[Key, Attribute] = Field(default_factory=dict)
    """The attribute that holds the id of each unit type."""
    attributes: dict[Property, Attribute] = Field(default_factory=dict, max_length=256)
    """The attribute that holds each attribute which flags and experiments ask."""
    events: dict[Attribute, Mapped] = Field(default_factory=dict)
    """Log events that become events, by name."""

    @model_validator(mode="after")
    def _whose(self) -> Self:
        for name, one in self.events.items():
            if self.unit_of(one) not in self.units:
                known = ", ".join(self.units) or "none is there"
                raise ValueError(
                    f"whose the event {name[:60]!r} is, is not told; write `unit` with a type of `units` "
                    f"({known}), and under `units` the attribute that holds its id"
                )
        return self

    def unit_of(self, one: Mapped) -> str:
        """Give the type of an event's unit; empty where it is not told."""
        only = next(iter(self.units)) if len(self.units) == 1 else ""
        return one.unit or only


class Project(Model):
    """Settings of a project: splitrun.yaml."""

    project: Key
    """The project's name."""
    timezone: Note | None = None
    """IANA name; times without a zone are read in it."""
    environments: Annotated[tuple[Key, ...], Field(min_length=1)] = ("production",)
    registry: Note | None = None
    """Where definitions and life cycles are kept."""
    lake: Annotated[Note, AfterValidator(address)] | None = None
    """Where events and exposures are kept: a folder, or a bucket like s3://bucket/lake."""
    properties: Annotated[dict[Property, Declaration], AfterValidator(told_apart)] = Field(
        default_factory=dict, max_length=256
    )
    """What properties of events hold, each with its policy; each becomes a column of its own in the lake."""
    attributes: Annotated[dict[Property, Declaration], AfterValidator(told_apart)] = Field(
        default_factory=dict, max_length=256
    )
    """What attributes hold that exposures carry because segments are cut by them, each with its policy."""
    engine: Literal["duckdb"] = "duckdb"
    """Where analysis runs."""
    units: dict[Key, UnitType] = Field(default_factory=dict)
    """What may be randomised; where this is written, experiments choose from it."""
    otlp: Otlp = Otlp()
    """What records of OpenTelemetry mean."""
    privacy: Privacy = Privacy()
    policy: Policy = Policy()
    roles: dict[str, Literal["viewer", "analyst", "experimenter", "approver", "admin", "auditor"]] = Field(
        default_factory=dict
    )
    """Who may do what."""


class Definitions(Model):
    """Definitions that experiments share: metrics/*.yaml."""

    sources: dict[Key, Source] = Field(default_factory=dict)
    """Rows that metrics are made from."""
    metrics: dict[Key, Metric] = Field(default_factory=dict)
    """Metrics by name."""
    segments: dict[Key, Segment] = Field(default_factory=dict)
    """Segments by name."""
    groups: dict[Key, Annotated[tuple[Key, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Groups of metrics by name; a group may stand wherever a metric may."""


class AnnotationKind(Choice):
    """What kind of event is known."""

    DEPLOY = "deploy"
    RELEASE = "release"
    INCIDENT = "incident"
    CAMPAIGN = "campaign"
    HOLIDAY = "holiday"
    POLICY = "policy"
    OUTAGE = "outage"


class Annotation(Model):
    """A known event on the timeline."""

    at: Moment
    """When it began."""
    until: Moment | None = None
    """When it ended."""
    kind: AnnotationKind
    says: Sentence
    """What happened."""
    where: Condition | None = None
    """Whom it touched."""
