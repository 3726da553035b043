"""flagd in process from a file, through the OpenFeature SDK, which is how it is used."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, served
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

HALVES = {"fractional": [["on", 50], ["off", 50]]}
CONDITIONS = {
    "and": [
        {"in": [{"var": "country"}, list(COUNTRIES)]},
        {">=": [{"var": "age"}, AT_LEAST]},
        {"==": [{"var": "plan"}, PLAN]},
    ]
}


def flag(targeting: dict[str, object]) -> dict[str, object]:
    """Write a boolean flag."""
    return {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": targeting,
    }


def main() -> None:
    """Serve the ways."""
    flags = {"plain": flag(HALVES), "targeted": flag({"if": [CONDITIONS, HALVES, "off"]})}
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "flags.json"
    path.write_text(json.dumps({"flags": flags}))
    provider = FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(path))
    api.set_provider_and_wait(provider)
    client = api.get_client()

    def ask(flag: str, unit: str, given: dict[str, object]) -> object:
        return client.get_boolean_value(flag, False, EvaluationContext(unit, given))  # noqa: FBT003  # their default

    asks = {f"flagd, {flag}": lambda unit, given, flag=flag: ask(flag, unit, given) for flag in flags}
    served(asks, asks)
    api.shutdown()
    folder.cleanup()


if __name__ == "__main__":
    main()
