"""PostHog with definitions handed over, evaluated locally: one flag, with and without events, and a snapshot.

With events a flag logs `$feature_flag_called` once for each unit, which is the default; the snapshot of its
docs logs when a flag is read. Sending is switched off.
"""

from __future__ import annotations

import warnings

from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, served
from posthog import Posthog


def flag(key: str, properties: list[dict[str, object]]) -> dict[str, object]:
    """Write a flag with two variants for all who meet the conditions."""
    variants = [{"key": name, "rollout_percentage": 50} for name in ("off", "on")]
    return {
        "id": 1,
        "key": key,
        "name": key,
        "active": True,
        "deleted": False,
        "filters": {
            "groups": [{"properties": properties, "rollout_percentage": 100}],
            "multivariate": {"variants": variants},
        },
    }


def condition(key: str, operator: str, value: object) -> dict[str, object]:
    """Write a condition."""
    return {"key": key, "operator": operator, "value": value, "type": "person"}


def main() -> None:
    """Serve the ways."""
    warnings.simplefilter("ignore")
    client = Posthog("phc_bench", host="http://127.0.0.1:9", send=False, enable_local_evaluation=False)
    client.feature_flags = [
        flag("plain", []),
        flag(
            "targeted",
            [
                condition("country", "exact", list(COUNTRIES)),
                condition("age", "gte", AT_LEAST),
                condition("plan", "exact", [PLAN]),
            ],
        ),
    ]

    def logged(flag: str, unit: str, given: dict[str, object]) -> object:
        return (
            client.get_feature_flag(flag, unit, person_properties=given, only_evaluate_locally=True) == "on"
        )

    def silent(flag: str, unit: str, given: dict[str, object]) -> object:
        found = client.get_feature_flag(
            flag, unit, person_properties=given, only_evaluate_locally=True, send_feature_flag_events=False
        )
        return found == "on"

    def snapshot(flag: str, unit: str, given: dict[str, object]) -> object:
        found = client.evaluate_flags(
            unit, person_properties=given, only_evaluate_locally=True, flag_keys=[flag]
        )
        return found.get_flag(flag) == "on"

    asks = {
        f"posthog {how}, {flag}": lambda unit, given, flag=flag, ask=ask: ask(flag, unit, given)
        for how, ask in (("silent", silent), ("with events", logged), ("snapshot", snapshot))
        for flag in ("plain", "targeted")
    }
    served(asks, asks)


if __name__ == "__main__":
    main()
