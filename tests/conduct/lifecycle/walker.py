"""Walk an experiment through its life, killing every step again and again: a program.

A child takes the step and is killed at a random moment; then the step is repeated until it is done.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from splitrun.conduct.lifecycle.agreeing import approve, sign_off
from splitrun.conduct.lifecycle.deciding import decide
from splitrun.conduct.lifecycle.footing import Asked
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.amending import amend
from splitrun.conduct.lifecycle.seals.registering import register, restart
from splitrun.conduct.registry.log import verify_log
from splitrun.conduct.registry.place import home
from splitrun.govern.lifecycle.table import Verb
from tests.conduct.lifecycle.shop import KEY, applied, edited, laid, look

__all__ = ["walk"]


def attempted(step: Callable[[], object], patience: float | None) -> tuple[bool, float]:
    """Take a step in a child, and kill it after a while; whether it ended by itself, and how long it took."""
    began = time.monotonic()
    child = os.fork()
    if not child:
        try:
            step()
        except BaseException as error:  # noqa: BLE001 - the parent has to be told, whatever it was
            sys.stderr.write(f"{error}\n")
            os._exit(1)
        os._exit(0)
    if patience is not None:
        time.sleep(patience)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"a step that may be repeated was refused: {step}")
    return os.WIFEXITED(status), time.monotonic() - began


def stands(folder: Path) -> tuple[str, int]:
    """The state, and how many steps led there."""
    with home(folder).registry() as registry:
        life = registry.state("shop", "production", KEY)
        return ("draft", 0) if life is None else (life.state.value, life.revision)


def in_force(folder: Path) -> str:
    """The digest of the plan in force."""
    with home(folder).registry() as registry:
        life = registry.state("shop", "production", KEY)
    return "" if life is None or life.plan is None else life.plan


def moves(wanted: Asked, *verbs: Verb) -> list[tuple[str, Callable[[], object]]]:
    """Steps that change the state alone."""
    return [(verb.value, partial(move, verb, KEY, wanted)) for verb in verbs]


def walk(folder: Path, kills: int, dice: random.Random) -> dict[str, int]:
    """Take every step, killed so many times; give how often it had been written when it was killed."""
    wanted, other = Asked(folder, "because", "ann"), Asked(folder, "because", "bob")
    steps: list[tuple[str, Callable[[], object]]] = [("register", partial(register, KEY, wanted))]
    steps.append(("approve", lambda: approve(KEY, "start", in_force(folder), other)))
    steps.append(("sign-off", lambda: sign_off(KEY, in_force(folder), other)))
    steps += moves(wanted, Verb.START, Verb.PAUSE, Verb.RESUME)
    steps.append(("amend", partial(amend, KEY, wanted)))
    steps += moves(wanted, Verb.OBSERVE, Verb.STOP)
    readout: list[str] = []
    steps.append(("decide", lambda: decide(KEY, "ship", readout[0], wanted)))
    steps.append(("restart", partial(restart, KEY, wanted)))
    steps += moves(wanted, Verb.ARCHIVE, Verb.INVALIDATE)
    found = {}
    longest = 0.3
    for done, (name, step) in enumerate(steps):
        if name == "amend":
            edited(folder, "coverage: 50%", "coverage: 80%")
        if name == "decide":
            readout.append(look(folder))
        before = stands(folder)
        written = 0
        for _ in range(kills):
            _, took = attempted(step, dice.uniform(0, longest))
            now = stands(folder)
            if now[1] not in {done, done + 1}:
                raise SystemExit(f"{name} left {now} where {before} was")
            written += now[1] == done + 1
            longest = max(longest * 0.9, took)
        _, took = attempted(step, None)
        longest = took
        if stands(folder)[1] != done + 1:
            raise SystemExit(f"{name} was not taken once: {stands(folder)}")
        verified = verify_log(folder)
        if not verified.fine:
            raise SystemExit(f"after {name}: {verified.faults}")
        found[name] = written
    return found


if __name__ == "__main__":
    place, times = Path(sys.argv[1]), int(sys.argv[2])
    os.chdir(laid(place))
    edited(place, "environments:", "policy: {approvals: {start: 1}}\nenvironments:", "splitrun.yaml")
    for file in ("experiments/one-page.yaml", "experiments/ranked.yaml"):
        edited(place, "unit: user\n", "unit: user\nreviewers: [bob]\n", file)
    applied(place)
    dice = random.Random(7)  # noqa: S311 - it decides when to kill, and nothing secret
    sys.stdout.write(json.dumps(walk(place, times, dice)))
