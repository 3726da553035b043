"""Readings without those who opted out or were erased: at once, by variant, and of former looks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from splitrun.conduct.analyze import analyze
from splitrun.conduct.collecting.assembled import lake_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.people.forgetting import Why, forget
from splitrun.conduct.people.opting import opt_out
from splitrun.conduct.people.place import tables_of
from splitrun.conduct.reading.access import Access
from splitrun.conduct.reading.readout import Wish, readout
from splitrun.conduct.registry.place import home
from splitrun.errors import DataError
from splitrun.report.notebook import Shown
from splitrun.sdk.event import Unit
from splitrun.store.lake.tables import Table
from splitrun.store.people.marks import Kind, Mark
from splitrun.store.people.place import marks_at
from splitrun.store.people.rows import Theirs, erased
from tests.conduct.reading.checkouts import AFTER, FIRST, seal
from tests.conduct.reading.test_lake import DESK, FROM_LAKE, effects, exposures, filled, orders, shop
from tests.lakes import alias, commit, event, key_of

TREATED = [Unit("user", f"u{number}") for number in range(1, 140, 2)]
"""70 of the 200 units of one-page: u1, u3, …"""


def keyed(root: Path) -> None:
    """The key of the pseudonyms that the small lake has."""
    keys = root / "state" / "keys" / "pseudonym"
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "1.key").write_bytes(b"k" * 32)


def filled_with(folder: Path, gone: list[Unit], text: str = FROM_LAKE) -> Path:
    """A lake that never had these units."""
    file, lake = shop(folder, text)
    names = {key_of(one.id) for one in gone}
    commit(lake, Table.EXPOSURES, [row for row in exposures(folder) if row["unit_key"] not in names])
    commit(lake, Table.EVENTS, [row for row in orders(folder) if row["unit_key"] not in names])
    return file


def read(file: Path) -> Shown:
    return analyze(file, as_of=AFTER, desk=DESK)


def findings(shown: Shown) -> dict[str, str]:
    return {one.code: f"{one.severity}: {one.says}" for one in shown.findings}


@pytest.mark.requirement("R78", "R79")
def test_who_opted_out_is_left_out_at_once_and_is_there_again_when_in(tmp_path: Path) -> None:
    file, _ = filled(tmp_path / "here")
    root = tmp_path / "here"
    keyed(root)
    before = effects(read(file))

    opt_out(TREATED[:5], root, desk=DESK)
    out = read(file)
    opt_out(TREATED[:5], root, undo=True, desk=DESK)

    assert effects(out) == effects(read(filled_with(tmp_path / "never", TREATED[:5])))
    assert [count.exposed for count in out.units] == [200, 195]
    assert "5 units opted out or about to be erased (control 0, one-page 5)" in findings(out)["erased"]
    assert "units that were erased or opted out are not in the effects any more" in out.limitations
    assert effects(read(file)) == before


@pytest.mark.requirement("R78")
def test_a_readout_says_how_many_of_each_variant_were_erased_and_explains_the_split(tmp_path: Path) -> None:
    file, _ = filled(tmp_path / "here")
    root = tmp_path / "here"
    keyed(root)

    done = forget(TREATED, root, Why("request 7"), desk=DESK)
    after = read(file)

    never = read(filled_with(tmp_path / "never", TREATED))
    assert done.certificate.arms[0].units == {"one-page": 70}
    assert [count.exposed for count in after.units] == [200, 130]
    # 130:200 alone would stop everything: p = 0.0001 (scipy.stats.chisquare)
    assert findings(never)["split"].startswith("stop")
    assert findings(after)["split"].startswith("warn: the split of exposed units is explained by those who")
    assert "70 units of this experiment erased (control 0, one-page 70)" in findings(after)["erased"]
    verdicts = [one.verdict.value for one in after.comparisons]
    assert "invalid" not in verdicts
    # the numbers are those of a lake that never had them; only the verdicts are not taken away
    assert [one.absolute for one in after.comparisons] == [one.absolute for one in never.comparisons]


def look(file: Path, pin: int | None = None) -> Shown:
    as_of = AFTER if pin is None else None
    return readout("checkout", file.parent, as_of=as_of, wish=Wish(actor="ann", pin=pin), desk=DESK)


def last_look(file: Path) -> int:
    with home(file.parent).registry() as registry:
        return [one for one in registry.entries() if one.verb == "look"][-1].number


@pytest.mark.requirement("R23", "R78")
def test_a_former_look_is_read_again_and_told_who_was_erased_since(tmp_path: Path) -> None:
    file, lake = filled(tmp_path)
    keyed(tmp_path)
    seal(file)
    look(file)
    number = last_look(file)
    commit(lake, Table.EVENTS, [event("u1", "order", FIRST + timedelta(days=1), properties={"amount": 9})], 2)
    files = {str(one) for one in lake.rglob("*.parquet")}

    forget(TREATED[:3], tmp_path, Why("request 7"), desk=DESK)
    again = look(file, number)

    assert files & {str(one) for one in lake.rglob("*.parquet")} != files
    assert (
        f"3 units of the lake erased since look {number}, and nothing else of it is gone"
        in findings(again)["erased"]
    )
    assert [count.exposed for count in again.units] == [200, 197]
    assert "tamper" not in again.to_json()
    # what is read of the lake up to a commit all of whose rows were erased is still read
    assert analyze(file, as_of=AFTER, access=Access(pins={"events": 2}), desk=DESK).units == again.units


@pytest.mark.requirement("R78")
def test_rows_that_no_certificate_explains_are_still_missed(tmp_path: Path) -> None:
    file, _ = filled(tmp_path)
    keyed(tmp_path)
    seal(file)
    look(file)
    number = last_look(file)

    forget(TREATED[:1], tmp_path, Why("request 7"), desk=DESK)
    for _, table in tables_of(tmp_path, lake_of(tmp_path)):
        erased(table, Theirs(frozenset({key_of("u5")})))

    with pytest.raises(DataError, match=r"certificates tell of 1 that were erased: days were let go of"):
        look(file, number)


def test_between_the_mark_and_the_rewriting_nobody_is_read(tmp_path: Path) -> None:
    file, _ = filled(tmp_path / "here")
    root = tmp_path / "here"
    keyed(root)
    marks = marks_at(root)
    with marks.changing() as listed:
        for one in TREATED[:4]:
            token = marks.token(one)
            listed[token] = Mark(Kind.GONE, "2026-11-22", marks.sealed(token, [key_of(one.id)]))

    assert effects(read(file)) == effects(read(filled_with(tmp_path / "never", TREATED[:4])))


def test_a_unit_of_several_ids_is_erased_and_counted_once(tmp_path: Path) -> None:
    text = FROM_LAKE.replace("unit: user\n", "unit: user\nidentity: first_seen\n", 1)
    file, lake = filled(tmp_path / "here", text)
    root = tmp_path / "here"
    keyed(root)
    later = FIRST + timedelta(days=20)
    commit(lake, Table.ALIASES, [alias("u3", "u1", later)])

    done = forget([Unit("user", "u1")], root, Why("request 7"), desk=DESK)

    assert (done.certificate.linked, done.certificate.arms[0].units) == (1, {"one-page": 1})
    assert [count.exposed for count in read(file).units] == [200, 198]


@pytest.mark.requirement("R79")
@pytest.mark.parametrize("identity", ["strict", "first_seen"])
def test_an_id_from_before_is_left_out_with_who_opted_out(tmp_path: Path, identity: str) -> None:
    text = FROM_LAKE.replace("unit: user\n", f"unit: user\nidentity: {identity}\n", 1)
    file, lake = filled(tmp_path / "here", text)
    keyed(tmp_path / "here")
    later = FIRST + timedelta(days=20)
    commit(lake, Table.ALIASES, [alias("u3", "u1", later)])

    opt_out([Unit("user", "u1")], tmp_path / "here", desk=DESK)
    out = read(file)

    assert [count.exposed for count in out.units] == [200, 198]
    many = 2 if identity == "strict" else 1
    assert f"{many} units opted out or" in findings(out)["erased"].replace("unit opted", "units opted")


def test_the_wish_of_today_is_kept_by_its_day_alone(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text("project: shop\n")
    at = datetime(2026, 11, 22, 9, 41, 7, tzinfo=UTC)

    first = opt_out(TREATED[:2], tmp_path, desk=Desk(now=lambda: at))
    again = opt_out(TREATED[:3], tmp_path, desk=Desk(now=lambda: at))

    assert (first.units, first.changed, again.units, again.changed) == (2, 2, 3, 1)
    assert {mark.day for mark in marks_at(tmp_path).read().values()} == {"2026-11-22"}
    assert "09:41" not in marks_at(tmp_path).file.read_text()
    assert not (tmp_path / "state" / "registry.db").exists()
    assert json.dumps(opt_out(TREATED[:1], tmp_path, undo=True).changed) == "1"
