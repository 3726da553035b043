"""GrowthBook: one instance given each unit's attributes, and an instance per request as in its docs."""

from __future__ import annotations

from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, served
from growthbook import GrowthBook

RULE = {"key": "bench", "variations": [False, True], "weights": [0.5, 0.5], "hashAttribute": "id"}
CONDITION = {"country": {"$in": list(COUNTRIES)}, "age": {"$gte": AT_LEAST}, "plan": PLAN}
FEATURES = {
    "plain": {"defaultValue": False, "rules": [RULE]},
    "targeted": {"defaultValue": False, "rules": [RULE | {"condition": CONDITION}]},
}


def viewed(**_exposure: object) -> None:
    """Take an exposure and do nothing with it."""


def main() -> None:
    """Serve the ways."""
    shared = GrowthBook(attributes={}, features=FEATURES, on_experiment_viewed=viewed)

    def reused(flag: str, unit: str, given: dict[str, object]) -> object:
        shared.set_attributes({**given, "id": unit})
        return shared.is_on(flag)

    def of_a_request(flag: str, unit: str, given: dict[str, object]) -> object:
        made = GrowthBook(attributes={**given, "id": unit}, features=FEATURES, on_experiment_viewed=viewed)
        return made.is_on(flag)

    asks = {
        f"growthbook {how}, {flag}": lambda unit, given, flag=flag, ask=ask: ask(flag, unit, given)
        for how, ask in (("reused", reused), ("per request", of_a_request))
        for flag in FEATURES
    }
    served(asks, asks, between=shared._tracked.clear)  # noqa: SLF001  # it would hold every exposure for ever


if __name__ == "__main__":
    main()
