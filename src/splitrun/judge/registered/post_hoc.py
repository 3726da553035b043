"""Which comparisons and tests are not as they were sealed, and the list of them: post-hoc analyses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitrun.judge.readout import Comparison, Heterogeneity, Registration
from splitrun.judge.sentences import named

__all__ = ["astray", "in_time", "post_hoc", "stray_test", "whole_of"]


def in_time(registration: Registration | None) -> bool:
    """Whether a plan was sealed before the first unit was exposed."""
    return registration is not None and registration.in_time


def whole_of(registration: Registration | None) -> tuple[str, ...]:
    """The fields that are not as sealed and touch everything."""
    return () if registration is None else registration.reach.whole


def astray(registration: Registration | None, metric: str, segment: str | None = None) -> tuple[str, ...]:
    """The fields that are not as sealed and touch the comparisons of a metric."""
    return () if registration is None else registration.reach.of(metric, segment)


def stray_test(registration: Registration | None, metric: str, segment: str | None) -> tuple[str, ...]:
    """The fields that are not as sealed and touch a test between the levels of a segment."""
    if registration is None:
        return ()
    return tuple(dict.fromkeys((*registration.reach.tests, *registration.reach.of(metric, segment))))


def post_hoc(
    registration: Registration | None,
    comparisons: Sequence[Comparison],
    tests: Sequence[Heterogeneity],
) -> tuple[str, ...]:
    """List what was read and is not as it was sealed, each metric and segment once.

    Args:
        registration: What was sealed; without it nothing can be told apart.
        comparisons: All that were read.
        tests: Tests between the levels of segments.
    """
    return tuple(dict.fromkeys(listed(registration, comparisons, tests)))


def listed(
    registration: Registration | None, comparisons: Sequence[Comparison], tests: Sequence[Heterogeneity]
) -> Iterator[str]:
    """The sentences of that list."""
    for found in comparisons:
        if found.exploratory:
            cut = "" if found.segment is None else f" by {found.segment}"
            yield f"{found.metric}{cut}: not as sealed in {named(found.exploratory)}"
    for test in tests:
        if strays := stray_test(registration, test.metric, test.segment):
            yield (
                f"whether effects on {test.metric} differ between the levels of {test.segment}: "
                f"not as sealed in {named(strays)}"
            )
