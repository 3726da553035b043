"""An assignment or schedule in the documented JSON form `splitrun.assignment/1`, and as columns of a table.

No clock is asked: the same frame and seed give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from splitrun.plan.designs.assignment import Assignment
from splitrun.plan.designs.design import Design, Switchback
from splitrun.plan.designs.salts import Search
from splitrun.plan.designs.switchback import Schedule

__all__ = ["FORM", "assignment_form", "own_columns", "schedule_form", "schedule_rows"]

FORM = "splitrun.assignment/1"
"""Name and version of the form."""

Cells = dict[str, object]


def head(design: Design, seed: int, version: str, digest: str | None) -> Cells:
    """What every design tells of itself."""
    said = design.model_dump(mode="json", exclude_none=True)
    return {"form": FORM, "splitrun": version, "design": said, "seed": seed, "frame": digest}


def assignment_form(found: Assignment, version: str) -> Cells:
    """An assignment, its counts and its balance.

    Args:
        found: What was dealt.
        version: Of Splitrun.
    """
    return {
        **head(found.design, found.seed, version, found.roster.digest),
        "units": len(found.roster.units),
        "salt": found.salt,
        "counts": [asdict(count) for count in found.counts],
        "balance": [asdict(difference) for difference in found.differences],
        "clusters": None if found.clusters is None else asdict(found.clusters),
        "search": None if found.search is None else search_form(found.search),
        "notes": list(found.notes),
    }


def search_form(found: Search) -> Cells:
    """What a salt search tried and found."""
    return {
        "name": found.name,
        "score": found.score.value,
        "best": found.best,
        "first": found.first,
        "quantiles": [{"at": at, "score": score} for at, score in found.quantiles],
        "worst": found.worst,
        "refused": found.refused,
    }


def own_columns(found: Assignment) -> dict[str, list[str]]:
    """The columns that a design adds to the frame, in the order of the frame: variant, and stratum."""
    keys, place = list(found.design.variants), found.roster.places.tolist()
    variant, stratum = [""] * len(place), [""] * len(place)
    for row, code in zip(place, found.split.tolist(), strict=True):
        variant[row] = keys[code]
    if found.strata is None:
        return {"variant": variant}
    for row, code in zip(place, found.strata.code.tolist(), strict=True):
        stratum[row] = found.strata.names[code]
    return {"variant": variant, "stratum": stratum}


def schedule_form(design: Switchback, found: Schedule, seed: int, version: str) -> Cells:
    """A schedule and how often each region has each variant."""
    counts = Counter((period.region, period.variant) for period in found.periods)
    regions = sorted({period.region for period in found.periods})
    return {
        **head(design, seed, version, None),
        "units": len(found.periods),
        "regions": regions,
        "counts": [
            {"of": "period", "stratum": region, "variant": variant, "after": counts[region, variant]}
            for region in regions
            for variant in design.variants
        ],
        "notes": list(found.notes),
    }


def schedule_rows(found: Schedule) -> list[Cells]:
    """A row per region and period; `unit` is the period as a unit of the analysis."""
    return [
        {
            "unit": period.key,
            "region": period.region,
            "period": period.index,
            "variant": period.variant,
            "from": period.start.isoformat(),
            "until": period.until.isoformat(),
            "burn_in_until": period.burn_in_until.isoformat(),
        }
        for period in found.periods
    ]
