"""The quality of what is collected, as Prometheus takes it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from splitrun.conduct.collecting.quality import Quality
from splitrun.conduct.collecting.tellings import figures, histograms

__all__ = ["families"]


def families(found: Quality) -> Iterator[Metric]:
    """Give every figure, those of one name together."""
    kept: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for one in figures(found):
        of = kept.get(one.name)
        if of is None:
            make = CounterMetricFamily if one.counts else GaugeMetricFamily
            of = kept[one.name] = make(one.name, one.says, labels=[name for name, _ in one.labels])
        of.add_metric([value for _, value in one.labels], one.value)
    yield from kept.values()
    for each in histograms(found):
        took = HistogramMetricFamily(each.name, each.says, labels=[name for name, _ in each.labels])
        took.add_metric([value for _, value in each.labels], list(each.steps), sum_value=None)
        yield took
