"""Unleash from a bootstrapped cache, no fetching, no metrics and no registration."""

from __future__ import annotations

import logging
import tempfile

from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, served
from UnleashClient import UnleashClient
from UnleashClient.cache import FileCache


def feature(name: str, constraints: list[dict[str, object]]) -> dict[str, object]:
    """Write a feature for all who meet the constraints, with two variants."""
    variants = [
        {"name": variant, "weight": 500, "weightType": "variable", "stickiness": "userId"}
        for variant in ("off", "on")
    ]
    strategy = {
        "name": "flexibleRollout",
        "parameters": {"rollout": "100", "stickiness": "userId", "groupId": name},
        "constraints": constraints,
        "variants": variants,
    }
    return {"name": name, "type": "experiment", "enabled": True, "stale": False, "strategies": [strategy]}


def constraint(name: str, operator: str, values: list[str], value: str = "") -> dict[str, object]:
    """Write a condition."""
    return {
        "contextName": name,
        "operator": operator,
        "values": values,
        "value": value,
        "inverted": False,
        "caseInsensitive": False,
    }


def main() -> None:
    """Serve the ways."""
    logging.disable()
    constraints = [
        constraint("country", "IN", list(COUNTRIES)),
        constraint("age", "NUM_GTE", [], str(AT_LEAST)),
        constraint("plan", "IN", [PLAN]),
    ]
    with tempfile.TemporaryDirectory() as folder:
        cache = FileCache("bench", directory=folder)
        features = [feature("plain", []), feature("targeted", constraints)]
        cache.bootstrap_from_dict({"version": 2, "features": features})
        client = UnleashClient(
            url="http://127.0.0.1:9",
            app_name="bench",
            cache=cache,
            disable_metrics=True,
            disable_registration=True,
        )
        client.initialize_client(fetch_toggles=False)

        def ask(flag: str, unit: str, given: dict[str, object]) -> object:
            return client.get_variant(flag, {"userId": unit, "properties": given})["name"] == "on"

        asks = {
            f"unleash, {flag}": lambda unit, given, flag=flag: ask(flag, unit, given)
            for flag in ("plain", "targeted")
        }
        served(asks, asks)
        client.destroy()


if __name__ == "__main__":
    main()
