"""A hook that emits `feature_flag.evaluation` for every evaluation through OpenFeature, of any provider.

    api.add_hooks([TelemetryHook()])

Needs `pip install 'splitrun[openfeature,otel]'`. openfeature-sdk 0.10 has names for such events that
OpenTelemetry has replaced since; here are the current ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from openfeature.flag_evaluation import FlagEvaluationDetails, FlagValueType
from openfeature.hook import Hook, HookContext, HookHints
from opentelemetry._logs import LoggerProvider

from splitrun.sdk.telemetry import EvaluationLog, answered, described

__all__ = ["TelemetryHook"]


class TelemetryHook(Hook):
    """Tells OpenTelemetry of evaluations.

    Args:
        provider: Where records go; the global one where none is given.
        context_id: Whether records carry the targeting key, which is personal data.
        attributes: Names of attributes of the context that records carry, for a server to evaluate again.
        consent: Gives what a unit allowed, by its targeting key; told beside it.
    """

    def __init__(
        self,
        provider: LoggerProvider | None = None,
        *,
        context_id: bool = False,
        attributes: Collection[str] = (),
        consent: Callable[[str], str | None] | None = None,
    ) -> None:
        self.log = EvaluationLog(provider, context_id=context_id, attributes=attributes, consent=consent)

    def finally_after(
        self,
        hook_context: HookContext,
        details: FlagEvaluationDetails[FlagValueType],
        hints: HookHints,  # noqa: ARG002 - OpenFeature's interface
    ) -> None:
        """Tell of an evaluation, whatever came of it."""
        reason = details.reason or "UNKNOWN"
        shown = answered(details.flag_key, reason, details.variant, details.value)
        if hook_context.provider_metadata is not None:
            shown["feature_flag.provider.name"] = hook_context.provider_metadata.name
        wrong = self.log.wrong(details.error_code, details.error_message)
        unit = hook_context.evaluation_context.targeting_key or ""
        carried = self.log.asked(hook_context.evaluation_context.attributes)
        self.log.emit({**shown, **described(details.flag_metadata), **wrong, **carried}, unit)
