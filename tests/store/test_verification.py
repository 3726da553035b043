from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from splitrun.errors import StoreError
from splitrun.store.chain.entry import Remark
from splitrun.store.chain.ring import LoneKey
from splitrun.store.registry.change import Change, KeyChange
from splitrun.store.registry.memory import InMemory
from splitrun.store.verification import Tampering, verify
from tests.store.places import NOON, Place, change, fill, verified
from tests.store.sizes import sized
from tests.store.tampers import TAMPERS, Log, cut_the_tail, delete_entries, read, reorder, write


def logged(place: Place, many: int = 9) -> Log:
    """A log with a rotation of keys in it."""
    registry = place.registry()
    fill(registry, many // 2)
    public = place.ring.new("second", NOON).public
    remark = Remark("announce-key", "key/second", "every year")
    registry.commit(
        Change(NOON, "ann", (remark,), keys=(KeyChange("second", public),), token="rotate")  # noqa: S106 - names a change, opens nothing
    )
    fill(registry, many - many // 2, many // 2 + 1)
    log = read(place.database(), registry.witness.read())
    registry.close()
    return log


def tried(place: Place, many: int, seed: int) -> tuple[int, list[str]]:
    """Tamper again and again with the same log; give how many were tried, and those that were not found."""
    rng, log = random.Random(seed), logged(place)  # noqa: S311 - seeded on purpose
    database, registry, keys, unseen, tries = place.database(), place.registry(), place.keys, [], 0
    while tries < many:
        tamper = TAMPERS[tries % len(TAMPERS)]
        changed = log.copy()
        tamper(changed, rng)
        if changed == log:
            continue
        tries += 1
        write(database, changed)
        if verify(registry, changed.head, keys).fine:
            unseen.append(f"{tries}: {tamper.__name__}")
    write(database, log)
    assert verify(registry, log.head, keys).fine
    database.close()
    registry.close()
    return tries, unseen


@pytest.mark.requirement("R77")
def test_every_tamper_is_found(on_sqlite: Place) -> None:
    assert tried(on_sqlite, sized(95, 1_000), 20260102) == (sized(95, 1_000), [])


@pytest.mark.requirement("R77")
def test_every_tamper_is_found_on_postgresql(new_place: Callable[[str], Place]) -> None:
    assert tried(new_place("postgresql"), sized(38, 1_000), 7) == (sized(38, 1_000), [])


@pytest.mark.requirement("R77")
def test_nothing_is_found_in_untouched_logs() -> None:
    rng = random.Random(11)  # noqa: S311 - seeded on purpose
    for _ in range(sized(60, 1_000)):
        key = LoneKey()
        registry = InMemory(key)
        for number in range(rng.randint(0, 8)):
            registry.commit(change(number, kinds=rng.randint(0, 4)))

        found = verified(registry, key.public)

        assert (found.faults, found.behind) == ((), 0)


def test_nothing_is_found_where_keys_were_rotated(place: Place) -> None:
    logged(place)

    found = place.verified()

    assert (found.faults, found.entries, found.rows, found.behind) == ((), 11, 39, 0)


@pytest.mark.parametrize(
    ("tamper", "kinds"),
    [
        (reorder, {Tampering.MOVED}),
        (cut_the_tail, {Tampering.CUT}),
        (delete_entries, {Tampering.MISSING}),
    ],
)
def test_what_was_done_is_told_by_its_name(
    on_sqlite: Place, tamper: Callable[[Log, random.Random], None], kinds: set[Tampering]
) -> None:
    log = logged(on_sqlite)
    tamper(log, random.Random(3))  # noqa: S311 - seeded on purpose
    write(on_sqlite.database(), log)

    found = on_sqlite.verified()

    assert kinds <= {fault.kind for fault in found.faults}


def test_the_entry_that_was_edited_is_named(on_sqlite: Place) -> None:
    log = logged(on_sqlite)
    log.chain[4]["reason"] = "another"
    write(on_sqlite.database(), log)

    (fault,) = on_sqlite.verified().faults

    assert (fault.kind, fault.number) == (Tampering.EDITED, 5)
    assert "is not what was written" in fault.says


def test_an_older_copy_of_the_database_is_found(on_sqlite: Place) -> None:
    registry = on_sqlite.registry()
    fill(registry, 3)
    older = read(on_sqlite.database(), None)
    fill(registry, 2, 4)
    registry.close()
    write(on_sqlite.database(), older)

    (fault,) = on_sqlite.verified().faults

    assert (fault.kind, fault.number) == (Tampering.CUT, 5)
    assert "older copy" in fault.says


def test_the_head_of_another_registry_is_found(on_sqlite: Place, new_place: Callable[..., Place]) -> None:
    other = new_place("sqlite", "other")
    for place in (on_sqlite, other):
        registry = place.registry()
        fill(registry, 2)
        registry.close()
    registry = on_sqlite.registry()

    (fault,) = verify(registry, other.witness.read(), on_sqlite.keys).faults

    assert fault.kind is Tampering.STRANGER
    registry.close()


def test_a_head_that_is_behind_is_a_crash_and_is_caught_up(on_sqlite: Place) -> None:
    registry = on_sqlite.registry()
    fill(registry, 2)
    before = on_sqlite.witness.read()
    fill(registry, 3, 3)
    assert before is not None
    on_sqlite.witness.replace(before)

    behind = on_sqlite.verified()
    fill(registry, 1, 6)

    assert (behind.fine, behind.behind) == (True, 3)
    assert (on_sqlite.verified().fine, on_sqlite.verified().behind) == (True, 0)
    registry.close()


@pytest.mark.parametrize("cut", [1, 3])
def test_nothing_is_written_over_a_tail_that_was_cut(on_sqlite: Place, cut: int) -> None:
    log = logged(on_sqlite)
    gone = {row["number"] for row in log.chain[-cut:]}
    for name, column in [("entries", "number"), *((name, "entry") for name in log.rows if name != "entries")]:
        log.rows[name] = [row for row in log.rows[name] if row[column] not in gone]
    write(on_sqlite.database(), log)
    registry = on_sqlite.registry()

    with pytest.raises(StoreError, match=r"replaced or cut: it ends at entry .*audit verify"):
        registry.commit(change(50))
    registry.close()


def test_nothing_is_written_without_the_head_or_beside_a_foreign_one(on_sqlite: Place) -> None:
    registry = on_sqlite.registry()
    fill(registry, 2)
    head = on_sqlite.witness.read()
    assert head is not None

    (on_sqlite.folder / "head.json").unlink()
    with pytest.raises(StoreError, match="there is no head"):
        registry.commit(change(5))
    on_sqlite.witness.replace(replace(head, registry="00" * 32))
    with pytest.raises(StoreError, match="another registry"):
        registry.commit(change(5))
    on_sqlite.witness.replace(replace(head, hash="00" * 32))
    with pytest.raises(StoreError, match="not the one that the head knows"):
        registry.commit(change(5))
    registry.close()


def test_a_key_signs_no_more_once_it_is_retired() -> None:
    first = LoneKey("first")
    registry = InMemory(first)
    registry.commit(change(1))

    with pytest.raises(StoreError, match=r"no key|knows the keys"):
        registry.commit(
            Change(
                NOON,
                "ann",
                (Remark("retire-key", "key/first", "lost"),),
                keys=(KeyChange("first", "", retired=True),),
            )
        )


def test_a_log_signed_by_a_key_nobody_trusts_is_found() -> None:
    registry = InMemory(LoneKey())
    registry.commit(change(1))

    found = verified(registry, {"lone": LoneKey().signer(None).public})

    assert {fault.kind for fault in found.faults} == {Tampering.FORGED}


def test_faults_beyond_a_hundred_are_counted_and_not_told(on_sqlite: Place) -> None:
    log = logged(on_sqlite, 60)
    for row in log.chain:
        row["reason"] = row["signature"] = "x"
    write(on_sqlite.database(), log)

    found = on_sqlite.verified()

    assert len(found.faults) == 100
    assert found.found >= 124


def test_clocks_that_run_back_are_told_and_no_tampering() -> None:
    key = LoneKey()
    registry = InMemory(key)
    for number in (5, 2, 9):
        registry.commit(change(number))

    found = verified(registry, key.public)

    assert (found.fine, found.backwards) == (True, 1)
