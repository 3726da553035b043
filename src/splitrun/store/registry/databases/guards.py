"""The triggers by which a database refuses to change its rows: those that migrations made, and no others."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, bindparam, text

from splitrun.store.registry.databases.tables import BESIDE, entries

__all__ = ["misguarded"]

SAYS = "rows of this registry are never changed or deleted"
"""As the migration has it: a step that was released is never changed."""

TABLES = (entries.name, *BESIDE)

REFUSES = f"BEGIN RAISE EXCEPTION '{SAYS}'; END"
"""What the function of PostgreSQL's triggers does."""

TRIGGERS = text("""
SELECT t.tgname AS name, c.relname AS place, t.tgtype AS kind, t.tgenabled AS enabled,
       t.tgqual IS NULL AS always, p.proname AS calls, p.prosrc AS does
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND c.relnamespace = to_regnamespace(current_schema()) AND c.relname IN :tables
ORDER BY t.tgname
""").bindparams(bindparam("tables", expanding=True))

REWRITES = text("""
SELECT r.rulename AS name, c.relname AS place FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = to_regnamespace(current_schema()) AND c.relname IN :tables ORDER BY r.rulename
""").bindparams(bindparam("tables", expanding=True))

BEFORE_CHANGES = 2 | 8 | 16 | 32
"""Of `pg_trigger.tgtype`: before, on delete, update and truncate, once for each statement."""


def misguarded(connection: Connection, *, sqlite: bool) -> Iterator[str]:
    """Hold the triggers of a registry against those that were made with its tables.

    Args:
        connection: To the database.
        sqlite: Whether it is SQLite; else PostgreSQL.

    Yields:
        What is not as it was made, in words: a guard is missing or another one, a trigger or rule is foreign.
    """
    due = on_sqlite() if sqlite else on_postgresql()
    found = dict(told_by_sqlite(connection) if sqlite else told_by_postgresql(connection))
    for name in sorted(due):
        if name not in found:
            yield f"the trigger {name} is missing, which refuses to change rows"
        elif found[name] != due[name]:
            yield f"the trigger {name}, which refuses to change rows, is not what was made or is switched off"
    for name in sorted(set(found) - set(due)):
        yield f"{name[:80]} was made by somebody else, and may change what is written"


def on_sqlite() -> dict[str, str]:
    """The triggers that SQLite's tables have, as they were made."""
    return {
        f"{table}_no_{verb.lower()}": f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
        for table in TABLES
        for verb in ("UPDATE", "DELETE")
    }


def on_postgresql() -> dict[str, str]:
    """The triggers that PostgreSQL's tables have: where, when, whether always, and what they do."""
    return {f"{table}_kept": f"{table} {BEFORE_CHANGES} O True splitrun_kept {REFUSES}" for table in TABLES}


def told_by_sqlite(connection: Connection) -> Iterator[tuple[str, str]]:
    """Read the triggers of a file."""
    asked = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    for name, sql in connection.execute(asked):
        yield str(name), str(sql)


def told_by_postgresql(connection: Connection) -> Iterator[tuple[str, str]]:
    """Read the triggers of our tables, and rules, of which they have none."""
    for row in connection.execute(TRIGGERS, {"tables": TABLES}):
        does = " ".join(row.does.split())
        yield row.name, f"{row.place} {row.kind} {row.enabled} {row.always} {row.calls} {does}"
    for row in connection.execute(REWRITES, {"tables": TABLES}):
        yield f"the rule {row.name} of {row.place}", ""
