"""Statsig's Rust core from a data store, without network; gates of half of all units, no exposures."""

from __future__ import annotations

import json

from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, served
from statsig_python_core import (
    DataStore,
    DataStoreResponse,
    FeatureGateEvaluationOptions,
    Statsig,
    StatsigOptions,
    StatsigUser,
)

CONDITIONS = {
    "1": ("public", None, None, None),
    "2": ("user_field", "country", "any", list(COUNTRIES)),
    "3": ("user_field", "age", "gte", AT_LEAST),
    "4": ("user_field", "plan", "any", [PLAN]),
}


def gate(key: str, conditions: list[str]) -> dict[str, object]:
    """Write a gate that half of those pass who meet the conditions."""
    rule = {
        "name": key,
        "groupName": key,
        "passPercentage": 50,
        "conditions": conditions,
        "returnValue": True,
        "id": f"{key}-rule",
        "salt": f"{key}-salt",
        "idType": "userID",
    }
    return {
        "type": "feature_gate",
        "salt": key,
        "enabled": True,
        "defaultValue": False,
        "rules": [rule],
        "idType": "userID",
        "entity": "feature_gate",
    }


def document() -> str:
    """Write what the server would send."""
    conditions = {
        name: {
            "type": kind,
            "field": field,
            "operator": operator,
            "targetValue": target,
            "additionalValues": {},
            "idType": "userID",
        }
        for name, (kind, field, operator, target) in CONDITIONS.items()
    }
    return json.dumps(
        {
            "feature_gates": {"plain": gate("plain", ["1"]), "targeted": gate("targeted", ["2", "3", "4"])},
            "dynamic_configs": {},
            "layer_configs": {},
            "experiment_to_layer": {},
            "condition_map": conditions,
            "has_updates": True,
            "time": 1723061643057,
            "company_id": "bench",
            "response_format": "dcs-v2",
            "id_lists": {},
            "diagnostics": {},
            "sdk_keys_to_app_ids": {},
        }
    )


class Store(DataStore):
    """Hands the document over."""

    def get(self, _key: str) -> DataStoreResponse:
        """Read it, whatever the key."""
        return DataStoreResponse(result=document(), time=1723061643057)


def main() -> None:
    """Serve the ways."""
    options = StatsigOptions()
    options.disable_network = True
    options.disable_all_logging = True
    options.data_store = Store()
    statsig = Statsig("secret-bench", options)
    statsig.initialize().wait()
    silent = FeatureGateEvaluationOptions(disable_exposure_logging=True)
    check = statsig.check_gate
    asks = {
        "statsig, plain": lambda unit, given: check(StatsigUser(unit, custom=given), "plain", silent),
        "statsig, targeted": lambda unit, given: check(StatsigUser(unit, custom=given), "targeted", silent),
    }
    served(asks, asks)


if __name__ == "__main__":
    main()
