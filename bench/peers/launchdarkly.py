"""LaunchDarkly from its file source, which is a test data source here: events switched off, and switched on.

With events on, each evaluation is one that its own threads write and hand to a connection that does nothing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import ldclient
from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, served
from ldclient.config import Config
from ldclient.impl.events.event_processor import DefaultEventProcessor
from ldclient.integrations import Files

HALVES = {"variations": [{"variation": 0, "weight": 50_000}, {"variation": 1, "weight": 50_000}]}


class Answer:
    """That of a server that took what it was sent."""

    status = 202
    headers: Mapping[str, str] = MappingProxyType({})


class Silent:
    """Takes requests and does nothing with them."""

    def request(self, *_what: object, **_how: object) -> Answer:
        """Take one."""
        return Answer()


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


def main() -> None:
    """Serve the ways."""
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
        config = Config("sdk-bench", update_processor_class=source, send_events=False)
        silent = ldclient.LDClient(config, start_wait=10)
        config = Config(
            "sdk-bench",
            update_processor_class=source,
            diagnostic_opt_out=True,
            event_processor_class=lambda config: DefaultEventProcessor(config, http=Silent()),
        )
        logging = ldclient.LDClient(config, start_wait=10)

    def ask(client: ldclient.LDClient, flag: str, unit: str, given: dict[str, object]) -> object:
        context = ldclient.Context.from_dict({"kind": "user", "key": unit, **given})
        return client.variation(flag, context, False)  # noqa: FBT003  # their default

    def written() -> None:
        """Wait until events are handed over: their memory holds no more than two rounds."""
        logging.flush()
        logging._event_processor._wait_until_inactive()  # noqa: SLF001  # there is no other way to know

    asks = {
        f"{name}, {flag}": lambda unit, given, flag=flag, client=client: ask(client, flag, unit, given)
        for name, client in (("launchdarkly", silent), ("launchdarkly with events", logging))
        for flag in flags
    }
    served(asks, asks, between=written)
    silent.close()
    logging.close()


if __name__ == "__main__":
    main()
