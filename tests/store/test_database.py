"""What a database is told, and what it is never told."""

from __future__ import annotations

import re
import traceback
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text

from splitrun.errors import StoreError
from splitrun.store.registry.databases.database import Database, shown
from splitrun.store.registry.databases.migrating import migrate
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.databases.tables import BESIDE
from splitrun.testing.registry import PROMISES
from tests.postgres import Server
from tests.store.places import Place, change, fill

ROOMS = Path(__file__).parents[2] / "src" / "splitrun" / "store"


def test_nothing_is_ever_updated_or_deleted(place: Place) -> None:
    said: list[str] = []
    with closing(place.database()) as database:
        migrate(database)
        event.listen(database.engine, "before_cursor_execute", lambda *words: said.append(str(words[2])))
        registry = SqlRegistry(database, place.sealing())
        fill(registry, 3)
        registry.commit(replace(change(4), token="once"))  # noqa: S106 - names a change, opens nothing
        PROMISES[2](registry)

    assert any("INSERT INTO documents" in statement for statement in said)
    assert not [one for one in said if re.search(r"\b(UPDATE|DELETE|REPLACE|TRUNCATE|MERGE)\b", one.upper())]


def test_no_source_of_the_room_updates_or_deletes() -> None:
    banned = re.compile(r"\b(?<!hashed\.)(update|delete)\(|\"(UPDATE|DELETE) |'(UPDATE|DELETE) ")

    assert not [file for file in ROOMS.rglob("*.py") if banned.search(file.read_text(encoding="utf-8"))]


@pytest.mark.requirement("R77")
def test_the_database_itself_refuses_to_change_or_delete_a_row(place: Place) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 1)
        registry.commit(replace(change(2), token="once"))  # noqa: S106 - names a change, opens nothing
    with closing(place.database()) as database:
        for name in ("entries", *BESIDE):
            for statement in (f"UPDATE {name} SET at = 'x'", f"DELETE FROM {name}"):  # noqa: S608 - our own names
                wanted = statement.replace("at =", "token =") if name == "tokens" else statement
                with (
                    pytest.raises(StoreError, match="rows of this registry are never changed or deleted"),
                    database.writing() as connection,
                ):
                    connection.execute(text(wanted))

    assert place.verified().fine


def test_a_registry_that_cannot_be_reached_says_so_without_its_password() -> None:
    for url in (
        "postgresql://ann:very-secret@127.0.0.1:1/shop",
        "postgresql://ann@127.0.0.1:1/shop?password=very-secret",
    ):
        with closing(Database(url)) as database:
            with pytest.raises(StoreError) as refused, database.reading():
                pass
            told = "".join(traceback.format_exception(refused.value))

            assert "refuses: connection failed" in told
            assert "very-secret" not in told + database.name + shown(url) + repr(database.engine)


def test_a_wrong_password_is_not_told(postgres: Server) -> None:
    url = postgres.database().replace("kept-secret", "wrong-secret")
    with (
        closing(Database(url)) as database,
        pytest.raises(StoreError, match="password authentication") as refused,
        database.reading(),
    ):
        pass

    assert "wrong-secret" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://ann:very-secret@h/db", "no registry is kept in mysql"),
        ("sqlite://", "no registry is kept in sqlite"),
        ("sqlite:///:memory:", "no registry is kept in sqlite"),
        ("very-secret", "URL cannot be read"),
        ("", "URL cannot be read"),
    ],
)
def test_a_url_that_names_no_registry_is_refused_with_those_that_do(url: str, says: str) -> None:
    with pytest.raises(StoreError, match="write sqlite:///") as refused:
        Database(url)

    assert says in str(refused.value)
    assert "very-secret" not in str(refused.value) + shown(url)


def test_a_file_that_is_no_database_and_a_folder_nobody_may_make_are_told(tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    file.write_bytes(b"no database at all" * 100)
    with (
        closing(Database(f"sqlite:///{file}")) as database,
        pytest.raises(StoreError, match="file is not a database"),
        database.reading(),
    ):
        pass
    with pytest.raises(StoreError, match=r"the folder of .* cannot be made"):
        Database(f"sqlite:///{file}/registry.db")


def test_sqlite_keeps_what_was_committed_through_a_power_cut(on_sqlite: Place) -> None:
    with closing(on_sqlite.database()) as database, database.reading() as connection:
        settings = [
            connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert settings == ["wal", 2, 1, 30_000]
