"""The JSON form of a forecast: versioned, documented in docs/power.md."""

from __future__ import annotations

from dataclasses import asdict

from splitrun.plan.power.forecast import Forecast, Split

__all__ = ["FORM", "form"]

FORM = "splitrun.power/1"
"""Rises when a field goes or changes its meaning; a new field leaves it as it is."""


def form(found: Forecast) -> dict[str, object]:
    """A forecast as its documented JSON form: numbers in full precision, and null where there is none."""
    return {
        "form": FORM,
        "key": found.key,
        "method": found.method.value,
        "power": found.power,
        "power_each": found.each,
        "variants": [{"key": variant.key, "weight": variant.weight} for variant in found.variants],
        "needed": {
            "units": found.units,
            "by_variant": by_variant(found.by_variant),
            "days": found.days,
            "enrolment_days": found.enrolment,
        },
        "planned": {
            "units": found.planned,
            "days": found.planned_days,
            "power_together": found.together,
            "power_if_independent": found.independent,
        },
        "metrics": [
            {
                **asdict(need),
                "role": need.role.value,
                "aim": need.aim.value,
                "by_variant": by_variant(need.by_variant),
            }
            for need in found.needs
        ],
        "guardrails": [asdict(cost) for cost in found.costs],
        "methods": [{**asdict(price), "method": price.method.value} for price in found.prices],
        "curve": [asdict(point) for point in found.curve],
        "advice": [asdict(each) for each in found.advice],
    }


def by_variant(splits: tuple[Split, ...]) -> dict[str, int]:
    """Units by variant."""
    return {split.variant: split.units for split in splits}
