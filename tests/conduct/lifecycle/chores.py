"""Set a registry up and keep its keys, killing every verb again and again: a program."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from splitrun.conduct.lifecycle.applying import compare
from splitrun.conduct.registry.keys import keys, make_key, retire_key
from splitrun.conduct.registry.log import log, verify_log
from splitrun.conduct.registry.place import URL
from splitrun.conduct.registry.upkeep import back_up, migrate_registry, restore
from splitrun.conduct.serving.access import access_keys, make_access_key, revoke_access_key
from splitrun.conduct.serving.kills import kill, unkill
from splitrun.errors import SpecError, StoreError
from tests.conduct.lifecycle.shop import applied, laid
from tests.conduct.lifecycle.walker import attempted

__all__ = ["chores"]


def revoked(folder: Path, name: str) -> None:
    """Revoke a key; who repeats it once it is whole is told so."""
    try:
        revoke_access_key(name, folder, "it leaked")
    except SpecError:
        if any(one.id == name and one.revoked is None for one in access_keys(folder)):
            raise


def told(folder: Path, verb: str) -> list[str]:
    """The subjects of a verb, as the chain has them."""
    return [one.subject for one in log(folder, limit=1000).entries if one.verb == verb]


def audited(folder: Path) -> None:
    """Nothing opens a door that the chain does not know of."""
    made = told(folder, "make-api-key")
    unknown = [one.id for one in access_keys(folder) if f"api-key/{one.id}" not in made]
    if unknown:
        raise SystemExit(f"keys that the chain does not know: {unknown}")


def killed(name: str, step: Callable[[], object], kills: int, dice: random.Random) -> None:
    """Take a step, killed so many times, and then once to its end."""
    longest = 0.3
    for _ in range(kills):
        _, took = attempted(step, dice.uniform(0, longest))
        longest = max(longest * 0.9, took)
    whole, _ = attempted(step, None)
    if not whole:
        raise SystemExit(f"{name} did not end")


def unkilled(folder: Path) -> None:
    """Let a flag serve again; who repeats it once it is whole is told that it was not killed."""
    try:
        unkill("search", folder, "it was the disk")
    except SpecError:
        if set(told(folder, "unkill")) != {"flag/search"}:
            raise


def put_back(folder: Path, place: Path) -> None:
    """Restore a backup; who repeats it once it is whole is told that the registry is not empty."""
    try:
        restore(folder, place, "a new machine")
    except StoreError:
        if told(place, "restored") != ["registry"]:
            raise


def elsewhere(folder: Path, kills: int, dice: random.Random, subjects: list[str]) -> None:
    """Back up, and restore on another machine that has the keys."""
    os.environ.pop(URL, None)
    place = laid(folder.parent / f"{folder.name}-elsewhere")
    shutil.copytree(folder / "state" / "keys", place / "state" / "keys")
    killed("restore", partial(put_back, folder / "backup", place), kills, dice)
    found = verify_log(place)
    if not found.fine or told(place, "restored") != ["registry"]:
        raise SystemExit(f"what was restored is not whole: {found}")
    if [one.subject for one in log(place, limit=1000).entries][:-1] != subjects:
        raise SystemExit("what was restored is not what was backed up")


def chores(folder: Path, kills: int, dice: random.Random, *, migrating: bool) -> list[str]:
    """Do everything around the life of an experiment; give what was done."""
    if migrating:
        killed("migrate", partial(migrate_registry, folder), kills, dice)
    killed("apply", partial(applied, folder), kills, dice)
    if compare(folder).difference.steps:
        raise SystemExit("apply left a difference")
    killed("keys new", partial(make_key, "second", folder, "rotation"), kills, dice)
    killed("keys retire", partial(retire_key, "first", folder, "rotated out"), kills, dice)
    standing = {one.name: (one.announced, one.retired is None) for one in keys(folder)}
    if standing != {"first": (False, False), "second": (True, True)}:
        raise SystemExit(f"the keys stand otherwise: {standing}")
    killed("api-keys new", partial(make_access_key, "web", ["sdk"], folder), kills, dice)
    audited(folder)
    for one in access_keys(folder):
        killed("api-keys revoke", partial(revoked, folder, one.id), kills, dice)
    ends = sorted(told(folder, "revoke-api-key"))
    if ends != sorted(f"api-key/{one.id}" for one in access_keys(folder) if one.revoked):
        raise SystemExit(f"revoked otherwise than the chain says: {ends}")
    killed("kill", partial(kill, "search", folder, "it burns"), kills, dice)
    killed("unkill", partial(unkilled, folder), kills, dice)
    if not set(told(folder, "unkill")) == set(told(folder, "kill")) == {"flag/search"}:
        raise SystemExit("the chain does not know what was switched")
    verified = verify_log(folder)
    if not verified.fine:
        raise SystemExit(f"{verified.faults}")
    first = ["migrate"] if migrating else []
    subjects = [one.subject for one in log(folder, limit=1000).entries]
    back_up(folder / "backup", folder)
    elsewhere(folder, kills, dice, subjects)
    keyed = ["keys new", "keys retire", "api-keys new", "api-keys revoke"]
    return [*first, "apply", *keyed, "kill", "unkill", "restore"]


if __name__ == "__main__":
    place, times = Path(sys.argv[1]), int(sys.argv[2])
    os.chdir(laid(place))
    dice = random.Random(7)  # noqa: S311 - it decides when to kill, and nothing secret
    done = chores(place, times, dice, migrating="straight" not in sys.argv[3:])
    sys.stdout.write(json.dumps(done))
