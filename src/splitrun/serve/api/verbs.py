"""The verbs that requests ask for, loaded when first asked for: a server is ready before it has read any."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splitrun.conduct.data.mapping import data_map
    from splitrun.conduct.data.proving import proof_form, proved
    from splitrun.conduct.lifecycle.agreeing import approve, sign_off
    from splitrun.conduct.lifecycle.applying import Wanted, applied_form, apply, compare
    from splitrun.conduct.lifecycle.deciding import decide
    from splitrun.conduct.lifecycle.moving import move
    from splitrun.conduct.lifecycle.seals.amending import amend
    from splitrun.conduct.lifecycle.seals.registering import register, restart
    from splitrun.conduct.lifecycle.standing import history, life_form, lives, status_form, there
    from splitrun.conduct.lifecycle.taken import step_form
    from splitrun.conduct.lint import lint
    from splitrun.conduct.people.opting import opt_out, opted_form
    from splitrun.conduct.people.place import meant
    from splitrun.conduct.planning.named import file_in
    from splitrun.conduct.planning.preview import preview
    from splitrun.conduct.reading.readout import Wish, readout
    from splitrun.conduct.registry.keys import keys, make_key, retire_key
    from splitrun.conduct.registry.log import log, verify_log
    from splitrun.conduct.serving.access import access_keys, make_access_key, revoke_access_key
    from splitrun.report.data.forms import map_form, record_form
    from splitrun.report.differences.shown import difference_as_json
    from splitrun.report.forms.access import access_key_form, access_keys_form
    from splitrun.report.forms.chain import log_form, verification_form
    from splitrun.report.planning.form import preview_form

__all__ = [
    "Wanted",
    "Wish",
    "access_key_form",
    "access_keys",
    "access_keys_form",
    "amend",
    "applied_form",
    "apply",
    "approve",
    "compare",
    "data_map",
    "decide",
    "difference_as_json",
    "file_in",
    "history",
    "keys",
    "life_form",
    "lint",
    "lives",
    "log",
    "log_form",
    "make_access_key",
    "make_key",
    "map_form",
    "meant",
    "move",
    "opt_out",
    "opted_form",
    "preview",
    "preview_form",
    "proof_form",
    "proved",
    "readout",
    "record_form",
    "register",
    "restart",
    "retire_key",
    "revoke_access_key",
    "sign_off",
    "status_form",
    "step_form",
    "there",
    "verification_form",
    "verify_log",
]

HOMES = {
    "data_map": "splitrun.conduct.data.mapping",
    "proof_form": "splitrun.conduct.data.proving",
    "proved": "splitrun.conduct.data.proving",
    "approve": "splitrun.conduct.lifecycle.agreeing",
    "sign_off": "splitrun.conduct.lifecycle.agreeing",
    "Wanted": "splitrun.conduct.lifecycle.applying",
    "applied_form": "splitrun.conduct.lifecycle.applying",
    "apply": "splitrun.conduct.lifecycle.applying",
    "compare": "splitrun.conduct.lifecycle.applying",
    "decide": "splitrun.conduct.lifecycle.deciding",
    "move": "splitrun.conduct.lifecycle.moving",
    "amend": "splitrun.conduct.lifecycle.seals.amending",
    "register": "splitrun.conduct.lifecycle.seals.registering",
    "restart": "splitrun.conduct.lifecycle.seals.registering",
    "history": "splitrun.conduct.lifecycle.standing",
    "life_form": "splitrun.conduct.lifecycle.standing",
    "lives": "splitrun.conduct.lifecycle.standing",
    "status_form": "splitrun.conduct.lifecycle.standing",
    "there": "splitrun.conduct.lifecycle.standing",
    "step_form": "splitrun.conduct.lifecycle.taken",
    "lint": "splitrun.conduct.lint",
    "opt_out": "splitrun.conduct.people.opting",
    "opted_form": "splitrun.conduct.people.opting",
    "meant": "splitrun.conduct.people.place",
    "file_in": "splitrun.conduct.planning.named",
    "preview": "splitrun.conduct.planning.preview",
    "Wish": "splitrun.conduct.reading.readout",
    "readout": "splitrun.conduct.reading.readout",
    "keys": "splitrun.conduct.registry.keys",
    "make_key": "splitrun.conduct.registry.keys",
    "retire_key": "splitrun.conduct.registry.keys",
    "log": "splitrun.conduct.registry.log",
    "verify_log": "splitrun.conduct.registry.log",
    "access_keys": "splitrun.conduct.serving.access",
    "make_access_key": "splitrun.conduct.serving.access",
    "revoke_access_key": "splitrun.conduct.serving.access",
    "map_form": "splitrun.report.data.forms",
    "record_form": "splitrun.report.data.forms",
    "difference_as_json": "splitrun.report.differences.shown",
    "access_key_form": "splitrun.report.forms.access",
    "access_keys_form": "splitrun.report.forms.access",
    "log_form": "splitrun.report.forms.chain",
    "verification_form": "splitrun.report.forms.chain",
    "preview_form": "splitrun.report.planning.form",
}


def __getattr__(name: str) -> object:
    """Load a name from the room that it lives in.

    Raises:
        AttributeError: No request needs it.
    """
    if name not in HOMES:
        raise AttributeError(f"module 'splitrun.serve.api.verbs' has no attribute {name!r}")
    value: object = getattr(import_module(HOMES[name]), name)
    globals()[name] = value
    return value
