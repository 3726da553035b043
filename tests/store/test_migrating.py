from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, text

from splitrun.errors import StoreError
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.migrating import EMPTY, NEWEST, Migrated, migrate, revisions
from splitrun.store.registry.databases.tables import BESIDE, METADATA, entries
from splitrun.store.registry.opening import opened
from tests.store.places import Place, change, fill
from tests.store.sizes import sized
from tests.store.tampers import Log, read
from tests.store.test_writers import ended, start


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    found = place.database()
    yield found
    found.close()


def test_the_newest_schema_is_the_last_step() -> None:
    assert revisions()[-1] == NEWEST


def test_what_migrations_make_is_what_the_tables_say(database: Database) -> None:
    migrate(database)

    with database.reading() as connection:
        found = compare_metadata(MigrationContext.configure(connection), METADATA)

    assert found == []


def test_an_empty_registry_goes_up_down_and_up(database: Database) -> None:
    for to in (NEWEST, "0001", NEWEST, EMPTY, "0001", NEWEST):
        migrate(database, to)
        assert migrate(database, to) == Migrated(to, to)


def many(log: Log, rows: int) -> None:
    """Entries and documents that nobody signed: here only the rows count."""
    entry, document = log.rows["entries"][-1], log.rows["documents"][-1]
    first = int(str(entry["number"])) + 1
    log.rows["entries"] = [
        entry | {"number": number, "previous": f"p{number}", "hash": f"h{number}"}
        for number in range(first, first + rows // 2)
    ]
    log.rows["documents"] = [
        document | {"entry": number, "key": f"k{number}"} for number in range(first, first + rows // 2)
    ]


def test_no_row_changes_on_the_way_down_and_up(place: Place, database: Database) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 3)
    log = read(database, None)
    many(log, sized(2_000, 100_000))
    with database.writing() as connection:
        connection.execute(insert(entries), log.rows["entries"])
        connection.execute(insert(BESIDE["documents"]), log.rows["documents"])
    before = read(database, None)

    migrate(database, "0001")
    below = read(database, None)
    migrate(database)

    assert before == below == read(database, None)


def test_entries_are_never_migrated_away(place: Place, database: Database) -> None:
    with closing(place.registry()) as registry:
        registry.commit(change(1))

    with pytest.raises(StoreError, match="holds entries, and without tables they would be lost"):
        migrate(database, EMPTY)

    assert place.verified().fine


def test_nodes_that_migrate_at_once_do_it_once(place: Place) -> None:
    running = [start(place, "migrate") for _ in range(sized(2, 8))]

    done = sorted(ended(one) for one in running)

    assert done == [*[f"{NEWEST} {NEWEST}"] * (len(running) - 1), f"{EMPTY} {NEWEST}"]


def test_a_newer_schema_is_left_alone(place: Place, database: Database) -> None:
    migrate(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))

    for attempt in (place.registry, lambda: migrate(database), lambda: migrate(database, "0001")):
        with pytest.raises(
            StoreError, match="schema '0099', and this splitrun knows up to 0002; nothing was tou"
        ):
            attempt()


def test_an_older_schema_is_migrated_by_its_verb_only(place: Place, database: Database) -> None:
    migrate(database, "0001")

    with pytest.raises(
        StoreError, match="has the schema 0001, and this splitrun works with 0002; run `splitrun mi"
    ):
        opened(place.url, place.sealing())


def test_an_unknown_schema_and_somebody_elses_tables_are_refused(database: Database) -> None:
    with pytest.raises(StoreError, match="there is no schema '7'; this splitrun knows 0001, 0002"):
        migrate(database, "7")
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE entries (a INTEGER)"))
    with pytest.raises(StoreError, match="splitrun did not make"):
        migrate(database)
