"""Our own ways: an evaluation without logging, the client's whole call, `track()`, and what they are made of.

The client is the one that products make, with its defaults: records are encoded by the sender thread and
given to a delivery that does nothing with them. The caller's CPU is measured; the queue is emptied between
rounds.
"""

from __future__ import annotations

import hashlib
from collections import deque
from fractions import Fraction
from functools import partial

from bench.evaluating import AT_LEAST, COUNTRIES, PLAN, SALT, Ask, served

from splitrun import Client
from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE, Arm, Experiment, Flag, Ruleset, Run, Type
from splitrun.assign.slots import threshold
from splitrun.sdk.event import Accepted
from splitrun.sdk.settings import Answer
from splitrun.terms.parse import parse

__all__ = ["FLAGS", "client", "ruleset"]

FLAGS = ("plain", "targeted")


class Silent:
    """Takes batches and does nothing with them."""

    def send(self, body: bytes, /) -> Answer:
        """Take one."""
        return Answer(202, Accepted(body.count(b'"unit":')))


def ruleset() -> Ruleset:
    """Two flags of two halves, one of them behind three conditions."""
    texts = ", ".join(f"'{country}'" for country in COUNTRIES)
    audience = parse(f"country in ({texts}) and age >= {AT_LEAST} and plan = '{PLAN}'")
    arms = (Arm("control", "off", threshold(Fraction(1, 2))), Arm("treatment", "on", WHOLE))
    return Ruleset(
        "bench",
        "production",
        1,
        {"user": "user_id"},
        flags={
            key: Flag(Type.BOOLEAN, "user", {"off": False, "on": True}, "off", rules=(Run(key),))
            for key in FLAGS
        },
        experiments={
            "plain": Experiment("plain", "user", 1, 1, SALT, arms),
            "targeted": Experiment("targeted", "user", 1, 1, SALT, arms, audience=audience),
        },
    )


def client() -> Client:
    """Make a client as a product would, with nothing to send to."""
    return Client(ruleset=ruleset(), delivery=Silent())


def through_openssl() -> Ask:
    """Hash through hashlib and make a number of the digits, as most write it."""
    return lambda unit, _given: (
        int(hashlib.sha256(f"{SALT}:{unit}".encode()).hexdigest()[:8], 16) < WHOLE // 2
    )


def evaluated(flag: str) -> Ask:
    """Evaluate without logging."""
    return partial(Evaluator(ruleset()).evaluate, flag)


def called(made: Client, flag: str) -> Ask:
    """Ask a client for the value, which logs the exposure when it is the first."""
    value = made.value
    return lambda unit, given: value(flag, unit, False, given)  # noqa: FBT003  # the default of a boolean flag


def main() -> None:
    """Serve the ways."""
    made = client()
    kept: deque[object] = deque(maxlen=10_000)
    track = made.track
    asks: dict[str, Ask] = {
        "empty call": lambda _unit, _given: None,
        "hashlib and a number": through_openssl(),
        "deque.append": lambda unit, _given: kept.append(unit),
        "track, properties as a mapping": lambda unit, given: track("purchase", unit, 30.0, given),
        "track, properties as keywords": lambda unit, _given: track(
            "purchase", unit, 30.0, country="DE", age=30, plan="pro", device="phone"
        ),
    }
    again = {}
    for flag in FLAGS:
        asks[f"evaluation, {flag}"] = evaluated(flag)
        asks[f"client first exposure, {flag}"] = called(made, flag)
        asks[f"client seen unit, {flag}"] = called(made, flag)
        again[f"client seen unit, {flag}"] = f"client first exposure, {flag}"
    halves = [way for way in asks if way.startswith(("evaluation", "client", "hashlib"))]
    served(asks, halves, between=made.flush, again=again)
    counts = made.statistics
    if counts.dropped or counts.rejected or counts.blunders:
        raise SystemExit(f"records were lost while measuring: {counts}")
    made.close()


if __name__ == "__main__":
    main()
