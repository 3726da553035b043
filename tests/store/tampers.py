"""Ways to tamper with a log, by somebody who may write to the database as they please, but holds no key."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

from sqlalchemy import delete, insert, select, text

from splitrun.store.canonical import digest, sha
from splitrun.store.chain.entry import Entry
from splitrun.store.chain.head import Head
from splitrun.store.chain.ring import LoneKey
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.pen import columns_of, entry_of
from splitrun.store.registry.databases.tables import BESIDE, entries
from splitrun.store.registry.rows import fingerprint

__all__ = ["TAMPERS", "Log", "read", "write"]

Row = dict[str, object]
OTHERS = ("documents", "lives", "plans", "rulesets", "keys", "tokens")


@dataclass
class Log:
    rows: dict[str, list[Row]]
    head: Head | None

    @property
    def chain(self) -> list[Row]:
        return self.rows["entries"]

    def copy(self) -> Log:
        return Log(deepcopy(self.rows), self.head)


def read(database: Database, head: Head | None) -> Log:
    with database.reading() as connection:
        rows = {
            table.name: [
                dict(row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in (entries, *BESIDE.values())
        }
    database.close()
    return Log(rows, head)


def write(database: Database, log: Log) -> None:
    """Put these rows in place of all others; the guards are taken off meanwhile, as the owner can."""
    guards: list[tuple[str, str]] = []
    with database.engine.connect() as connection:
        if database.sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")  # before a transaction begins
            found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
            guards = [(name, sql) for name, sql in found]
            for name, _ in guards:
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        for table in (*BESIDE.values(), entries):
            connection.execute(delete(table))
        for table in (entries, *BESIDE.values()):
            if log.rows[table.name]:
                connection.execute(insert(table), log.rows[table.name])
        for _, made in guards:
            connection.execute(text(made))
        connection.commit()
        connection.invalidate()
    database.close()


def entry(row: Row) -> Entry:
    return entry_of(row)  # type: ignore[arg-type]  # rows that were tampered with hold what they hold


def other(value: object, rng: random.Random) -> object:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case int():
            return value + rng.choice([-1, 1, 7])
        case bytes():
            place = rng.randrange(len(value))
            return value[:place] + bytes([value[place] ^ (1 << rng.randrange(8))]) + value[place + 1 :]
        case str():
            place = rng.randrange(len(value) + 1)
            return rng.choice(
                [value[:place] + rng.choice("aZ0 é") + value[place:], value[: place // 2] + "~"]
            )
        case _:
            return "something"


def rehashed(log: Log, start: int, *, sign: LoneKey | None = None) -> None:
    """Make hashes and links fit again from an index on; sign with a key of one's own, or not at all."""
    for index in range(start, len(log.chain)):
        one = entry(log.chain[index])
        previous = one.previous if index == 0 else str(log.chain[index - 1]["hash"])
        bare = replace(one, previous=previous)
        made = replace(bare, hash=sha(bare.body().encode("utf-8", "surrogatepass")))
        if sign is not None:
            made = replace(made, signature=sign.signer(None).signature(made.hash.encode()))
        log.chain[index] = columns_of(made)


def edit_an_entry(log: Log, rng: random.Random) -> None:
    row = rng.choice(log.chain)
    name = rng.choice([name for name in row if name != "number"])
    row[name] = other(row[name], rng)


def edit_an_entry_and_its_hash(log: Log, rng: random.Random) -> None:
    index = rng.randrange(len(log.chain))
    name = rng.choice(["at", "actor", "verb", "subject", "reason", "project"])
    log.chain[index][name] = other(log.chain[index][name], rng)
    rehashed(log, index, sign=rng.choice([None, LoneKey("first")]))


def delete_entries(log: Log, rng: random.Random) -> None:
    start = rng.randrange(len(log.chain) - 1)
    gone = {row["number"] for row in log.chain[start : start + rng.randint(1, 3)]}
    log.rows["entries"] = [row for row in log.chain if row["number"] not in gone]
    if rng.random() < 0.5:
        without(log, gone)


def without(log: Log, gone: set[object]) -> None:
    for name in OTHERS:
        log.rows[name] = [row for row in log.rows[name] if row["entry"] not in gone]


def delete_an_entry_and_close_the_gap(log: Log, rng: random.Random) -> None:
    index = rng.randrange(len(log.chain) - 1)
    gone = log.chain.pop(index)["number"]
    without(log, {gone})
    for row in log.chain[index:]:
        row["number"] = int(str(row["number"])) - 1
    for name in OTHERS:
        for row in log.rows[name]:
            row["entry"] = int(str(row["entry"])) - (int(str(row["entry"])) > int(str(gone)))
    if rng.random() < 0.5:
        rehashed(log, index)


def insert_an_entry(log: Log, rng: random.Random) -> None:
    index = rng.randrange(len(log.chain))
    made = dict(rng.choice(log.chain)) | {"reason": "smuggled", "content": "{}"}
    log.chain.insert(index, made)
    for place, row in enumerate(log.chain[index:], start=index + 1):
        row["number"] = place
    for name in OTHERS:
        for row in log.rows[name]:
            row["entry"] = int(str(row["entry"])) + (int(str(row["entry"])) > index)
    made["hash"], made["previous"] = sha(rng.randbytes(8)), sha(rng.randbytes(8))
    if rng.random() < 0.7:
        rehashed(log, index)


def reorder(log: Log, rng: random.Random) -> None:
    first, second = rng.sample(range(len(log.chain)), 2)
    one, two = log.chain[first], log.chain[second]
    one["number"], two["number"] = two["number"], one["number"]
    log.chain.sort(key=lambda row: int(str(row["number"])))
    if rng.random() < 0.5:
        rehashed(log, min(first, second))


def cut_the_tail(log: Log, rng: random.Random) -> None:
    cut = rng.randint(1, len(log.chain) - 1)
    gone = {row["number"] for row in log.chain[-cut:]}
    del log.chain[-cut:]
    without(log, gone)


def empty(log: Log, _: random.Random) -> None:
    log.rows = {name: [] for name in log.rows}


def forge_a_tail(log: Log, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 3)):
        last = entry(log.chain[-1])
        bare = replace(last, number=last.number + 1, previous=last.hash, reason="forged", content="{}")
        made = replace(bare, hash=sha(bare.body().encode()), key=rng.choice(["first", "mine"]))
        mine = LoneKey().signer(None).signature(made.hash.encode())
        log.chain.append(columns_of(replace(made, signature=rng.choice([mine, last.signature, ""]))))


def take_the_head_away(log: Log, _: random.Random) -> None:
    log.head = None


def edit_the_head(log: Log, rng: random.Random) -> None:
    assert log.head is not None
    name = rng.choice(["registry", "number", "hash", "at", "key", "signature"])
    value = other(getattr(log.head, name), rng)
    log.head = replace(log.head, **{name: value})  # type: ignore[arg-type]  # of the same type as before


def cut_the_tail_and_sign_a_head(log: Log, rng: random.Random) -> None:
    cut_the_tail(log, rng)
    last, head = entry(log.chain[-1]), log.head
    assert head is not None
    bare = replace(head, number=last.number, hash=last.hash, at=last.at)
    log.head = replace(bare, signature=LoneKey().signer(None).signature(bare.signed()))


def edit_a_row(log: Log, rng: random.Random) -> None:
    row = rng.choice(log.rows[rng.choice([name for name in OTHERS if log.rows[name]])])
    name = rng.choice([name for name in row if name not in {"entry", "place"}])
    row[name] = other(row[name], rng)


def edit_a_body_and_its_digest(log: Log, rng: random.Random) -> None:
    row = rng.choice(log.rows[rng.choice(["documents", "plans"])])
    row["body"] = '{"alpha":0.5}'
    row["digest"] = digest('{"alpha":0.5}')


def edit_a_row_and_what_is_said_of_it(log: Log, rng: random.Random) -> None:
    row = rng.choice(log.rows["plans"])
    before = fingerprint("plans", row)  # type: ignore[arg-type]  # a row as it was read
    row["body"] = '{"alpha":0.5}'
    after = fingerprint("plans", row)  # type: ignore[arg-type]  # the same
    index = next(place for place, one in enumerate(log.chain) if one["number"] == row["entry"])
    log.chain[index]["content"] = str(log.chain[index]["content"]).replace(before, after)
    rehashed(log, index, sign=rng.choice([None, LoneKey("first")]))


def delete_a_row(log: Log, rng: random.Random) -> None:
    rows = log.rows[rng.choice([name for name in OTHERS if log.rows[name]])]
    rows.pop(rng.randrange(len(rows)))


def insert_a_row(log: Log, rng: random.Random) -> None:
    made = dict(rng.choice(log.rows["documents"]))
    far = rng.choice([made["entry"], log.chain[-1]["number"], 10_000, 0])
    log.rows["documents"].append(
        made | {"entry": far, "place": rng.randint(7, 9), "revision": 99, "body": "{}"}
    )


def swap_rows(log: Log, rng: random.Random) -> None:
    one, two = rng.sample(log.rows[rng.choice(["documents", "plans", "lives"])], 2)
    one["entry"], two["entry"] = two["entry"], one["entry"]


def put_in_a_key_of_ones_own(log: Log, rng: random.Random) -> None:
    mine = LoneKey("mine").signer(None)
    made = dict(log.rows["keys"][0]) | {"name": "mine", "public": mine.public, "place": 9}
    if rng.random() < 0.5:
        log.rows["keys"].append(made)
    else:
        log.rows["keys"][0]["public"] = b64encode(rng.randbytes(32)).decode()


TAMPERS: tuple[Callable[[Log, random.Random], None], ...] = (
    edit_an_entry,
    edit_an_entry_and_its_hash,
    delete_entries,
    delete_an_entry_and_close_the_gap,
    insert_an_entry,
    reorder,
    cut_the_tail,
    empty,
    forge_a_tail,
    take_the_head_away,
    edit_the_head,
    cut_the_tail_and_sign_a_head,
    edit_a_row,
    edit_a_body_and_its_digest,
    edit_a_row_and_what_is_said_of_it,
    delete_a_row,
    insert_a_row,
    swap_rows,
    put_in_a_key_of_ones_own,
)
