"""What a flush tells the spool besides that it may forget: counts, warnings, how long events took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from splitrun.collect.reasons import remedy, sentence, told
from splitrun.store.spool.counts import Beat, Lag, Note, bound, day
from splitrun.store.spool.parcel import Letter, Parcel

__all__ = ["Settled", "lagged", "notes", "restored"]

EXAMPLES = {
    "conflict": "an event came again under the id of another, and says something else; the first was kept",
    "skewed": "the client's clock was off by more than 10 seconds; its times were put right",
    "restored": "the spool was put back from an older copy, and went on under another name",
}
"""Of reasons that no event is a dead letter for."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of parcels."""

    letters: list[Letter] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    lags: list[Lag] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)

    def __add__(self, other: Settled) -> Settled:
        return Settled(
            self.letters + other.letters,
            self.notes + other.notes,
            self.lags + other.lags,
            self.beats + other.beats,
        )


def notes(
    where: tuple[str, str],
    of: Sequence[Parcel],
    total: Mapping[tuple[date, str, str], int],
    letters: Sequence[Letter],
) -> list[Note]:
    """Write what parcels of a project and environment come to, with an example where somebody should look.

    Args:
        where: Project and environment.
        of: The parcels, in order.
        total: Events by day of receipt, SDK and reason.
        letters: Those that became dead letters.
    """
    last = {day(one.origin.at): one.origin.at for one in sorted(of, key=lambda one: one.origin.at)}
    says = {one.code: told(one.says) for one in letters}
    found = []
    for (on, sdk, reason), count in total.items():
        known = says.get(reason) or EXAMPLES.get(reason) or sentence(reason)
        example = (known or exposed(reason)) if remedy(reason) else ""
        found.append(Note(*where, sdk, reason, count, last[on.isoformat()], example))
    return found


def restored(parcels: Sequence[Parcel]) -> list[Note]:
    """Write down which parcels waited in a spool that was put back from an older copy."""
    counts = Counter((one.origin.project, one.origin.environment) for one in parcels)
    at = max(one.origin.at for one in parcels)
    return [Note(*where, "", "restored", count, at, EXAMPLES["restored"]) for where, count in counts.items()]


def exposed(reason: str) -> str:
    """Say what is meant by an outcome."""
    return f"an exposure is not what the rules give: {reason.removeprefix('outcome: ')}"


def lagged(where: tuple[str, str], of: Sequence[Parcel], now: int) -> list[Lag]:
    """Tell within how many seconds after their receipt the events of parcels could be read.

    Args:
        where: Project and environment.
        of: The parcels.
        now: When they can be, in nanoseconds since 1970.
    """
    counts: Counter[tuple[str, int]] = Counter()
    for one in of:
        counts[day(one.origin.at), bound(now - one.origin.at)] += one.events
    return [(on, *where, within, count) for (on, within), count in counts.items()]
