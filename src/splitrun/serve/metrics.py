"""`GET /metrics`: how the server fares, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from splitrun.conduct.collecting.quality import Quality
from splitrun.errors import SplitrunError
from splitrun.serve.endpoint import Caller, Endpoint
from splitrun.serve.events import Intake
from splitrun.serve.operations import refusals
from splitrun.serve.rulesets import Rulesets
from splitrun.serve.seen import BOUNDS, Seen
from splitrun.serve.server import Server
from splitrun.serve.watching.families import families
from splitrun.serve.watching.quality import watch_of
from splitrun.store.access.keys import Scope

__all__ = ["ENDPOINTS"]


@dataclass(frozen=True, slots=True, eq=False)
class State(Collector):
    """Reads the server when it is asked."""

    server: Server
    quality: Quality | None
    """Of what is collected; None where nothing is, or where it cannot be read."""
    trouble: str

    def collect(self) -> Iterator[Metric]:
        """Give everything that is counted."""
        yield from requests(self.server.seen)
        ready = GaugeMetricFamily("splitrun_ready", "1 where a part can serve", labels=["part"])
        for name, part in self.server.parts.items():
            ready.add_metric([name], 0.0 if part.ready() else 1.0)
            match part:
                case Rulesets():
                    yield from delivered(part)
                case Intake():
                    yield from taken(part)
                case _:
                    pass
        yield ready
        yield GaugeMetricFamily(
            "splitrun_quality_trouble", "1 where spool or lake cannot be read", value=bool(self.trouble)
        )
        if self.quality is not None:
            yield from families(self.quality)


def requests(seen: Seen) -> Iterator[Metric]:
    """Requests that were answered, and how long they took."""
    answered = CounterMetricFamily(
        "splitrun_requests", "Requests that were answered", labels=["method", "route", "status"]
    )
    for (method, route, status), count in seen.answered.items():
        answered.add_metric([method, route, str(status)], count)
    yield answered
    took = HistogramMetricFamily("splitrun_request_seconds", "How long answers took", labels=["route"])
    ends = [*map(str, BOUNDS), "+Inf"]
    for route, steps in seen.steps.items():
        took.add_metric([route], list(zip(ends, accumulate(steps), strict=True)), seen.seconds[route])
    yield took


def delivered(rulesets: Rulesets) -> Iterator[Metric]:
    """What is served, and to how many streams."""
    version = GaugeMetricFamily("splitrun_ruleset_version", "Version served", labels=["environment"])
    for environment, one in rulesets.known.items():
        version.add_metric([environment], one.version)
    yield version
    yield GaugeMetricFamily("splitrun_ruleset_streams", "Streams that are open", value=rulesets.streams)
    yield GaugeMetricFamily(
        "splitrun_ruleset_trouble", "1 where registry or kills cannot be read", value=bool(rulesets.trouble)
    )


def taken(intake: Intake) -> Iterator[Metric]:
    """What waits in memory and in the spool."""
    yield GaugeMetricFamily("splitrun_intake_bytes", "Bytes of bodies in memory", value=intake.buffered)
    if (writer := intake.writer) is not None:
        yield GaugeMetricFamily(
            "splitrun_spool_bytes", "Bytes that wait for the committer", value=writer.bytes
        )
        yield GaugeMetricFamily(
            "splitrun_spool_parcels", "Batches that wait for the committer", value=writer.parcels
        )
    yield GaugeMetricFamily("splitrun_spool_cap_bytes", "Bytes that may wait", value=intake.cap)


async def metrics(server: Server, _request: Request, _caller: Caller | None) -> Response:
    """Tell how the server fares."""
    quality, trouble = None, ""
    try:
        quality = await watch_of(server).reading()
    except SplitrunError as error:
        trouble = str(error)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(State(server, quality, trouble))
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


ENDPOINTS = (
    Endpoint(
        "GET",
        "/metrics",
        Scope.READ,
        metrics,
        "How the server fares, for Prometheus",
        {
            "responses": {
                "200": {
                    "description": "the text format of Prometheus",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                **refusals(on_401="no key", on_403="the key has not the scope `read`"),
            }
        },
        mode=None,
    ),
)
