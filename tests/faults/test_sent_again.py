"""R13: events one to five times, over servers and 30 days, also changed; R14: shuffled over 72 hours."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from splitrun.collect.intake import Taken, taken
from splitrun.conduct.collecting.committer import Committer
from splitrun.sdk.event import Event, Exposure, Unit
from splitrun.store.lake.tables import Table
from tests.conduct.collecting.sending import committer, put, rows, send, total
from tests.conduct.reading.checkouts import project
from tests.conduct.reading.test_lake import FROM_LAKE, at, effects, read, table
from tests.faults.sizes import sized

FORM = "%Y-%m-%dT%H:%M:%S.%fZ"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WORLDS = sized(1, 20)
BATCH = 20


@dataclass(frozen=True, slots=True)
class Sent:
    """An event on its way."""

    received: datetime
    server: int
    event: Event | Exposure


def wired(root: Path) -> list[tuple[datetime, Event | Exposure]]:
    """Write the project's rows as a client sends them, in order."""
    out: list[tuple[datetime, Event | Exposure]] = []
    for number, row in enumerate(table(root / "exposures.csv")):
        unit, name, attributes = (
            Unit("user", row["user"]),
            f"{1:016x}{number:016x}",
            dict[str, object](country=row["country"]),
        )
        out.append(
            (
                at(row),
                Exposure(
                    *(
                        name,
                        at(row).strftime(FORM),
                        unit,
                        "checkout",
                        "checkout",
                        1,
                        1,
                        row["arm"],
                        1,
                        "SPLIT",
                    ),
                    attributes=attributes,
                ),
            )
        )
    for number, row in enumerate(table(root / "orders.csv")):
        name, amount = f"{2:016x}{number:016x}", dict[str, object](amount=float(row["amount"]))
        unit = Unit("user", row["user"])
        out.append((at(row), Event(name, at(row).strftime(FORM), unit, "order", properties=amount)))
    return sorted(out, key=lambda one: one[0])


def changed(one: Event | Exposure) -> Event | Exposure:
    """Change what an event says, and keep its id."""
    match one:
        case Event():
            return replace(one, properties={"amount": 1_000_000.0})
        case Exposure():
            return replace(one, variant="control" if one.variant == "one-page" else "one-page")


def mixed(sent: Iterable[tuple[datetime, Event | Exposure]], dice: random.Random) -> tuple[list[Sent], int]:
    """Have each event come up to 72 hours late, one to five times, the last of some after 30 days.

    Returns:
        In the order in which they come, and how many of them say something else than the first.
    """
    out, other = [], 0
    for time, event in sent:
        first = time + timedelta(hours=72 * dice.random())
        out.append(Sent(first, dice.randrange(2), event))
        for _ in range(dice.randrange(5)):
            after = dice.choice((timedelta(seconds=dice.random()), timedelta(hours=9), timedelta(days=30)))
            # which of two that wait in two spools is first, nobody can say: what differs comes later
            differs = after.days == 30 and dice.random() < 0.5
            other += differs
            out.append(Sent(first + after, dice.randrange(2), changed(event) if differs else event))
    return sorted(out, key=lambda one: one.received), other


def collected(root: Path, sent: list[Sent], dice: random.Random) -> tuple[Committer, Committer]:
    """Take events on two servers and bring them into one lake, in batches as they come."""
    servers = (committer(root, "one"), committer(root, "two"))
    for start in range(0, len(sent), BATCH):
        part = sent[start : start + BATCH]
        for place, server in enumerate(servers):
            of = [one for one in part if one.server == place]
            if of:
                now = of[-1].received
                parcel = send(
                    [one.event for one in of],
                    at=(now - EPOCH) // timedelta(microseconds=1) * 1000,
                    sent_at=now.strftime(FORM),
                )
                assert isinstance(taken(parcel.body), Taken)
                put(server, parcel)
            if dice.random() < 0.15 or (start // BATCH + place) % 5 == 0:
                server.flush()
    for server in servers:
        while server.flush() is not None:
            pass
    return servers


def laid(root: Path) -> Path:
    """Lay the project down, its lake where the committers write."""
    file = project(root, FROM_LAKE)
    settings = root / "splitrun.yaml"
    settings.write_text(settings.read_text() + "lake: lake\n")
    return file


@pytest.mark.requirement("R23", "R24")
def test_disorder_duplicates_and_conflicts_change_no_bit_of_the_readout(tmp_path: Path) -> None:
    file = laid(tmp_path / "ordered")
    sent = wired(tmp_path / "ordered")
    once = [Sent(time, 0, event) for time, event in sent]
    collected(tmp_path / "ordered", once, random.Random(0))  # noqa: S311  # a fixed world, no secret
    expected = effects(read(file))

    for seed in range(WORLDS):
        dice = random.Random(seed)  # noqa: S311  # a fixed world, no secret
        root = tmp_path / f"mixed-{seed}"
        again = laid(root)
        deliveries, other = mixed(sent, dice)
        servers = collected(root, deliveries, dice)

        assert effects(read(again)) == expected, seed
        counts = {
            why: sum(total(one, why) for one in servers) for why in ("accepted", "duplicate", "conflict")
        }
        assert counts == {
            "accepted": len(sent), "duplicate": len(deliveries) - len(sent) - other, "conflict": other,
        }  # fmt: skip
        kept = [rows(root, of).num_rows for of in (Table.EXPOSURES, Table.EVENTS)]
        assert sum(kept) == len(sent)
