"""The database refuses to change rows by triggers; who takes them off, or adds others, is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import text

from splitrun.store.registry.databases.migrating import migrate
from splitrun.store.verification import Fault, Tampering
from tests.store.places import Place, fill


def after(place: Place, *statements: str) -> tuple[Fault, ...]:
    """Verify a registry on which its owner ran these statements."""
    with closing(place.registry()) as registry:
        fill(registry, 2)
    database = place.database()
    with database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.close()
    return place.verified().faults


def test_the_guards_that_migrations_make_are_sound(place: Place) -> None:
    assert after(place) == ()
    database = place.database()
    migrate(database, "0001")
    migrate(database)
    database.close()
    assert place.verified().fine


@pytest.mark.requirement("R77")
@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (
            ("DROP TRIGGER plans_no_update",),
            "the trigger plans_no_update is missing, which refuses to change",
        ),
        (
            (
                "DROP TRIGGER plans_no_update",
                "CREATE TRIGGER plans_no_update BEFORE UPDATE ON plans BEGIN SELECT 1; END",
            ),
            "the trigger plans_no_update, which refuses to change rows, is not what was made or is switched",
        ),
        (
            ("CREATE TRIGGER evil AFTER INSERT ON lives BEGIN SELECT 1; END",),
            "evil was made by somebody else",
        ),
    ],
)
def test_guards_of_sqlite_that_were_touched_are_found(
    on_sqlite: Place, statements: tuple[str, ...], says: str
) -> None:
    (fault,) = after(on_sqlite, *statements)

    assert (fault.kind, fault.number) == (Tampering.GUARDS, 0)
    assert fault.says.startswith(says)


@pytest.mark.requirement("R77")
@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (("DROP TRIGGER plans_kept ON plans",), ["the trigger plans_kept is missing"]),
        (("ALTER TABLE plans DISABLE TRIGGER plans_kept",), ["the trigger plans_kept, which refuses"]),
        (
            (
                """CREATE OR REPLACE FUNCTION splitrun_kept() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RETURN NULL; END $$""",
            ),
            [
                f"the trigger {table}_kept, which refuses"
                for table in ("documents", "entries", "keys", "lives", "plans", "rulesets", "tokens")
            ],
        ),
        (
            (
                "DROP TRIGGER plans_kept ON plans",
                """CREATE TRIGGER plans_kept BEFORE DELETE ON plans
                FOR EACH STATEMENT EXECUTE FUNCTION splitrun_kept()""",
            ),
            ["the trigger plans_kept, which refuses"],
        ),
        (
            (
                "CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
                "CREATE TRIGGER evil BEFORE INSERT ON lives FOR EACH ROW EXECUTE FUNCTION evil()",
            ),
            ["evil was made by somebody else"],
        ),
        (
            ("CREATE RULE quiet AS ON INSERT TO plans DO ALSO NOTHING",),
            ["the rule quiet of plans was made by somebody else"],
        ),
    ],
)
def test_guards_of_postgresql_that_were_touched_are_found(
    new_place: Callable[[str], Place], statements: tuple[str, ...], says: list[str]
) -> None:
    faults = after(new_place("postgresql"), *statements)

    assert {fault.kind for fault in faults} == {Tampering.GUARDS}
    assert all(fault.says.startswith(due) for fault, due in zip(faults, says, strict=True))
