"""Readouts from the lake: pins, duplicates, disorder, identity, and the same answers as from files."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from splitrun.conduct.analyze import analyze
from splitrun.conduct.desk import Desk
from splitrun.conduct.reading.access import Access
from splitrun.conduct.reading.lake import lake_of
from splitrun.conduct.reading.readout import Wish, readout
from splitrun.conduct.registry.place import home
from splitrun.conduct.workspace import workspace
from splitrun.errors import DataError, SpecError
from splitrun.report.notebook import Shown
from splitrun.store.chain.entry import Entry
from splitrun.store.lake.tables import Table
from tests.buckets import bucket
from tests.conduct.reading.checkouts import AFTER, EXPERIMENT, FIRST, project, seal
from tests.lakes import Row, alias, commit, event, exposure

DESK = Desk(now=lambda: AFTER)

FROM_LAKE = (
    EXPERIMENT.replace("sources:\n  orders: {csv: orders.csv, unit: user, time: at}\n", "")
    .replace(
        "exposures: {csv: exposures.csv, unit: user, variant: arm, time: at, "
        "pre_exposure: [country, tenure]}\n",
        "exposures: {lake: exposures}\n",
    )
    .replace("source: orders", "source: events")
)


def table(file: Path) -> list[dict[str, str]]:
    with file.open() as opened:
        return list(csv.DictReader(opened))


def at(row: dict[str, str]) -> datetime:
    return datetime.fromisoformat(row["at"])


def exposures(root: Path) -> list[Row]:
    return [
        exposure(row["user"], row["arm"], at(row), attributes={"country": row["country"]})
        for row in table(root / "exposures.csv")
    ]


def orders(root: Path) -> list[Row]:
    return [
        event(row["user"], "order", at(row), properties={"amount": float(row["amount"])})
        for row in table(root / "orders.csv")
    ]


def shop(folder: Path, text: str = FROM_LAKE) -> tuple[Path, Path]:
    """A project whose rows can be put in its lake: the experiment's file and the lake's folder."""
    return project(folder, text), folder / "state" / "lake" / "shop" / "production"


def filled(folder: Path, text: str = FROM_LAKE) -> tuple[Path, Path]:
    file, lake = shop(folder, text)
    commit(lake, Table.EXPOSURES, exposures(folder))
    commit(lake, Table.EVENTS, orders(folder))
    return file, lake


def read(file: Path, **pins: int) -> Shown:
    return analyze(file, as_of=AFTER, access=Access(pins=pins), desk=DESK)


def effects(shown: Shown) -> list[object]:
    found = json.loads(shown.to_json())
    return [found[name] for name in ("units", "estimates")]


def numbers(value: object) -> list[float]:
    match value:
        case dict():
            return [each for part in value.values() for each in numbers(part)]
        case list():
            return [each for part in value for each in numbers(part)]
        case bool() | str() | None:
            return []
        case number:
            return [float(number)]  # type: ignore[arg-type]  # what is left in JSON


@pytest.mark.requirement("R23")
def test_the_same_data_as_csv_and_as_lake_give_the_same_readout(tmp_path: Path) -> None:
    csv_file = project(tmp_path / "files")
    lake_file, _ = filled(tmp_path / "lake")

    first, second = read(csv_file), read(lake_file)

    assert [count.exposed for count in second.units] == [count.exposed for count in first.units] == [200, 200]
    assert numbers(effects(second)) == pytest.approx(numbers(effects(first)), rel=1e-12)


def test_an_experiment_on_a_flag_reads_the_lake_where_it_names_no_rows(tmp_path: Path) -> None:
    text = FROM_LAKE.replace("exposures: {lake: exposures}\n", "flag: checkout\n").replace(
        "{control: {}, one-page: {}}", "{control: {serve: a}, one-page: {serve: b}}"
    )
    named, _ = filled(tmp_path / "named")
    unnamed, _ = filled(tmp_path / "unnamed", text)

    assert effects(read(unnamed)) == effects(read(named))


@pytest.mark.requirement("R24")
def test_disorder_and_duplicates_change_no_number(tmp_path: Path) -> None:
    ordered, _ = filled(tmp_path / "ordered")
    file, lake = shop(tmp_path / "mixed")
    rng = random.Random(13)  # noqa: S311  # a shuffle that can be repeated
    for name, rows in (
        (Table.EXPOSURES, exposures(tmp_path / "mixed")),
        (Table.EVENTS, orders(tmp_path / "mixed")),
    ):
        sent = [row for row in rows for _ in range(rng.randint(1, 5))]
        rng.shuffle(sent)
        for number, batch in enumerate(np.array_split(np.arange(len(sent)), 4), start=1):
            late = [
                {**sent[place], "received": AFTER + timedelta(hours=rng.random() * 72)} for place in batch
            ]
            commit(lake, name, late, number)

    assert effects(read(file)) == effects(read(ordered))


def waiting(limit: str) -> str:
    return FROM_LAKE.replace("unit: user\n", f"unit: user\nlateness: {limit}\n")


@pytest.mark.requirement("R23", "R24")
def test_events_in_the_lateness_window_change_no_bit_and_later_ones_are_left_out_and_counted(
    tmp_path: Path,
) -> None:
    """R14: shuffled over 72 h, some exposures after the outcome; each fifth event comes later than that."""
    ordered, before = shop(tmp_path / "ordered", waiting("72h"))
    file, lake = shop(tmp_path / "mixed", waiting("72h"))
    rows = orders(tmp_path / "mixed")
    beyond = [row for number, row in enumerate(rows) if number % 5 == 0]
    in_time = [row for number, row in enumerate(rows) if number % 5]
    commit(before, Table.EXPOSURES, exposures(tmp_path / "ordered"))
    commit(before, Table.EVENTS, in_time)
    rng = random.Random(14)  # noqa: S311  # a shuffle that can be repeated
    limit = timedelta(hours=72)
    sent = [{**row, "received": on(row) + limit * rng.random()} for row in in_time]
    sent[0]["received"] = on(sent[0]) + limit
    sent += [
        {**row, "received": on(row) + limit + timedelta(microseconds=rng.randint(1, 10**12))}
        for row in beyond
    ]
    sent += rng.sample(sent, 40)
    rng.shuffle(sent)
    for number, places in enumerate(np.array_split(np.arange(len(sent)), 4), start=1):
        commit(lake, Table.EVENTS, [sent[place] for place in places], number)
    shuffled = exposures(tmp_path / "mixed")
    rng.shuffle(shuffled)
    commit(lake, Table.EXPOSURES, [{**row, "received": on(row) + limit * rng.random()} for row in shuffled])

    shown = read(file)

    assert effects(shown) == effects(read(ordered))
    (told,) = [finding for finding in shown.findings if finding.code == "late_events"]
    assert told.says == (
        f"{len(beyond)} events came in more than 3d after they happened and are not counted "
        f"(events: {len(beyond)} rows)"
    )


def on(row: Row) -> datetime:
    time = row["time"]
    assert isinstance(time, datetime)
    return time


@pytest.mark.requirement("R24")
def test_the_lateness_of_the_policy_holds_where_the_experiment_says_none(tmp_path: Path) -> None:
    file, lake = shop(tmp_path)
    rows = orders(tmp_path)
    commit(lake, Table.EXPOSURES, exposures(tmp_path))
    commit(lake, Table.EVENTS, [{**row, "received": on(row) + timedelta(hours=30)} for row in rows])
    settings = tmp_path / "splitrun.yaml"
    everything = read(file)

    settings.write_text(settings.read_text() + "policy: {lateness: 1d}\n")

    assert [one for one in everything.findings if one.code == "late_events"] == []
    (told,) = [one for one in read(file).findings if one.code == "late_events"]
    assert told.says.startswith(f"{len(rows)} events came in more than 1d after they happened")
    file.write_text(waiting("2d"))
    assert effects(read(file)) == effects(everything)


def test_a_pin_gives_the_same_after_more_rows_and_after_compaction(tmp_path: Path) -> None:
    file, lake = filled(tmp_path)
    before = read(file)
    again = [
        event(f"u{number}", "order", FIRST + timedelta(days=14), properties={"amount": 70})
        for number in range(400)
    ]
    commit(lake, Table.EVENTS, again, 2)

    pinned = read(file, events=1)
    DeltaTable(str(lake / "events")).optimize.compact()
    compacted = read(file, events=1)

    facts = {each.name: each for each in compacted.lineage.data}
    assert effects(pinned) == effects(before) == effects(compacted)
    assert pinned.lineage.data == before.lineage.data
    assert facts["events"].where.startswith("events, sequence ≤ 1, ")
    assert effects(read(file)) != effects(before)
    with pytest.raises(DataError, match="events have come to commit 2, not to 3"):
        read(file, events=3)


@pytest.mark.requirement("R24")
def test_of_rows_with_one_id_the_first_that_was_committed_counts(tmp_path: Path) -> None:
    file, lake = filled(tmp_path)
    before = read(file)
    first = orders(tmp_path)[0]
    # the same id again, with more money, said to have been received long before
    other = {**first, "properties": '{"amount": 90000}', "received": FIRST - timedelta(days=1)}

    commit(lake, Table.EVENTS, [other], 2)
    met = exposures(tmp_path)[0]
    commit(lake, Table.EXPOSURES, [{**met, "variant": "neither", "received": FIRST - timedelta(days=1)}], 2)

    assert effects(read(file)) == effects(before)


@pytest.mark.requirement("R24")
def test_events_before_a_units_first_exposure_do_not_count(tmp_path: Path) -> None:
    file, lake = filled(tmp_path, people("first_seen"))
    commit(lake, Table.ALIASES, [alias("guest", "u1", FIRST)])
    before = read(file)
    met = min(at(row) for row in table(tmp_path / "exposures.csv") if row["user"] == "u1")
    early = met - timedelta(seconds=1)
    rows = [event(unit, "order", early, properties={"amount": 9000}) for unit in ("u1", "guest")]

    commit(lake, Table.EVENTS, rows, 2)
    unchanged = read(file)
    commit(lake, Table.EVENTS, [event("guest", "order", met, properties={"amount": 9000})], 3)

    assert effects(unchanged) == effects(before)
    assert effects(read(file)) != effects(before)


def people(identity: str) -> str:
    return FROM_LAKE.replace("unit: user\n", f"unit: user\nidentity: {identity}\n")


@pytest.mark.requirement("R04")
@pytest.mark.parametrize(
    ("identity", "units", "linked"), [("strict", [201, 201], 0), ("first_seen", [200, 200], 1)]
)
def test_linked_ids_are_one_unit_where_the_experiment_says_so(
    tmp_path: Path, identity: str, units: Sequence[int], linked: int
) -> None:
    file, lake = filled(tmp_path, people(identity))
    later = FIRST + timedelta(days=20)
    extra = [
        exposure("tablet", "one-page", FIRST + timedelta(days=14)),
        exposure("phone", "control", FIRST + timedelta(days=14)),
    ]
    commit(lake, Table.EXPOSURES, extra, 2)
    commit(lake, Table.ALIASES, [alias("tablet", "phone", later), alias("phone", "u1", later)])

    shown = read(file)

    assert [count.exposed for count in shown.units] == units
    told = [finding.says for finding in shown.findings if finding.code == "crossover"]
    assert [("only because linked ids were joined" in says) for says in told] == [True] * linked


@pytest.mark.requirement("R21")
def test_only_units_of_the_version_that_were_enrolled_by_chance_are_analysed(tmp_path: Path) -> None:
    file, lake = filled(tmp_path)
    soon = FIRST - timedelta(hours=1)
    rows = [
        exposure("u0", "control", soon, version=0),
        exposure("u1", "one-page", soon, enrolling=False),
        exposure("u2", "control", soon, outcome="override"),
        exposure("new", "control", soon, trigger=True),
        exposure("else", "control", soon, experiment="another"),
    ]
    commit(lake, Table.EXPOSURES, rows, 2)

    shown = read(file)

    assert [count.exposed for count in shown.units] == [198, 199]
    (told,) = [finding for finding in shown.findings if finding.code == "exposures_left_out"]
    assert "1 older version, 1 first exposed while nobody was enrolled, 1 override" in told.says


def test_a_declared_property_is_read_from_its_column_and_before_that_from_the_json(tmp_path: Path) -> None:
    file, lake = shop(tmp_path / "declared")
    plain, _ = filled(tmp_path / "plain")
    rows = orders(tmp_path / "declared")
    typed = [
        {**row, "properties": "{}", "p_amount": json.loads(str(row["properties"]))["amount"]}
        for row in rows[50:]
    ]
    commit(lake, Table.EXPOSURES, exposures(tmp_path / "declared"))
    commit(lake, Table.EVENTS, rows[:50])
    commit(lake, Table.EVENTS, typed, 2, [pa.field("p_amount", pa.float64())])

    assert numbers(effects(read(file))) == pytest.approx(numbers(effects(read(plain))), rel=1e-12)


def test_a_sealed_plan_is_read_from_the_lake_of_its_environment(tmp_path: Path) -> None:
    file, _ = filled(tmp_path)
    seal(file)

    shown = readout("checkout", file.parent, as_of=AFTER, wish=Wish(actor="ann"), desk=DESK)

    assert shown.registered
    assert [each.form for each in shown.lineage.data] == ["lake", "lake"]


def again(file: Path, pin: int | None = None, as_of: datetime | None = None) -> Shown:
    wish = Wish(actor="ann", pin=pin)
    return readout("checkout", file.parent, as_of=as_of, wish=wish, desk=DESK)


def looked(file: Path) -> Entry:
    with home(file.parent).registry() as registry:
        return [one for one in registry.entries() if one.verb == "look"][-1]


@pytest.mark.requirement("R23")
def test_a_former_look_is_read_again_exactly_as_it_was(tmp_path: Path) -> None:
    file, lake = filled(tmp_path)
    seal(file)
    first = again(file, as_of=AFTER)
    look = looked(file)
    more = [event(f"u{number}", "order", FIRST, properties={"amount": 70}) for number in range(400)]
    commit(lake, Table.EVENTS, more, 2)

    newest, pinned = again(file, as_of=AFTER), again(file, look.number)

    said = json.loads(look.content)
    rows = {each.name: each.rows for each in first.lineage.data}
    assert said["pins"] == {"events": 1, "exposures": 1}
    assert said["rows"] == rows
    assert effects(pinned) == effects(first)
    assert pinned.lineage.data == first.lineage.data
    assert effects(newest) != effects(first)
    assert json.loads(looked(file).content)["again"] == look.number
    with pytest.raises(SpecError, match="leave `--as-of` out"):
        again(file, look.number, as_of=AFTER)
    for number in (1, 0, 99, 1 << 70):
        with pytest.raises(SpecError, match=f"entry {number} of the log is no look"):
            again(file, number)


@pytest.mark.requirement("R23")
def test_a_pin_whose_rows_or_files_are_gone_says_so(tmp_path: Path) -> None:
    file, lake = filled(tmp_path)
    seal(file)
    again(file)
    look = looked(file).number
    events = DeltaTable(str(lake / "events"))
    first = min(events.file_uris())

    events.delete(f"date = '{FIRST.date() + timedelta(days=1)}'")
    with pytest.raises(
        DataError, match=rf"look {look} read [\d,]+ rows of events .* and [\d,]+ of them are left"
    ):
        again(file, look)
    Path(first).unlink()
    with pytest.raises(DataError, match=r"1 of \d+ files of events, sequence ≤ 1, are gone, like .*parquet"):
        again(file, look)


def test_a_look_at_files_cannot_be_pinned(tmp_path: Path) -> None:
    file = project(tmp_path)
    seal(file)
    again(file)

    with pytest.raises(SpecError, match="says of no table of the lake"):
        again(file, looked(file).number)


@pytest.mark.requirement("R23")
def test_the_same_rows_in_a_bucket_give_the_same_readout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = filled(tmp_path / "here", people("first_seen"))
    there, _ = shop(tmp_path / "there", people("first_seen"))
    root = tmp_path / "there"
    (root / "splitrun.yaml").write_text("project: shop\nlake: s3://rows/lake/\n")
    later = FIRST + timedelta(days=20)
    commit(
        tmp_path / "here" / "state" / "lake" / "shop" / "production",
        Table.ALIASES,
        [alias("u2", "u1", later)],
    )

    with bucket(monkeypatch, "rows"):
        lake = "s3://rows/lake/shop/production"
        commit(lake, Table.EXPOSURES, exposures(root))
        commit(lake, Table.EVENTS, orders(root))
        commit(lake, Table.ALIASES, [alias("u2", "u1", later)])
        found = read(there)
        commit(lake, Table.EVENTS, orders(root), 2)
        pinned = read(there, events=1)

    assert effects(found) == effects(pinned) == effects(read(here))
    assert pinned.lineage.data == found.lineage.data


@pytest.mark.parametrize(
    "url", ["gs://bucket/lake", "s3://key:secret@bucket/lake", "s3://", "s3://bucket/../x"]
)
def test_a_url_that_is_no_bucket_of_this_kind_is_refused_where_it_is_written(
    tmp_path: Path, url: str
) -> None:
    (tmp_path / "splitrun.yaml").write_text(f"project: shop\nlake: '{url}'\n")

    (told,) = workspace(tmp_path, ("splitrun.yaml",)).says.mistakes

    assert "no bucket that a lake can lie in; write s3://BUCKET/FOLDER" in str(told)
    assert "secret@" not in str(told)


def test_a_lake_that_is_not_there_is_told(tmp_path: Path) -> None:
    file, lake = shop(tmp_path)

    with pytest.raises(DataError, match="has no table of events yet"):
        read(file)

    commit(lake, Table.EVENTS, [])
    with pytest.raises(DataError, match="the lake holds no events yet"):
        read(file)
    assert lake_of(tmp_path.parent) is None
    (tmp_path / "splitrun.yaml").unlink()
    with pytest.raises(DataError, match=r"no splitrun.yaml here or above"):
        read(file)
