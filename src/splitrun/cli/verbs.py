"""What the command line calls, loaded when first asked for: `--help` and completion load none of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splitrun.assign.transmission import ruleset_schema
    from splitrun.cli.printed import audit_as_json, audit_as_lines, explanation_as_json, explanation_as_tree
    from splitrun.cli.waiting import desk
    from splitrun.conduct.analyze import analyze
    from splitrun.conduct.audit import audit
    from splitrun.conduct.begin import begin_experiment, begin_flag, begin_project, write_schemas
    from splitrun.conduct.designs.assign import assignment, free
    from splitrun.conduct.doctor import doctor
    from splitrun.conduct.explain import explain
    from splitrun.conduct.lint import lint
    from splitrun.conduct.planning.power import forecast_of
    from splitrun.conduct.reading.access import Access
    from splitrun.conduct.reading.readout import Wish, readout
    from splitrun.conduct.registry.keys import keys, make_key, retire_key
    from splitrun.conduct.registry.log import export_log, log, verify_log
    from splitrun.conduct.registry.upkeep import back_up, migrate_registry, restore
    from splitrun.conduct.reports import keep, reports
    from splitrun.conduct.rulesets import publish
    from splitrun.report.text import text
    from splitrun.spec.schema import schema
    from splitrun.spec.starting import FIRST

__all__ = [
    "FIRST",
    "Access",
    "Wish",
    "analyze",
    "assignment",
    "audit",
    "audit_as_json",
    "audit_as_lines",
    "back_up",
    "begin_experiment",
    "begin_flag",
    "begin_project",
    "desk",
    "doctor",
    "explain",
    "explanation_as_json",
    "explanation_as_tree",
    "export_log",
    "forecast_of",
    "free",
    "keep",
    "keys",
    "lint",
    "log",
    "make_key",
    "migrate_registry",
    "publish",
    "readout",
    "reports",
    "restore",
    "retire_key",
    "ruleset_schema",
    "schema",
    "text",
    "verify_log",
    "write_schemas",
]

HOMES = {
    "Access": "splitrun.conduct.reading.access",
    "FIRST": "splitrun.spec.starting",
    "Wish": "splitrun.conduct.reading.readout",
    "analyze": "splitrun.conduct.analyze",
    "assignment": "splitrun.conduct.designs.assign",
    "audit": "splitrun.conduct.audit",
    "audit_as_json": "splitrun.cli.printed",
    "audit_as_lines": "splitrun.cli.printed",
    "back_up": "splitrun.conduct.registry.upkeep",
    "begin_experiment": "splitrun.conduct.begin",
    "begin_flag": "splitrun.conduct.begin",
    "begin_project": "splitrun.conduct.begin",
    "desk": "splitrun.cli.waiting",
    "doctor": "splitrun.conduct.doctor",
    "explain": "splitrun.conduct.explain",
    "explanation_as_json": "splitrun.cli.printed",
    "explanation_as_tree": "splitrun.cli.printed",
    "export_log": "splitrun.conduct.registry.log",
    "forecast_of": "splitrun.conduct.planning.power",
    "free": "splitrun.conduct.designs.assign",
    "keep": "splitrun.conduct.reports",
    "keys": "splitrun.conduct.registry.keys",
    "lint": "splitrun.conduct.lint",
    "log": "splitrun.conduct.registry.log",
    "make_key": "splitrun.conduct.registry.keys",
    "migrate_registry": "splitrun.conduct.registry.upkeep",
    "publish": "splitrun.conduct.rulesets",
    "readout": "splitrun.conduct.reading.readout",
    "reports": "splitrun.conduct.reports",
    "restore": "splitrun.conduct.registry.upkeep",
    "retire_key": "splitrun.conduct.registry.keys",
    "ruleset_schema": "splitrun.assign.transmission",
    "schema": "splitrun.spec.schema",
    "text": "splitrun.report.text",
    "verify_log": "splitrun.conduct.registry.log",
    "write_schemas": "splitrun.conduct.begin",
}


def __getattr__(name: str) -> object:
    """Load a name from the room that it lives in.

    Raises:
        AttributeError: No verb needs it.
    """
    if name not in HOMES:
        raise AttributeError(f"module 'splitrun.cli.verbs' has no attribute {name!r}")
    value: object = getattr(import_module(HOMES[name]), name)
    return value
