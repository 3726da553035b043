"""Eppo's Rust core with a configuration handed over and a logger that does nothing."""

from __future__ import annotations

import json

import eppo_client
from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, served

WHOLE = 10_000


class Silent(eppo_client.AssignmentLogger):
    """Takes assignments and does nothing with them."""

    def log_assignment(self, event: dict[str, object]) -> None:
        """Take one."""


def flag(key: str, conditions: list[dict[str, object]]) -> dict[str, object]:
    """Write a boolean flag with two halves."""
    halves = [
        {
            "variationKey": name,
            "shards": [{"salt": f"{key}-split", "ranges": [{"start": start, "end": start + WHOLE // 2}]}],
            "extraLogging": {},
        }
        for name, start in (("off", 0), ("on", WHOLE // 2))
    ]
    rules = [{"conditions": conditions}] if conditions else []
    return {
        "key": key,
        "enabled": True,
        "variationType": "BOOLEAN",
        "variations": {"off": {"key": "off", "value": False}, "on": {"key": "on", "value": True}},
        "totalShards": WHOLE,
        "allocations": [{"key": "half", "rules": rules, "splits": halves, "doLog": True}],
    }


def main() -> None:
    """Serve the ways."""
    conditions = [
        {"attribute": "country", "operator": "ONE_OF", "value": list(COUNTRIES)},
        {"attribute": "age", "operator": "GTE", "value": AT_LEAST},
        {"attribute": "plan", "operator": "ONE_OF", "value": [PLAN]},
    ]
    flags = {"plain": flag("plain", []), "targeted": flag("targeted", conditions)}
    document = {
        "createdAt": "2026-01-01T00:00:00.000Z",
        "format": "SERVER",
        "environment": {"name": "bench"},
        "flags": flags,
        "bandits": {},
    }
    config = eppo_client.ClientConfig(
        api_key="none",
        base_url="http://127.0.0.1:9",
        assignment_logger=Silent(),
        poll_interval_seconds=None,
        initial_configuration=eppo_client.Configuration(flags_configuration=json.dumps(document).encode()),
    )
    default = False
    ask = eppo_client.init(config).get_boolean_assignment
    asks = {
        "eppo, plain": lambda unit, given: ask("plain", unit, given, default),
        "eppo, targeted": lambda unit, given: ask("targeted", unit, given, default),
    }
    served(asks, asks)


if __name__ == "__main__":
    main()
