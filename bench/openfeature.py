"""The OpenFeature provider beside openfeature-sdk's own in-memory provider, both asked through that SDK.

Theirs answers a static value; ours evaluates the experiment and logs the exposure.
"""

from __future__ import annotations

from bench.evaluating import Ask, served
from bench.ours import FLAGS, client
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from splitrun.sdk.openfeature import SplitrunProvider


def through(asked: OpenFeatureClient, flag: str) -> Ask:
    """Ask a client as a product does."""
    return lambda unit, given: asked.get_boolean_value(flag, False, EvaluationContext(unit, given))  # type: ignore[arg-type]  # noqa: FBT003  # their type is narrower, and their default positional


def main() -> None:
    """Serve the ways."""
    variants: dict[str, object] = {"off": False, "on": True}
    memory = InMemoryProvider({"plain": InMemoryFlag("on", variants)})
    api.set_provider_and_wait(memory, "memory")
    made = client()
    api.set_provider_and_wait(SplitrunProvider(client=made), "splitrun")
    ours = api.get_client("splitrun")
    asks = {"openfeature, their in-memory provider": through(api.get_client("memory"), "plain")}
    again = {}
    for flag in FLAGS:
        first, seen = f"openfeature, ours, first exposure, {flag}", f"openfeature, ours, seen unit, {flag}"
        asks[first] = asks[seen] = through(ours, flag)
        again[seen] = first
    served(asks, [way for way in asks if "ours" in way], between=made.flush, again=again)
    api.shutdown()


if __name__ == "__main__":
    main()
