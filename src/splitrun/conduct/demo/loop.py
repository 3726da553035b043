"""Close the loop once: files, registry, server, visitors, lake, readout, audit chain."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from splitrun.conduct.begin import written
from splitrun.conduct.demo.process import running
from splitrun.conduct.demo.project import EXPERIMENT, FILES
from splitrun.conduct.demo.visitors import BUYS, visit
from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.applying import Wanted, apply
from splitrun.conduct.lifecycle.footing import Asked
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.reading.readout import Wish, readout
from splitrun.conduct.registry.log import verify_log
from splitrun.conduct.registry.place import URL
from splitrun.conduct.registry.upkeep import migrate_registry
from splitrun.errors import Mistake, SpecError
from splitrun.govern.lifecycle.table import Verb
from splitrun.report.notebook import Shown
from splitrun.store.verification import Verification

__all__ = ["Shopped", "demo"]

ACTOR = "demo"
WINDOW = timedelta(minutes=1)
"""That of the shop's metrics: a visitor counts once it has passed."""
STEP = 5.0
"""Seconds between two times it is told how long is still to wait."""


@dataclass(frozen=True, slots=True)
class Shopped:
    """What came of it."""

    sent: int
    """Exposures and events that the server took."""
    readout: Shown
    chain: Verification
    key: str
    """The API key of the demo's server."""
    truth: Mapping[str, float]
    """How likely a visitor buys, by what is served."""


def demo(folder: Path, visitors: int = 4000, seed: int = 20260302, desk: Desk | None = None) -> Shopped:
    """Make a project, serve it, let visitors come, and read the experiment from the lake.

    Args:
        folder: Where the project is made; none of its files may be there.
        visitors: How many come.
        seed: Of what they do.
        desk: The clock, and whom to tell how far it is.

    Raises:
        SpecError: The folder cannot be written, or the environment names a registry that is no demo's.
        StoreError: The server or the registry refuses.
    """
    table = desk or Desk()
    if URL in os.environ:
        says = f"{URL} names a registry, and the demo would write its experiment into it"
        raise SpecError([Mistake(says, f"unset {URL} and try again", URL)])
    table.progress(f"writing a project to {folder}")
    written(folder, FILES)
    begin(folder, table)
    table.progress("starting the server")
    with running(folder) as (address, key):
        table.progress(f"serving at {address}; visitors come")
        sent = visit(address, key, visitors, seed, table)
        table.progress("stopping the server; what it took goes to the lake")
    moment = passed(WINDOW, datetime.now(UTC), table)
    table.progress("reading the experiment from the lake")
    seen = readout(
        EXPERIMENT, folder, as_of=moment, wish=Wish(reason="the demo's readout", actor=ACTOR), desk=table
    )
    table.progress("verifying the audit chain")
    return Shopped(sent, seen, verify_log(folder), key, BUYS)


def begin(folder: Path, desk: Desk) -> None:
    """Apply the files, seal the plan, and start the experiment."""
    desk.progress("registering and starting the experiment")
    migrate_registry(folder)
    apply(folder, lambda _: None, lambda: True, Wanted(reason="the demo's files", actor=ACTOR))
    register(EXPERIMENT, Asked(folder, "the plan of the demo", ACTOR))
    move(Verb.START, EXPERIMENT, Asked(folder, "the demo begins", ACTOR))


def passed(window: timedelta, since: datetime, desk: Desk) -> datetime:
    """Wait until the window of the last visitor has passed; give the moment that it has."""
    until = since + window
    while (left := (until - desk.now()).total_seconds()) > 0:
        desk.progress(f"the last visitor still has {left:.0f} seconds to buy (window: 1m)")
        time.sleep(min(left, STEP))
    return until
