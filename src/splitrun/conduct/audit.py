"""Recompute every logged exposure of an experiment, and tell what does not agree by why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from splitrun.assign.ruleset import Ruleset
from splitrun.assign.sound import sound
from splitrun.conduct.desk import Desk
from splitrun.conduct.exposures import logged
from splitrun.conduct.rulesets import ruleset_at
from splitrun.errors import Mistake, SpecError
from splitrun.measure.audit import ALIASES, EXPOSURES, OVERRIDES, Audit, audited, listed, unchecked, unknown
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Statement
from splitrun.measure.sql import Work
from splitrun.spec.source import Rows
from splitrun.spec.written.fields import suggested

__all__ = ["Audited", "audit"]


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found, and what it rests on."""

    experiment: str
    rulesets: tuple[int, ...]
    """Versions."""
    found: Audit
    unchecked: tuple[str, ...]
    """Attributes of the audience that the exposures do not carry: it was not recomputed."""
    unknown: tuple[str, ...]
    """Why prerequisites and earlier rules were not recomputed; nothing where they were."""
    sql: tuple[Statement, ...]


def audit(
    experiment: str,
    exposures: Path,
    rulesets: Sequence[Path],
    *,
    environment: str | None = None,
    desk: Desk | None = None,
) -> Audited:
    """Recompute the logged exposures of an experiment.

    Args:
        experiment: Its key.
        exposures: A file of exposures, see `exposures.logged`.
        rulesets: Files of rulesets that were in use, or folders of projects.
        environment: Of the projects; none: the first.
        desk: Somebody to tell how far the work has come.

    Raises:
        SpecError: No ruleset holds the experiment, or a project has mistakes.
        RulesetError: A file is no ruleset.
        DataError: The exposures cannot be read.
    """
    table = desk or Desk()
    table.progress("reading rulesets")
    read = [sound(ruleset_at(place, environment)) for place in rulesets]
    holding = [one for one in read if experiment in one.experiments]
    if not holding:
        raise SpecError([nowhere(experiment, read)])
    table.progress("reading exposures")
    log = logged(exposures, experiment)
    frames = {EXPOSURES: log.exposures, ALIASES: log.aliases, OVERRIDES: overrides(holding, experiment)}
    table.progress("recomputing every exposure")
    with DuckDB(frames=frames) as engine:
        engine.load({name: Rows(frame=name) for name in frames})
        work = Work(engine)
        found = audited(work, holding, experiment, log.kinds)
    asked = [name for one in holding for name in unchecked(one.experiments[experiment], log.kinds)]
    open_ = [why for one in holding for why in unknown(one, experiment, log.kinds)]
    versions = tuple(sorted({one.version for one in holding}))
    return Audited(
        experiment,
        versions,
        found,
        tuple(dict.fromkeys(asked)),
        tuple(dict.fromkeys(open_)),
        tuple(work.done),
    )


def overrides(rulesets: Sequence[Ruleset], experiment: str) -> pa.Table:
    """Give the hashes of lists as columns of text, also where there are none."""
    rows = listed(rulesets, experiment)
    return pa.table({name: pa.array(values, pa.string()) for name, values in rows.items()})


def nowhere(experiment: str, rulesets: Sequence[Ruleset]) -> Mistake:
    """Say that no ruleset holds the experiment."""
    known = dict.fromkeys(key for one in rulesets for key in one.experiments)
    says = f"no ruleset given holds an experiment {experiment[:128]!r}"
    return Mistake(says, suggested(experiment, known))
