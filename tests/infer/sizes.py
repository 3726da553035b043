"""Our answers to the cases of power and sample size."""

from __future__ import annotations

from math import ceil
from typing import Any

from splitrun.infer.power.demands import Demand, Effect, Parts
from splitrun.infer.power.levels import Level, design_effect, mean, share
from splitrun.infer.power.readings import Once
from splitrun.infer.power.split import split_power
from splitrun.infer.power.student import student_power, student_units
from splitrun.plan.power.setting import Flow
from tests.infer.case import Case

__all__ = ["power", "standardised"]

Answers = dict[str, object]


def tail(inputs: dict[str, Any]) -> float:
    return float(inputs["alpha"] / (2 if inputs.get("two_sided", True) else 1))


def halves(level: Level, *, higher: bool = True) -> Demand:
    return Demand(Effect(level, Parts(0.5, 0.5), higher=higher))


def power(case: Case) -> tuple[Answers, Answers]:
    inputs = case.inputs
    near: Answers = {}
    if "w" in inputs:
        # w is the root of the sum of (seen - planned)^2 / planned
        away = inputs["w"] / 2
        found = split_power([0.5 + away, 0.5 - away], [0.5, 0.5], inputs["N"], inputs["alpha"])
        required: Answers = {"power": found}
    elif "p1" in inputs:
        required, near = of_shares(inputs)
    elif "daily_users_per_arm" in inputs:
        demand = halves(mean(0.0, inputs["sd"] ** 2))
        units = float(demand.units(inputs["delta"], Once(tail(inputs)).needed(inputs["power"])))
        flow = Flow(eligible=2 * inputs["daily_users_per_arm"], whole_weeks=False)
        required = {"days": flow.days(units)}
    elif "icc" in inputs:
        required = of_clusters(inputs)
    elif "power" in inputs:
        required = of_size(inputs)
    else:
        required = of_power(inputs)
    return {key: value for key, value in required.items() if key in case.expected}, near


def of_shares(inputs: dict[str, Any]) -> tuple[Answers, Answers]:
    demand = halves(share(inputs["p1"]), higher=inputs["p2"] > inputs["p1"])
    drift = Once(tail(inputs)).needed(inputs["power"])
    n = float(demand.units(abs(inputs["p2"] - inputs["p1"]), drift)) / 2
    return {"n_per_arm_unpooled_z": n}, {"n": n}


def of_clusters(inputs: dict[str, Any]) -> Answers:
    alone = student_units(inputs["delta"] / inputs["sd"], inputs["power"], tail(inputs), either=True)
    effect = design_effect(inputs["m"], inputs["icc"])
    return {
        "n_individual": alone,
        "design_effect": effect,
        "n_clustered_per_arm": alone * effect,
        "clusters_per_arm": ceil(alone * effect / inputs["m"]),
        "design_effect_cv06": design_effect(inputs["m"], inputs["icc"], 0.6),
    }


def of_size(inputs: dict[str, Any]) -> Answers:
    drift = Once(tail(inputs)).needed(inputs["power"])
    effect = inputs["delta"] / inputs["sd"]
    either = inputs.get("two_sided", True)
    return {
        "n_per_arm": student_units(effect, inputs["power"], tail(inputs), either=either),
        "n_per_arm_z": float(halves(mean(0.0, inputs["sd"] ** 2)).units(inputs["delta"], drift)) / 2,
    }


def of_power(inputs: dict[str, Any]) -> Answers:
    """Strict, with rejections on the wrong side, as the oracles count."""
    effect = inputs["d"] if "d" in inputs else inputs["delta"] / inputs["sd"]
    n_c, n_t = (float(inputs[key if key in inputs else "n_per_arm"]) for key in ("n_control", "n_treatment"))
    demand = Demand(Effect(mean(0.0, 1.0), Parts(n_c / (n_c + n_t), n_t / (n_c + n_t)), higher=True))
    drift = demand.drift(effect, n_c + n_t)
    once = Once(tail(inputs))
    return {
        "power": student_power(effect, n_c, n_t, tail(inputs), either=True),
        "power_z": once.power(drift) + once.power(-drift),
    }


def standardised(case: Case) -> tuple[Answers, Answers]:
    inputs = case.inputs
    ratio = inputs["ratio_treat_to_control"]
    parts = Parts(1 / (1 + ratio), ratio / (1 + ratio))
    demand = Demand(Effect(mean(0.0, 1.0), parts, higher=True))
    drift = Once(tail(inputs)).needed(inputs["power"])
    return {
        "n_control_t": student_units(
            inputs["effect_size"], inputs["power"], tail(inputs), ratio=ratio, either=True
        ),
        "n_control_z": float(demand.units(inputs["effect_size"], drift)) * parts.control,
    }, {}
