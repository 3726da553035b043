"""LaunchDarkly from its file source, which is a test data source here, events switched off."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import ldclient
from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, Ask, served
from ldclient.config import Config
from ldclient.integrations import Files

HALVES = {"variations": [{"variation": 0, "weight": 50_000}, {"variation": 1, "weight": 50_000}]}


def clause(attribute: str, op: str, values: list[object]) -> dict[str, object]:
    """Write a condition."""
    return {"attribute": attribute, "op": op, "values": values, "negate": False, "contextKind": "user"}


def flag(key: str, rules: list[dict[str, object]]) -> dict[str, object]:
    """Write a flag with two halves; where there are rules those that meet none get the first."""
    return {
        "key": key,
        "on": True,
        "trackEvents": True,
        "version": 1,
        "salt": key,
        "variations": [False, True],
        "offVariation": 0,
        "fallthrough": {"variation": 0} if rules else {"rollout": HALVES},
        "rules": rules,
    }


def made(**options: object) -> ldclient.LDClient:
    """Make a client that has read the flags."""
    clauses = [
        clause("country", "in", list(COUNTRIES)),
        clause("age", "greaterThanOrEqual", [AT_LEAST]),
        clause("plan", "in", [PLAN]),
    ]
    flags = {
        "plain": flag("plain", []),
        "targeted": flag("targeted", [{"id": "rule", "clauses": clauses, "rollout": HALVES}]),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flags.json"
        path.write_text(json.dumps({"flags": flags}))
        source = Files.new_data_source(paths=[str(path)])
        config = Config("sdk-bench", update_processor_class=source, **options)
        return ldclient.LDClient(config, start_wait=10)


def asking(client: ldclient.LDClient, name: str) -> dict[str, Ask]:
    """Ask a client for both flags."""

    def ask(flag: str, unit: str, given: dict[str, object]) -> object:
        context = ldclient.Context.from_dict({"kind": "user", "key": unit, **given})
        return client.variation(flag, context, False)  # noqa: FBT003  # their default

    return {
        f"{name}, {flag}": lambda unit, given, flag=flag: ask(flag, unit, given)
        for flag in ("plain", "targeted")
    }


def main() -> None:
    """Serve the ways."""
    asks = asking(made(send_events=False), "launchdarkly")
    served(asks, asks)


if __name__ == "__main__":
    main()
