"""The request's unit and attributes as OpenFeature's transaction context."""

from __future__ import annotations

from openfeature.evaluation_context import EvaluationContext
from openfeature.transaction_context import TransactionContextPropagator

from splitrun.sdk.context import current

__all__ = ["RequestContext"]


class RequestContext(TransactionContextPropagator):
    """`api.set_transaction_context_propagator(RequestContext())`: no targeting key at every call.

    What the middleware found out stands first; what `api.set_transaction_context` adds in a request is not
    kept: give it with the call, or to the middleware.
    """

    def get_transaction_context(self) -> EvaluationContext:
        """Tell the unit and the attributes of the request."""
        here = current()
        # what the product's callable gave is the product's to type
        return EvaluationContext(here.unit or None, here.attributes)  # type: ignore[arg-type]

    def set_transaction_context(self, transaction_context: EvaluationContext) -> None:
        """Keep nothing: who asks is the middleware's to say."""
