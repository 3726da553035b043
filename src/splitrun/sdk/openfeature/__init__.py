"""Splitrun behind the OpenFeature API: `api.set_provider_and_wait(SplitrunProvider(url, key=...))`.

Needs `pip install 'splitrun[openfeature]'`. The provider evaluates in memory and logs exposures as a client
does; `RequestContext` hands what the middleware knows of a request to OpenFeature; the hook for OpenTelemetry
is in `splitrun.sdk.openfeature.telemetry`.
"""

from __future__ import annotations

from splitrun.sdk.openfeature.provider import SplitrunProvider
from splitrun.sdk.openfeature.request import RequestContext

__all__ = ["RequestContext", "SplitrunProvider"]
