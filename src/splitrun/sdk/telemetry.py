"""Evaluations as OpenTelemetry log records: `feature_flag.evaluation`, with the current semantic conventions.

Needs `pip install 'splitrun[otel]'`, and an SDK set up by the product; without one nothing is emitted. A
unit's id is personal data: `feature_flag.context.id` is left out unless the product asks for it.

See https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber, get_logger
from opentelemetry.util.types import AnyValue

from splitrun.assign.evaluation import ErrorCode, Evaluation
from splitrun.sdk.settings import SDK

__all__ = ["EVENT", "EvaluationLog"]

EVENT = "feature_flag.evaluation"

QUOTING = (ErrorCode.INVALID_CONTEXT, ErrorCode.GENERAL)
"""Errors whose messages may quote an id or an attribute."""

OWN = ("experiment", "experiment_version", "phase", "detail", "enrolling")
"""What is told beside the conventions, under `splitrun.`."""


class EvaluationLog:
    """Emits a record for every evaluation it is told of.

    Args:
        provider: Where records go; the global one where none is given.
        context_id: Whether records carry the unit's id, and messages that may quote it.
        attributes: Names of attributes that records carry, so that a server can evaluate again.
        consent: Gives what a unit allowed: `granted`, `denied` or `pending`; None where nobody knows. Told
            beside the unit's id; a server keeps nothing of who did not grant.
    """

    def __init__(
        self,
        provider: LoggerProvider | None = None,
        *,
        context_id: bool = False,
        attributes: Collection[str] = (),
        consent: Callable[[str], str | None] | None = None,
    ) -> None:
        self.consent = consent
        self.logger = get_logger("splitrun", SDK.partition("/")[2], logger_provider=provider)
        self.context_id = context_id
        self.attributes = tuple(attributes)

    def record(
        self,
        answer: Evaluation,
        unit: str = "",
        flag_set: str = "",
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        """Tell what `client.evaluate` answered.

        Args:
            answer: The evaluation.
            unit: Whom it was for; recorded only with `context_id`.
            flag_set: Where the flag belongs, like `shop/production`.
            attributes: What is known of the unit; only those are recorded that the log was told to.
        """
        told: dict[str, AnyValue] = {
            "flagSetId": flag_set,
            "version": str(answer.ruleset),
            "detail": answer.detail.value,
        }
        if answer.experiment is not None:
            told |= {
                "experiment": answer.experiment,
                "experiment_version": answer.version,
                "phase": answer.phase,
                "enrolling": answer.enrolling,
            }
        shown = answered(answer.flag, answer.reason, answer.variant, answer.value)
        wrong = self.wrong(answer.error, answer.says)
        self.emit({**shown, **described(told), **wrong, **self.asked(attributes or {})}, unit)

    def wrong(self, code: str | None, says: str | None) -> dict[str, AnyValue]:
        """Tell what went wrong."""
        if code is None:
            return {}
        shown: dict[str, AnyValue] = {"error.type": code.lower()}
        if says and (self.context_id or code not in QUOTING):
            shown["feature_flag.error.message"] = says
        return shown

    def asked(self, attributes: Mapping[str, object]) -> dict[str, AnyValue]:
        """Tell the attributes that were asked for, where they can be told as they are."""
        found: dict[str, AnyValue] = {}
        for name in self.attributes:
            match attributes.get(name):
                case bool() | int() | float() | str() as value:
                    found[f"splitrun.attribute.{name}"] = value
                case _:
                    pass
        return found

    def whose(self, unit: str) -> dict[str, AnyValue]:
        """Tell the unit, and what it allowed."""
        said = None if self.consent is None else self.consent(unit)
        allowed: dict[str, AnyValue] = {} if said is None else {"splitrun.consent": said}
        return {"feature_flag.context.id": unit, **allowed}

    def emit(self, attributes: Mapping[str, AnyValue], unit: str) -> None:
        """Emit a record, in the trace that the caller is in."""
        whose = self.whose(unit) if self.context_id and unit else {}
        self.logger.emit(
            LogRecord(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                event_name=EVENT,
                attributes={"feature_flag.provider.name": "splitrun", **attributes, **whose},
            )
        )


def answered(flag: str, reason: str, variant: str | None, value: object) -> dict[str, AnyValue]:
    """Tell what was asked and answered; the value only where no variant names it, and it is small."""
    shown: dict[str, AnyValue] = {"feature_flag.key": flag, "feature_flag.result.reason": reason.lower()}
    if variant is not None:
        return shown | {"feature_flag.result.variant": variant}
    match value:
        case bool() | int() | float() | str():
            return shown | {"feature_flag.result.value": value}
        case _:
            return shown


def described(told: Mapping[str, AnyValue]) -> dict[str, AnyValue]:
    """Tell the ruleset, and the experiment.

    Args:
        told: What `FlagMetadata` of our provider holds.
    """
    shown = {
        "feature_flag.set.id": told.get("flagSetId"),
        "feature_flag.version": told.get("version"),
        **{f"splitrun.{name}": told.get(name) for name in OWN},
    }
    if told.get("enrolling") is not False:  # so it is nearly always
        del shown["splitrun.enrolling"]
    return {name: value for name, value in shown.items() if value is not None and value != ""}
