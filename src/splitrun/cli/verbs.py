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
    from splitrun.conduct.begin import (
        begin_experiment,
        begin_flag,
        begin_project,
        show_template,
        told_templates,
        write_schemas,
    )
    from splitrun.conduct.collecting.quality import quality
    from splitrun.conduct.collecting.replay import replay
    from splitrun.conduct.collecting.tellings import examined, quality_as_json
    from splitrun.conduct.definitions.exporting import export
    from splitrun.conduct.demo.loop import demo
    from splitrun.conduct.designs.assign import assignment, free
    from splitrun.conduct.desk import Desk
    from splitrun.conduct.doctor import doctor
    from splitrun.conduct.explain import explain
    from splitrun.conduct.lifecycle.agreeing import approve, sign_off
    from splitrun.conduct.lifecycle.applying import Wanted, applied_form, apply, compare
    from splitrun.conduct.lifecycle.deciding import decide
    from splitrun.conduct.lifecycle.footing import Asked
    from splitrun.conduct.lifecycle.moving import move
    from splitrun.conduct.lifecycle.seals.amending import amend
    from splitrun.conduct.lifecycle.seals.registering import register, restart
    from splitrun.conduct.lifecycle.serving import rulesets_examined, served
    from splitrun.conduct.lifecycle.standing import history, life_form, lives, status_form
    from splitrun.conduct.lifecycle.taken import step_form
    from splitrun.conduct.lint import lint
    from splitrun.conduct.planning.baseline import baseline
    from splitrun.conduct.planning.kept import keep_history, place_of
    from splitrun.conduct.planning.looking import Looking
    from splitrun.conduct.planning.named import file_of
    from splitrun.conduct.planning.power import forecast_of
    from splitrun.conduct.planning.preview import preview, preview_reports
    from splitrun.conduct.reading.access import Access
    from splitrun.conduct.reading.readout import Wish, readout
    from splitrun.conduct.registry.keys import keys, make_key, retire_key
    from splitrun.conduct.registry.log import export_log, log, verify_log
    from splitrun.conduct.registry.place import home
    from splitrun.conduct.registry.upkeep import back_up, migrate_registry, restore
    from splitrun.conduct.reports import keep, reports
    from splitrun.conduct.rulesets import publish
    from splitrun.conduct.serving.access import (
        access_keys,
        first_access_keys,
        make_access_key,
        revoke_access_key,
    )
    from splitrun.conduct.serving.kills import kill, unkill
    from splitrun.govern.lifecycle.table import Verb
    from splitrun.report.differences.shown import (
        difference_as_json,
        difference_as_lines,
        difference_as_markdown,
    )
    from splitrun.report.forms.access import access_key_form, access_keys_form
    from splitrun.report.forms.chain import log_form, verification_form
    from splitrun.report.forms.error import error_form, trouble_form
    from splitrun.report.planning.form import preview_form
    from splitrun.report.planning.history import history_form, history_text
    from splitrun.report.planning.text import preview_text
    from splitrun.report.text import text
    from splitrun.serve.running import assembled, serving
    from splitrun.spec.schema import schema
    from splitrun.spec.templates.starting import FIRST

__all__ = [
    "FIRST",
    "Access",
    "Asked",
    "Desk",
    "Looking",
    "Verb",
    "Wanted",
    "Wish",
    "access_key_form",
    "access_keys",
    "access_keys_form",
    "amend",
    "analyze",
    "applied_form",
    "apply",
    "approve",
    "assembled",
    "assignment",
    "audit",
    "audit_as_json",
    "audit_as_lines",
    "back_up",
    "baseline",
    "begin_experiment",
    "begin_flag",
    "begin_project",
    "compare",
    "decide",
    "demo",
    "desk",
    "difference_as_json",
    "difference_as_lines",
    "difference_as_markdown",
    "doctor",
    "error_form",
    "examined",
    "explain",
    "explanation_as_json",
    "explanation_as_tree",
    "export",
    "export_log",
    "file_of",
    "first_access_keys",
    "forecast_of",
    "free",
    "history",
    "history_form",
    "history_text",
    "home",
    "keep",
    "keep_history",
    "keys",
    "kill",
    "life_form",
    "lint",
    "lives",
    "log",
    "log_form",
    "make_access_key",
    "make_key",
    "migrate_registry",
    "move",
    "place_of",
    "preview",
    "preview_form",
    "preview_reports",
    "preview_text",
    "publish",
    "quality",
    "quality_as_json",
    "readout",
    "register",
    "replay",
    "reports",
    "restart",
    "restore",
    "retire_key",
    "revoke_access_key",
    "ruleset_schema",
    "rulesets_examined",
    "schema",
    "served",
    "serving",
    "show_template",
    "sign_off",
    "status_form",
    "step_form",
    "text",
    "told_templates",
    "trouble_form",
    "unkill",
    "verification_form",
    "verify_log",
    "write_schemas",
]

HOMES = {
    "Access": "splitrun.conduct.reading.access",
    "Asked": "splitrun.conduct.lifecycle.footing",
    "Desk": "splitrun.conduct.desk",
    "FIRST": "splitrun.spec.templates.starting",
    "Looking": "splitrun.conduct.planning.looking",
    "Verb": "splitrun.govern.lifecycle.table",
    "Wanted": "splitrun.conduct.lifecycle.applying",
    "Wish": "splitrun.conduct.reading.readout",
    "access_key_form": "splitrun.report.forms.access",
    "access_keys": "splitrun.conduct.serving.access",
    "access_keys_form": "splitrun.report.forms.access",
    "amend": "splitrun.conduct.lifecycle.seals.amending",
    "analyze": "splitrun.conduct.analyze",
    "applied_form": "splitrun.conduct.lifecycle.applying",
    "apply": "splitrun.conduct.lifecycle.applying",
    "approve": "splitrun.conduct.lifecycle.agreeing",
    "assembled": "splitrun.serve.running",
    "assignment": "splitrun.conduct.designs.assign",
    "audit": "splitrun.conduct.audit",
    "audit_as_json": "splitrun.cli.printed",
    "audit_as_lines": "splitrun.cli.printed",
    "back_up": "splitrun.conduct.registry.upkeep",
    "baseline": "splitrun.conduct.planning.baseline",
    "begin_experiment": "splitrun.conduct.begin",
    "begin_flag": "splitrun.conduct.begin",
    "begin_project": "splitrun.conduct.begin",
    "compare": "splitrun.conduct.lifecycle.applying",
    "decide": "splitrun.conduct.lifecycle.deciding",
    "demo": "splitrun.conduct.demo.loop",
    "desk": "splitrun.cli.waiting",
    "difference_as_json": "splitrun.report.differences.shown",
    "difference_as_lines": "splitrun.report.differences.shown",
    "difference_as_markdown": "splitrun.report.differences.shown",
    "doctor": "splitrun.conduct.doctor",
    "error_form": "splitrun.report.forms.error",
    "examined": "splitrun.conduct.collecting.tellings",
    "explain": "splitrun.conduct.explain",
    "explanation_as_json": "splitrun.cli.printed",
    "explanation_as_tree": "splitrun.cli.printed",
    "export": "splitrun.conduct.definitions.exporting",
    "export_log": "splitrun.conduct.registry.log",
    "file_of": "splitrun.conduct.planning.named",
    "first_access_keys": "splitrun.conduct.serving.access",
    "forecast_of": "splitrun.conduct.planning.power",
    "free": "splitrun.conduct.designs.assign",
    "history": "splitrun.conduct.lifecycle.standing",
    "history_form": "splitrun.report.planning.history",
    "history_text": "splitrun.report.planning.history",
    "home": "splitrun.conduct.registry.place",
    "keep": "splitrun.conduct.reports",
    "keep_history": "splitrun.conduct.planning.kept",
    "keys": "splitrun.conduct.registry.keys",
    "kill": "splitrun.conduct.serving.kills",
    "life_form": "splitrun.conduct.lifecycle.standing",
    "lint": "splitrun.conduct.lint",
    "lives": "splitrun.conduct.lifecycle.standing",
    "log": "splitrun.conduct.registry.log",
    "log_form": "splitrun.report.forms.chain",
    "make_access_key": "splitrun.conduct.serving.access",
    "make_key": "splitrun.conduct.registry.keys",
    "migrate_registry": "splitrun.conduct.registry.upkeep",
    "move": "splitrun.conduct.lifecycle.moving",
    "place_of": "splitrun.conduct.planning.kept",
    "preview": "splitrun.conduct.planning.preview",
    "preview_form": "splitrun.report.planning.form",
    "preview_reports": "splitrun.conduct.planning.preview",
    "preview_text": "splitrun.report.planning.text",
    "publish": "splitrun.conduct.rulesets",
    "quality": "splitrun.conduct.collecting.quality",
    "quality_as_json": "splitrun.conduct.collecting.tellings",
    "readout": "splitrun.conduct.reading.readout",
    "register": "splitrun.conduct.lifecycle.seals.registering",
    "replay": "splitrun.conduct.collecting.replay",
    "reports": "splitrun.conduct.reports",
    "restart": "splitrun.conduct.lifecycle.seals.registering",
    "restore": "splitrun.conduct.registry.upkeep",
    "retire_key": "splitrun.conduct.registry.keys",
    "revoke_access_key": "splitrun.conduct.serving.access",
    "ruleset_schema": "splitrun.assign.transmission",
    "rulesets_examined": "splitrun.conduct.lifecycle.serving",
    "schema": "splitrun.spec.schema",
    "served": "splitrun.conduct.lifecycle.serving",
    "serving": "splitrun.serve.running",
    "show_template": "splitrun.conduct.begin",
    "sign_off": "splitrun.conduct.lifecycle.agreeing",
    "status_form": "splitrun.conduct.lifecycle.standing",
    "step_form": "splitrun.conduct.lifecycle.taken",
    "text": "splitrun.report.text",
    "told_templates": "splitrun.conduct.begin",
    "trouble_form": "splitrun.report.forms.error",
    "verification_form": "splitrun.report.forms.chain",
    "unkill": "splitrun.conduct.serving.kills",
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
