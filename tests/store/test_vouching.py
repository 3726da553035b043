"""Rows are held against the entries that wrote them whenever they are read, not by `audit verify` alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from splitrun.errors import StoreError
from splitrun.store.canonical import canonical, sha
from splitrun.store.chain.entry import Remark
from splitrun.store.chain.ring import KeyFiles, LoneKey
from splitrun.store.registry.change import Change, KeyChange
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.documents import Kind
from splitrun.store.registry.opening import opened
from splitrun.store.registry.rows import fingerprint
from splitrun.store.registry.writing import Sealing
from tests.store import tampers
from tests.store.places import NOON, Place, fill

READ: dict[str, Callable[[SqlRegistry], object]] = {
    "plans": lambda registry: registry.plans("shop", "m3"),
    "lives": lambda registry: registry.state("shop", "production", "m3"),
    "documents": lambda registry: registry.documents("shop", Kind.METRIC),
}


@pytest.mark.requirement("R12", "R77")
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("plans", "body", '{"alpha":0.06}'),
        ("plans", "facts", '{"late":null}'),
        ("plans", "at", "2020-01-01T00:00:00.000000Z"),
        ("lives", "state", "stopped"),
        ("documents", "body", '{"kind":"mean"}'),
    ],
)
def test_a_row_that_was_edited_is_not_believed(place: Place, table: str, column: str, value: str) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 3)
        assert READ[table](registry)
    log = tampers.read(place.database(), place.sealing().witness.read())
    row = log.rows[table][-1]
    assert row[column] != value
    row[column] = value

    tampers.write(place.database(), log)

    with (
        closing(place.registry()) as registry,
        pytest.raises(StoreError, match=f"a row of {table} is not what"),
    ):
        READ[table](registry)


def test_who_edits_the_entry_too_has_no_key_to_sign_it(place: Place) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 3)
    log = tampers.read(place.database(), place.sealing().witness.read())
    last = log.rows["entries"][-1]
    last["content"] = str(last["content"]).replace("sha256:", "sha256:0", 1)
    last["hash"] = sha(tampers.entry(last).body().encode())

    tampers.write(place.database(), log)

    with closing(place.registry()) as registry, pytest.raises(StoreError, match="is not what"):
        registry.plans("shop", "m3")


def with_a_key_of_their_own(log: tampers.Log, mine: LoneKey) -> None:
    """Change a plan, what its entry says of it, and sign that by a key that is put into the database."""
    rows = log.rows
    plan, name = rows["plans"][1], mine.signer(None).name
    before = fingerprint("plans", plan)  # type: ignore[arg-type]  # a row as it was read
    plan["body"] = '{"alpha":0.06}'
    index = next(place for place, one in enumerate(log.chain) if one["number"] == plan["entry"])
    after = fingerprint("plans", plan)  # type: ignore[arg-type]  # the same
    content = str(log.chain[index]["content"]).replace(before, after)
    log.chain[index] |= {"content": content, "key": name}
    log.chain[index]["hash"] = sha(tampers.entry(log.chain[index]).body().encode())
    signature = mine.signer(None).signature(str(log.chain[index]["hash"]).encode())
    log.chain[index]["signature"] = signature
    log.chain[index + 1]["previous"] = log.chain[index]["hash"]
    key = {"name": name, "public": mine.public[name], "entry": plan["entry"], "place": 77}
    rows["keys"].append(rows["keys"][0] | key)


@pytest.mark.requirement("R12", "R77")
def test_a_key_that_somebody_put_into_the_database_is_not_trusted(place: Place) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 3)
    log = tampers.read(place.database(), place.sealing().witness.read())
    with_a_key_of_their_own(log, LoneKey("mine"))

    tampers.write(place.database(), log)

    with (
        closing(place.registry()) as registry,
        pytest.raises(StoreError, match="is signed by 'mine', which is no key that is trusted here"),
    ):
        registry.plans("shop", "m2")


def leaked(place: Place) -> tampers.Log:
    """A key leaked and was retired; whoever has it adds a plan after all that the head knows."""
    with closing(place.registry()) as registry:
        fill(registry, 2)
        public = place.ring.new("second", NOON).public
        registry.commit(
            Change(
                NOON,
                "ann",
                (Remark("announce-key", "key/second", "it leaked"),),
                keys=(KeyChange("second", public),),
            )
        )
        gone = (KeyChange("first", place.keys["first"], retired=True),)
        registry.commit(Change(NOON, "ann", (Remark("retire-key", "key/first", "it leaked"),), keys=gone))
    log = tampers.read(place.database(), place.sealing().witness.read())
    first = KeyFiles(place.folder / "keys").signer({"first"})
    plan = log.rows["plans"][-1]
    entry = next(one for one in log.chain if one["number"] == plan["entry"])
    number, last = len(log.chain) + 1, log.chain[-1]
    mine = plan | {"experiment": "evil", "entry": number, "place": 0}
    wrote = [{"digest": fingerprint("plans", mine), "table": "plans"}]  # type: ignore[arg-type]  # a row as it was read
    added = entry | {
        "number": number,
        "previous": last["hash"],
        "content": canonical({"wrote": wrote}),
        "key": "first",
    }
    added["hash"] = sha(tampers.entry(added).body().encode())
    added["signature"] = first.signature(str(added["hash"]).encode())
    log.chain.append(added)
    log.rows["plans"].append(mine)
    return log


@pytest.mark.requirement("R77")
def test_what_a_key_signs_after_it_was_retired_is_not_believed_nor_gone_on_from(place: Place) -> None:
    log = leaked(place)

    tampers.write(place.database(), log)

    with closing(place.registry()) as registry:
        assert registry.plans("shop", "m1")
        with pytest.raises(StoreError, match="or was retired before, so what it wrote is not believed"):
            registry.plans("shop", "evil")
        with pytest.raises(StoreError, match="which the head does not know, does not follow the others"):
            fill(registry, 1, 7)


def test_a_key_in_place_of_the_first_one_is_not_trusted(place: Place) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 3)
    log = tampers.read(place.database(), place.sealing().witness.read())
    mine = LoneKey("first")
    with_a_key_of_their_own(log, mine)
    log.rows["keys"] = [log.rows["keys"][0] | {"public": mine.public["first"]}]

    tampers.write(place.database(), log)

    with closing(place.registry()) as registry, pytest.raises(StoreError, match="is not what"):
        registry.plans("shop", "m2")


def test_keys_that_trusted_ones_announced_are_trusted_elsewhere(place: Place, tmp_path: Path) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 1)
        public = place.ring.new("second", NOON).public
        said = Remark("announce-key", "key/second", "every year")
        registry.commit(Change(NOON, "ann", (said,), keys=(KeyChange("second", public),)))
        fill(registry, 2, 2)
        whole = registry.documents("shop")
    (place.folder / "keys" / "second.pem").unlink()
    listed = json.loads((place.folder / "keys" / "public.json").read_text())
    older = listed | {"keys": listed["keys"][:1]}

    for folder, kept in (("first alone", json.dumps(older)), ("none", None)):
        away = tmp_path / folder
        away.mkdir()
        if kept is not None:
            (away / "public.json").write_text(kept)
        sealing = Sealing(KeyFiles(away), place.witness)
        with closing(opened(place.url, sealing)) as registry:
            assert registry.documents("shop") == whole
