"""What a spool's file tells of the events that came through it."""

from __future__ import annotations

from splitrun.store.spool.counts import Beats, Lag, Warned
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import HEARTBEAT

__all__ = ["beats", "held_letters", "lags", "warnings"]


def warnings(spool: SpoolFile, since: int = 0) -> tuple[Warned, ...]:
    """Read what somebody should look at, the newest first.

    Args:
        spool: Which.
        since: Only what was met since then, in nanoseconds since 1970.

    Raises:
        BusyError: The file is locked.
        StoreError: It cannot be read.
    """
    asked = "select * from warnings where last >= ? order by last desc, project, environment, kind"
    with spool.connection() as read:
        return tuple(Warned(*row) for row in read.execute(asked, (since,)))


def lags(spool: SpoolFile, since: str = "") -> tuple[Lag, ...]:
    """Read within how many seconds events could be read, from a day of receipt on."""
    with spool.connection() as read:
        return tuple(read.execute("select * from lags where day >= ? order by 1, 2, 3, 4", (since,)))


def held_letters(spool: SpoolFile) -> tuple[tuple[str, str, str, int], ...]:
    """Count the dead letters: project, environment, code, how many."""
    asked = "select project, environment, code, count(*) from letters group by 1, 2, 3 order by 1, 2, 3"
    with spool.connection() as read:
        return tuple(read.execute(asked))


def beats(spool: SpoolFile, project: str, environment: str, since: int) -> Beats:
    """Read the heartbeats of a project's environment, in one view.

    Args:
        spool: Which.
        project: Which.
        environment: Which.
        since: Received from then on, in nanoseconds since 1970.
    """
    where = "where project = ? and environment = ?"
    with spool.connection() as read:
        read.execute("begin")
        kept = read.execute(
            f"select * from beats {where} and at >= ? order by at",  # noqa: S608  # no value is in it
            (project, environment, since),
        ).fetchall()
        waiting = read.execute(
            f"select at from parcels {where} and form = ?",  # noqa: S608  # no value is in it
            (project, environment, HEARTBEAT),
        ).fetchall()
        read.execute("commit")
    return Beats(tuple(kept), frozenset(at for (at,) in waiting))
