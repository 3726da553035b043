"""The JSON form of a readout: versioned, documented in docs/readout.md, and made nowhere else."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files

from splitrun.infer.estimate import Estimate, Unknown
from splitrun.judge.readout import (
    Adjusted,
    Arm,
    Capped,
    Comparison,
    Decision,
    Lineage,
    Look,
    Part,
    Parts,
    Readout,
)
from splitrun.judge.sentences import held_back
from splitrun.report.registration.form import registration
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Hypothesis
from splitrun.spec.plan import PlannedMetric

__all__ = ["FORM", "Json", "form", "schema", "written"]

Json = dict[str, object]

FORM = "splitrun.readout/1"
"""Rises when a field goes or changes its meaning; a new field leaves it as it is."""

UNDECIDED = "decisions from a registered rule are not built yet; read the verdicts and guardrails"


def form(readout: Readout) -> Json:
    """The readout as its documented JSON form: numbers in full precision, and null where there is none."""
    plan = readout.plan
    planned = {metric.key: metric for metric in plan.metrics}
    return {
        "form": FORM,
        "experiment": plan.key,
        "title": plan.title,
        "hypothesis": expected(plan.hypothesis),
        "registered": readout.registered,
        "registration": None if readout.registration is None else registration(readout.registration),
        "made_at": moment(readout.made_at),
        "as_of": moment(readout.as_of),
        "first_exposure": moment(readout.first_exposure),
        "last_exposure": moment(readout.last_exposure),
        "look": None if readout.look is None else look(readout.look),
        "units": [
            {
                "variant": count.variant,
                "weight": count.weight,
                "exposed": count.exposed,
                "analysed": count.analysed,
            }
            for count in readout.units
        ],
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity.value,
                "says": finding.says,
                "next": finding.next,
            }
            for finding in readout.findings
        ],
        "estimates": [comparison(found, planned[found.metric]) for found in readout.comparisons],
        "heterogeneity": heterogeneity(readout),
        "post_hoc": list(readout.post_hoc),
        "limitations": list(readout.limitations),
        "decision": decided(readout.decision),
        "lineage": lineage(readout.lineage, plan.model_dump(mode="json")),
    }


def decided(found: Decision | None) -> Json:
    """What follows by the default rule, or that nothing does yet."""
    if found is None:
        return {"value": None, "says": UNDECIDED}
    return {"value": found.value.value, "says": found.says}


def expected(hypothesis: Hypothesis) -> Json:
    """What is changed, why, and what is expected of it."""
    return {
        "change": hypothesis.change,
        "because": hypothesis.because,
        "expect": {
            "metric": hypothesis.expect.metric,
            "direction": hypothesis.expect.direction.value,
            "mei": size(hypothesis.expect.mei),
        },
    }


def written(readout: Readout) -> str:
    """The form as JSON text; not-a-number and infinity are refused, for they never belong there."""
    return json.dumps(form(readout), ensure_ascii=False, allow_nan=False, indent=2)


def schema() -> Json:
    """The JSON Schema (draft 2020-12) of the form."""
    text = files("splitrun.report").joinpath("form.schema.json").read_text(encoding="utf-8")
    parsed: Json = json.loads(text)
    return parsed


def comparison(found: Comparison, planned: PlannedMetric) -> Json:
    """One comparison and what it was held against."""
    return {
        "metric": found.metric,
        "role": found.role.value,
        "kind": planned.metric.kind,
        "better": planned.metric.better.value,
        "variant": found.variant,
        "segment": None if found.segment is None else {"key": found.segment, "level": found.level},
        "control": arm(found.control),
        "treatment": arm(found.treatment),
        "absolute": reading(found.absolute),
        "relative": reading(found.relative),
        "mei": None if planned.mei is None else size(planned.mei),
        "margin": None if planned.guardrail is None else size(planned.guardrail.margin),
        "p": found.p,
        "p_adjusted": found.p_adjusted,
        "p_adjustment": None if found.p_adjustment is None else found.p_adjustment.value,
        "adjusted": None if found.adjusted is None else adjusted(found.adjusted),
        "capped": None if found.capped is None else capped(found.capped),
        "parts": None if found.parts is None else parts(found.parts),
        "design_effect": found.design_effect,
        "outlook": None if found.outlook is None else asdict(found.outlook),
        "verdict": found.verdict.value,
        "guardrail": None if found.guardrail is None else found.guardrail.value,
        "says": found.says,
        "registered": found.registered,
        "exploratory": list(found.exploratory),
        "suppressed": None if found.suppressed is None else suppressed(found.suppressed),
    }


def suppressed(least: int) -> Json:
    """That a level is not shown, and why."""
    return {"min_cell": least, "says": held_back(least)}


def arm(side: Arm) -> Json:
    """One side of a comparison."""
    return {
        "units": side.units,
        "exposed": side.exposed,
        "mean": side.mean,
        "clusters": side.clusters,
        "zeros": side.zeros,
        "capped": side.capped,
    }


def look(found: Look) -> Json:
    """The planned look that the readout counts as."""
    return {
        "number": found.number,
        "planned": found.planned,
        "at": moment(found.at),
        "following": moment(found.following),
    }


def adjusted(found: Adjusted) -> Json:
    """What was adjusted for, and the effect without it."""
    return {
        "covariates": list(found.covariates),
        "reduction": found.reduction,
        "unadjusted": part(found.unadjusted),
    }


def capped(found: Capped) -> Json:
    """The cap, and the effect without it."""
    return {
        "at": list(found.at),
        "origin": found.origin.value,
        "uncapped": None if found.uncapped is None else part(found.uncapped),
    }


def parts(found: Parts) -> Json:
    """Numerator and denominator of a ratio."""
    return {
        "numerator": None if found.numerator is None else part(found.numerator),
        "denominator": part(found.denominator),
        "moved": found.moved,
    }


def part(found: Part) -> Json:
    """An effect beside the one that is judged."""
    return {
        "control": found.control,
        "treatment": found.treatment,
        "absolute": reading(found.absolute),
        "relative": reading(found.relative),
    }


def reading(found: Estimate | Unknown) -> Json:
    """An estimate, or why there is none."""
    match found:
        case Unknown(why=why):
            return {"unknown": why.name.lower(), "says": why.says}
        case Estimate():
            return {
                "effect": found.effect,
                "stderr": found.stderr,
                "low": found.low,
                "high": found.high,
                "level": found.level,
                "kind": found.kind.value,
                "side": found.side.value,
            }


def heterogeneity(readout: Readout) -> list[Json]:
    """Cochran's Q of primaries over the levels of segments."""
    return [
        {
            "metric": found.metric,
            "variant": found.variant,
            "segment": found.segment,
            "q": found.q,
            "dof": found.dof,
            "p": found.p,
            "p_adjusted": found.p_adjusted,
            "withheld": found.withheld,
            "registered": found.registered,
        }
        for found in readout.heterogeneity
    ]


def lineage(origin: Lineage, plan: Json) -> Json:
    """What the readout was made of."""
    return {
        "spec": {"digest": origin.plan_digest, "plan": plan},
        "data": [
            {
                "name": facts.name,
                "form": facts.form,
                "where": facts.where,
                "rows": facts.rows,
                "digest": facts.digest,
            }
            for facts in origin.data
        ],
        "sql": [{"name": statement.name, "sql": statement.sql} for statement in origin.sql],
        "versions": dict(origin.versions),
    }


def size(amount: Size) -> Json:
    """An amount of change."""
    return {"value": amount.value, "relative": amount.relative}


def moment(at: datetime | None) -> str | None:
    """A moment with its zone, as ISO 8601."""
    return None if at is None else at.isoformat()
