"""The kill switch: signed, obeyed whatever the registry can do, told to the audit chain."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from splitrun.conduct.registry.place import home
from splitrun.conduct.serving.kills import kill, kill_file, tell_kills, unkill
from splitrun.conduct.serving.published import delivery
from splitrun.errors import SpecError, StoreError
from splitrun.sdk.rulesets.signature import signed
from tests.conduct.lifecycle.shop import NOON


@contextmanager
def unwritable(shop: Path) -> Iterator[None]:
    """Have the registry's database refuse whatever is written, as a replica does."""
    with closing(sqlite3.connect(shop / "state" / "registry.db")) as database:
        database.execute(
            "CREATE TRIGGER refusing BEFORE INSERT ON entries "
            "BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END"
        )
        database.commit()
        try:
            yield
        finally:
            database.execute("DROP TRIGGER refusing")
            database.commit()


def said(shop: Path) -> list[tuple[str, str, str | None]]:
    with home(shop).registry() as registry:
        return [(one.verb, one.subject, one.reason) for one in registry.entries() if "kill" in one.verb]


def test_a_killed_flag_is_off_under_its_version_and_the_document_is_signed(shop: Path) -> None:
    given = delivery(shop)
    given.look()
    before = given.newer()["production"]

    done = kill("checkout", shop, "it burns")
    after = given.newer()["production"]

    assert (done.new, done.untold) == (True, "")
    assert (before.ruleset.flags["checkout"].on, after.ruleset.flags["checkout"].on) == (True, False)
    assert after.ruleset.flags["search"] == before.ruleset.flags["search"]
    assert (after.ruleset.version, after.digest != before.digest) == (before.ruleset.version, True)
    signed(home(shop).trusted)(after.document)
    assert given.newer() == {}
    assert said(shop) == [("kill", "flag/checkout", "it burns")]


def test_what_was_published_comes_back_to_the_byte(shop: Path) -> None:
    given = delivery(shop)
    given.look()
    before = given.newer()["production"]
    kill("checkout", shop, "it burns")
    given.newer()

    unkill("checkout", shop, "it was the disk")

    assert given.newer()["production"].document == before.document
    assert said(shop)[-1] == ("unkill", "flag/checkout", "it was the disk")


def test_a_registry_that_cannot_be_written_stops_no_kill_and_is_told_later(shop: Path) -> None:
    given = delivery(shop)
    with unwritable(shop):
        done = kill("checkout", shop, "it burns")
        given.look()
        off = given.newer()["production"]
        if given.teller is not None:  # it tries as well, and one at a time tells
            given.teller.join()
        assert said(shop) == []

    where = home(shop)
    told = tell_kills(where, kill_file(where, "shop"), NOON)

    assert "readonly" in done.untold
    assert off.ruleset.flags["checkout"].on is False
    assert told == ""
    assert said(shop) == [("kill", "flag/checkout", "it burns")]
    assert kill_file(where, "shop").read().untold == ()


def test_a_kill_needs_no_registry_at_all(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text("project: shop\nregistry: postgresql://nobody@127.0.0.1:1/none\n")

    done = kill("checkout", tmp_path, "it burns")

    assert done.untold
    where = home(tmp_path)
    assert kill_file(where, "shop").read().off("production") == {"checkout"}


def test_a_kill_makes_no_key_in_the_place_of_those_that_are_away(shop: Path) -> None:
    keys = shop / "state" / "keys"
    keys.rename(shop / "away")

    for gone in ("no.db", "state/registry.db"):  # the head tells it too, where the registry cannot be asked
        (shop / gone).unlink(missing_ok=True)
        with pytest.raises(StoreError, match="nothing is written; put the key files back"):
            kill("checkout", shop, "it burns")

    assert not keys.exists()
    assert not (shop / "state" / "kills.json").exists()


def test_a_server_tells_the_chain_of_what_it_does_not_know(shop: Path) -> None:
    with unwritable(shop):
        kill("checkout", shop, "it burns")
    given = delivery(shop)

    given.newer()
    assert given.teller is not None
    given.teller.join()

    assert said(shop) == [("kill", "flag/checkout", "it burns")]


def test_a_flag_is_killed_once_and_each_environment_apart(shop: Path) -> None:
    first, again = kill("checkout", shop, "it burns"), kill("checkout", shop, "it burns")
    kill("checkout", shop, "there too", environment="staging")
    unkill("checkout", shop, "mended")

    kills = kill_file(home(shop), "shop").read()
    assert (first.new, again.new) == (True, False)
    assert (kills.off("production"), kills.off("staging")) == (frozenset(), frozenset({"checkout"}))
    assert len(said(shop)) == 3


@pytest.mark.parametrize("change", [("it burns", "it bums"), ("checkout", "search"), ('"first"', '"other"')])
def test_a_file_that_somebody_else_wrote_is_not_obeyed(shop: Path, change: tuple[str, str]) -> None:
    kill("checkout", shop, "it burns")
    given = delivery(shop)
    given.look()
    given.newer()
    file = shop / "state" / "kills.json"
    file.write_text(file.read_text().replace(*change))

    found = given.newer()

    assert found == {}  # what stood before the change stands
    assert "not signed by a key of this project" in given.refused
    with pytest.raises(StoreError, match="not signed"):
        kill("search", shop, "it burns too")


def test_what_is_no_flag_environment_or_reason_is_told(shop: Path) -> None:
    with pytest.raises(SpecError, match=r"there is no flag 'chekout'.*checkout"):
        kill("chekout", shop, "it burns")
    with pytest.raises(SpecError, match="there is no environment 'prod'"):
        kill("checkout", shop, "it burns", environment="prod")
    with pytest.raises(SpecError, match="the reason is empty"):
        kill("checkout", shop, " ")
    with pytest.raises(SpecError, match="was not killed"):
        unkill("checkout", shop, "mended")


def test_a_registry_that_breaks_while_it_is_served_stops_neither_rulesets_nor_kills(shop: Path) -> None:
    given = delivery(shop)
    given.look()
    before = given.newer()["production"]
    (shop / "state" / "registry.db").write_bytes(b"torn")

    assert given.look()
    assert given.trouble
    assert given.newer() == {}
    kill("checkout", shop, "it burns")
    after = given.newer()["production"]

    assert (before.ruleset.flags["checkout"].on, after.ruleset.flags["checkout"].on) == (True, False)


def test_a_file_of_kills_that_cannot_be_read_or_written_is_told(shop: Path) -> None:
    kill("checkout", shop, "it burns")
    (shop / "state" / "kills.json").write_text("{")
    with pytest.raises(StoreError, match="is no file of kills"):
        kill("search", shop, "it burns")

    (shop / "state" / "kills.json").unlink()
    (shop / "state" / "kills.lock").unlink()
    (shop / "state" / "kills.lock").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        kill("search", shop, "it burns")
