"""A project whose experiment runs, so that there is a ruleset to be served."""

from __future__ import annotations

import http.client
from pathlib import Path

from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.govern.lifecycle.table import Verb
from tests.conduct.lifecycle.shop import KEY, applied, asked, edited, laid
from tests.faults.process import new_key

__all__ = ["ruleset", "running_shop"]


def running_shop(root: Path) -> str:
    """Lay it down and start the experiment; gives a key for clients."""
    laid(root)
    edited(
        root,
        "exposures: {csv: exposures.csv, unit: user_id, variant: variant, time: at, pre_exposure: [country]}",
        "reviewers: [bob]",
    )
    applied(root)
    register(KEY, asked(root))
    move(Verb.START, KEY, asked(root))
    return new_key(root)


def ruleset(port: int, key: str) -> tuple[int, bytes]:
    """Ask for the ruleset: the status, and what it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/v1/ruleset", headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
