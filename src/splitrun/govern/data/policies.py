"""What the fields are for that every installation keeps, by store; a test holds them against the schemas."""

from __future__ import annotations

import re
from collections.abc import Mapping

from splitrun.spec.privacy.fields import Policy
from splitrun.spec.privacy.held import Classification

__all__ = ["FILES", "LOGS", "policy_of"]

PUBLIC, INTERNAL = Classification.PUBLIC, Classification.INTERNAL
PERSONAL, SENSITIVE = Classification.PERSONAL, Classification.SENSITIVE

Said = tuple[str, Classification, str]
"""What for, how close to a person, and who reads it, parted by commas."""

COMMON: Mapping[str, Said] = {
    "date": ("to keep days apart, so that they can be let go of whole", INTERNAL, "readouts, upkeep"),
    "unit_key": ("to tell units apart under a pseudonym", PERSONAL, "readouts, forget, subject-export"),
    "unit": ("the id itself, where the project chose to keep it", SENSITIVE, "audit-assignment"),
    "unit_type": ("to know what is randomised", INTERNAL, "readouts"),
    "epoch": ("to know under which key the pseudonym was made", INTERNAL, "readouts, forget"),
    "time": ("to place what happened in time", PERSONAL, "readouts"),
    "received": ("to tell what was late, and how fresh rows are", INTERNAL, "readouts, data quality"),
    "event_id": ("to keep each event once", INTERNAL, "committer, readouts"),
    "release": ("to tell releases of the product apart", INTERNAL, "readouts"),
    "sdk": ("to find clients that send what is wrong", INTERNAL, "data quality"),
    "sequence": ("to read the same rows again", INTERNAL, "readouts"),
}

HAPPENED: Mapping[str, Said] = {
    "name": ("to know what a unit did", PERSONAL, "metrics"),
    "value": ("to measure what a unit did", PERSONAL, "metrics"),
}

LAKE: Mapping[str, Mapping[str, Said]] = {
    "lake/exposures": {
        "flag": ("to know which flag was asked", INTERNAL, "audit-assignment"),
        "experiment": ("to know which experiment a unit is in", INTERNAL, "readouts"),
        "version": ("to know which deal of the units it was", INTERNAL, "readouts"),
        "phase": ("to know the phase of the ramp", INTERNAL, "readouts"),
        "variant": ("to know what a unit met", PERSONAL, "readouts"),
        "ruleset": ("to recompute the variant", INTERNAL, "audit-assignment"),
        "reason": ("to know why the variant was served", INTERNAL, "readouts, audit-assignment"),
        "detail": ("to know which rule served it", INTERNAL, "audit-assignment"),
        "trigger": ("to know when a unit could notice the change", INTERNAL, "readouts"),
        "enrolling": ("to leave out who came while nobody was enrolled", INTERNAL, "readouts"),
        "outcome": ("to find assignments that the rules do not give", INTERNAL, "doubts, data quality"),
    },
    "lake/events": HAPPENED,
    "lake/heartbeats": {
        **HAPPENED,
        "properties": ("empty: the server sends itself none", INTERNAL, "data quality"),
    },
    "lake/aliases": {
        "was_key": ("to know which pseudonyms are one unit", PERSONAL, "readouts, forget"),
        "was_type": ("to know what kind of id it was", INTERNAL, "readouts"),
    },
}

HEEDS = "intake, committer, readouts"

ORIGIN: Mapping[str, Said] = {
    "number": ("to keep the order", INTERNAL, "committer"),
    "at": ("to know when it was received", INTERNAL, "committer, retention"),
    "project": ("to know whose it is", INTERNAL, "committer"),
    "environment": ("to know whose it is", INTERNAL, "committer"),
    "key": ("to know which API key sent it, by its id", INTERNAL, "operators"),
}

COUNTED: Mapping[str, Said] = dict.fromkeys(
    [
        *("day", "project", "environment", "sdk", "reason", "events", "kind", "first", "last", "example"),
        *("bound", "at", "stored"),
    ],
    ("to count what became of events, without units", INTERNAL, "data quality"),
)

SPOOL: Mapping[str, Mapping[str, Said]] = {
    "spool/parcels": {
        **ORIGIN,
        "events": ("to know how many events wait", INTERNAL, "committer"),
        "packed": ("to know how the body is written", INTERNAL, "committer"),
        "rejected": ("to know which events were not taken", INTERNAL, "committer"),
        "form": ("to know how the body is written", INTERNAL, "committer"),
        "bytes": ("to keep to the size of the spool", INTERNAL, "intake"),
        "body": ("a batch as it came, encrypted, until it is in the lake", SENSITIVE, "committer"),
    },
    "spool/letters": {
        **ORIGIN,
        "code": ("to know why it is no row of the lake", INTERNAL, "data quality, replay"),
        "says": ("to know what is to be mended", INTERNAL, "operators"),
        "parcel": ("to know which batch it came in", INTERNAL, "replay"),
        "place": ("to know where in the batch it stood", INTERNAL, "replay"),
        "body": ("the event as it came, encrypted, to be sent again", SENSITIVE, "replay"),
    },
    "spool/about": {
        "name": ("to name the spool and its form", INTERNAL, "committer"),
        "value": ("to name the spool and its form", INTERNAL, "committer"),
    },
    "spool/held": {
        "parcels": ("to know how much waits", INTERNAL, "intake, data quality"),
        "bytes": ("to keep to the size of the spool", INTERNAL, "intake, data quality"),
    },
    **{f"spool/{name}": COUNTED for name in ("counts", "warnings", "lags", "beats")},
}

WISHES: Mapping[str, Mapping[str, Said]] = {
    "people/list": {
        "token": (
            "to know a unit again that opted out or was forgotten, and name it nowhere",
            PERSONAL,
            HEEDS,
        ),
        "kind": ("to know whether it may opt in again", INTERNAL, HEEDS),
        "day": ("to know since when nothing is kept of it", INTERNAL, HEEDS),
        "sealed": ("its pseudonyms, encrypted, while rows of it may be there", PERSONAL, "readouts, forget"),
    },
    "people/journal": {
        "tokens": ("to end an erasure that was stopped", PERSONAL, "forget"),
        **dict.fromkeys(("actor", "reason"), ("to know who had units erased, and why", PERSONAL, "audit")),
        **dict.fromkeys(
            "case at backups linked shared waiting letters tables arms".split(),  # noqa: SIM905 - one word a field
            ("to count what was erased, for the certificate", INTERNAL, "forget, audit"),
        ),
    },
}

FILES: Mapping[str, Mapping[str, Said]] = {
    "keys/files": {
        "signing": ("to sign the audit chain, rulesets and kills", SENSITIVE, "verbs, server"),
        "pseudonym": ("to make pseudonyms, and to know which key made them", SENSITIVE, "committer, forget"),
        "erasure": ("to know again who opted out or was forgotten", SENSITIVE, HEEDS),
        "spool": ("to encrypt what waits, and dead letters", SENSITIVE, "intake, committer"),
        "otlp": ("to give records of OpenTelemetry ids that tell no unit", SENSITIVE, "intake"),
    },
    "kills/flags": {
        **dict.fromkeys(("actor", "reason"), ("to know who did what, and why", PERSONAL, "audit, verify")),
        **dict.fromkeys(
            ("flag", "environment", "at", "verb"), ("to switch a flag off at once", INTERNAL, "server, audit")
        ),
    },
    "seen/window": dict.fromkeys(
        ("versions", "runs", "touched", "days"),
        ("to keep each event once, by fingerprints of the ids of events", INTERNAL, "committer"),
    ),
    "lake/log": {
        "(whole)": (
            "which files a table has, and what came in by day and SDK",
            INTERNAL,
            "whoever reads the lake",
        )
    },
    "registry/head": {
        "(whole)": ("the newest entry of the chain, to notice where it is cut off", INTERNAL, "verify")
    },
    "registry/documents": {
        "body": ("definitions; those of lists hold salted hashes of ids of units", PERSONAL, "verbs, verify")
    },
    "registry/rulesets": {
        "document": (
            "what clients were served; lists are salted hashes of ids",
            PERSONAL,
            "server, clients, verify",
        )
    },
}
"""What stands in files beside, and columns of the registry that tell more than the rest of their table."""

PEOPLE = ("actor", "reason")
"""Columns of the registry that name whoever acted, or hold what they wrote."""


def policy_of(store: str, field: str) -> Policy | None:
    """Give the policy of a field that every installation keeps; None where there is none.

    Args:
        store: Like `lake/events`.
        field: Like `unit_key`.
    """
    known = {
        **(COMMON if store.startswith("lake/") else {}),
        **LAKE.get(store, {}),
        **SPOOL.get(store, {}),
        **FILES.get(store, {}),
    }
    said = known.get(re.sub(r"^(unit_key|was_key)_\d+$", r"\1", field) if store in LAKE else field)
    if said is None:
        said = kept_of_work(store, field)
    return None if said is None else Policy(said[0], said[1], tuple(said[2].split(", ")))


def kept_of_work(store: str, field: str) -> Said | None:
    """What is kept of the work on experiments: by whoever experiments, not of units."""
    room, _, table = store.partition("/")
    match room, table:
        case "registry", ("entries" | "documents" | "lives" | "plans" | "rulesets" | "keys" | "tokens"):
            if field in PEOPLE:
                return ("to know who did what, and why", PERSONAL, "audit, verify")
            return (REGISTRY[table], INTERNAL, "the verbs of the life cycle, verify")
        case "access", "keys":
            if field == "hash":
                return ("to know a key again without keeping its secret", SENSITIVE, "server")
            return ("to know what a key is good for, and since when", INTERNAL, "server, operators")
        case "people", _:
            return WISHES.get(store, {}).get(field)
        case "log", "server":
            return LOGS.get(field)
        case "exports", _:
            return EXPORTS.get(table)
        case _:
            return None


REGISTRY: Mapping[str, str] = {
    "entries": "the audit chain: every step, signed, with what it was done to",
    "documents": "definitions of metrics, flags and experiments",
    "lives": "where each experiment stands",
    "plans": "sealed plans of experiments",
    "rulesets": "what clients were served",
    "keys": "public keys that signed the chain",
    "tokens": "steps that were asked for twice are taken once",
}

LOGS: Mapping[str, Said] = {
    "time": ("to know when something went wrong", INTERNAL, "operators"),
    "level": ("to know how bad it is", INTERNAL, "operators"),
    "message": (
        "to know what went wrong; no unit, no key and no address stands in it",
        INTERNAL,
        "operators",
    ),
}

EXPORTS: Mapping[str, Said] = {
    "readouts": (
        "aggregates by variant and segment, to decide by",
        INTERNAL,
        "analysts, whoever is shown them",
    ),
    "looks": ("the looks that a sealed plan was read at, with the bytes read", INTERNAL, "readouts, verify"),
}
