"""How dear the OpenFeature provider is: beside openfeature-sdk's own in-memory provider, in the same run.

The same question goes through openfeature-sdk to both: theirs answers a static value, ours evaluates the
experiment and logs the exposure. `ways()` is what `bench.evaluate` asks in its turns; by itself it is run by
`python -m bench.openfeature`.
"""

from __future__ import annotations

import statistics
import sys

from bench.evaluating import Ask, rounds
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from splitrun.assign.evaluator import Evaluator
from splitrun.sdk.client import Client
from splitrun.sdk.event import Accepted
from splitrun.sdk.openfeature import SplitrunProvider
from splitrun.sdk.settings import Answer

__all__ = ["AT_MOST", "MEMORY", "OURS", "SEEN", "ways"]

MEMORY = "openfeature, its in-memory provider"
OURS = "openfeature, splitrun, first exposure"
SEEN = "openfeature, splitrun, seen unit"
AT_MOST = 1.2
"""The goal: ours over theirs."""


class Away:
    """Takes every batch."""

    def send(self, body: bytes, /) -> Answer:
        """Take a batch."""
        del body
        return Answer(202, Accepted(0))


def ways(evaluator: Evaluator, flag: str = "plain") -> dict[str, Ask]:
    """Theirs and ours.

    Args:
        evaluator: Holds a boolean flag with two halves.
        flag: Its key.
    """
    api.set_provider_and_wait(
        InMemoryProvider({flag: InMemoryFlag("on", {"off": False, "on": True})}), "memory"
    )
    # room enough that nothing is dropped: dropping is not what is measured
    client = Client(
        ruleset=evaluator.ruleset, delivery=Away(), queue=2_000_000, queue_bytes=10**11, remember=10_000_000
    )
    api.set_provider_and_wait(SplitrunProvider(client=client), "splitrun")
    memory, ours = api.get_client("memory"), api.get_client("splitrun")
    # one unit is asked again and again: its exposure is logged once
    return {
        MEMORY: through(memory, flag),
        OURS: through(ours, flag),
        SEEN: lambda _unit, given: through(ours, flag)("seen", given),
    }


def through(client: OpenFeatureClient, flag: str) -> Ask:
    """Ask a client as a product does."""
    return lambda unit, given: client.get_boolean_value(flag, False, EvaluationContext(unit, given))  # type: ignore[arg-type]  # noqa: FBT003


def main() -> None:
    """Ask in turns, and say whether the goal holds."""
    from bench.evaluate import evaluator  # noqa: PLC0415 - which asks us, too

    quick = "--quick" in sys.argv
    took = rounds(ways(evaluator()), 5_000 if quick else 20_000, 3 if quick else 11)
    for way, figures in took.items():
        ratio = statistics.median(one / other for one, other in zip(figures, took[MEMORY], strict=True))
        sys.stdout.write(f"{way}: {1e6 * statistics.median(figures):.2f} µs of CPU, {ratio:.2f} x theirs\n")


if __name__ == "__main__":
    main()
