"""A shop's ruleset: a flag with an experiment, one without, a layer, and a flag for accounts."""

from __future__ import annotations

import time
from collections.abc import Callable

from splitrun.assign.ruleset import Arm, Experiment, Flag, IdList, Layer, Override, Ruleset, Run, Serve, Type
from splitrun.assign.slots import listed
from splitrun.assign.transmission import sealed

__all__ = ["HALF", "document", "eventually", "shop"]

HALF = 2**31


def shop(version: int = 1, phase: int = 1, *, project: str = "shop") -> Ruleset:
    arms = (Arm("control", "three-page", HALF), Arm("one-page", "one-page", 2**32))
    return Ruleset(
        project=project,
        environment="production",
        version=version,
        units={"user": "user_id", "account": "account_id"},
        lists={"staff": IdList("list:staff", (listed("list:staff", "tester"),))},
        flags={
            "checkout": Flag(
                Type.STRING,
                "user",
                {"three-page": "three", "one-page": "one"},
                "three-page",
                overrides=(Override("one-page", "staff"),),
                rules=(Run("one-page-checkout"),),
            ),
            "colour": Flag(
                Type.STRING, "user", {"grey": "grey", "blue": "blue"}, "grey", rules=(Serve("blue"),)
            ),
            "limit": Flag(Type.NUMBER, "user", {"low": 10, "high": 20}, "low"),
            "billing": Flag(
                Type.BOOLEAN, "user", {"on": True, "off": False}, "off", rules=(Run("new-billing"),)
            ),
        },
        experiments={
            "one-page-checkout": Experiment(
                "checkout",
                "user",
                1,
                phase,
                "variant:one-page-checkout:1",
                arms,
                attributes=("country", "tier"),
            ),
            "new-billing": Experiment(
                "billing",
                "account",
                1,
                1,
                "variant:new-billing:1",
                (Arm("control", "off", HALF), Arm("on", "on", 2**32)),
            ),
            "dense": Experiment(
                None,
                "user",
                1,
                1,
                "variant:dense:1",
                (Arm("control", "control", HALF), Arm("dense", "dense", 2**32, {"rows": 50})),
                layer="list",
                slots=((0, 2**32),),
            ),
        },
        layers={"list": Layer("user", "layer:list", {"rows": 20, "images": True}, ("dense",))},
    )


def document(version: int = 1, phase: int = 1) -> bytes:
    return sealed(shop(version, phase))


def eventually(true: Callable[[], object], seconds: float = 5.0) -> bool:
    """Whether something becomes true in time."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
