"""Tables of the lake in DuckDB: rows up to a commit, each once, of one experiment and version.

Attributes and properties stand in a column of JSON objects. A name that a plan uses is a column of the table,
else the typed column of a declared property, else read from the JSON: then it is text whose kind is inferred
from all its rows, as in a CSV.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import duckdb

from splitrun.measure.engine import Shelf

__all__ = ["LATE", "laid"]

LEFT_OUT = {
    "older": "older version",
    "paused": "first exposed while nobody was enrolled",
    "override": "override",
}
"""Why units of an experiment are not analysed, by the column that says so."""

LATE = "late"
"""Under which events are counted that came in too late."""

OBJECTS = {"exposures": "attributes", "triggers": "attributes", "events": "properties"}
"""The column with the JSON object, by table."""


def quoted(name: str) -> str:
    """Write a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Write a text."""
    return "'" + value.replace("'", "''") + "'"


def laid(
    connection: duckdb.DuckDBPyConnection, key: str, shelf: Shelf, reader: str
) -> tuple[frozenset[str], dict[str, int]]:
    """Make the table of a source from the lake.

    Args:
        connection: Where; it may read the files.
        key: The name of the table.
        shelf: What is read.
        reader: What reads the files, in SQL.

    Returns:
        The columns whose kind must be inferred; of exposures units by why they are not analysed, of events
        how many came in too late.
    """
    made, units = f"_lake_{key}", f"_lake_units_{key}"
    links = None if shelf.links is None else f"_lake_links_{key}"
    reader = spared(connection, key, shelf, reader)
    if links is not None:
        connection.register(links, shelf.links)
    held = connection.sql(f"SELECT * FROM {reader}")  # noqa: S608  # every path is quoted
    stored = {name: str(kind) for name, kind in zip(held.columns, held.types, strict=True)}
    once = bool(connection.execute(repeated(reader, shelf)).fetchall()[0][0])
    keep(connection, made, rows(reader, shelf, stored, links, once=once))
    counts: dict[str, int] = {}
    if shelf.late is not None and shelf.table == "events":
        counts[LATE] = int(connection.execute(missed(reader, shelf)).fetchall()[0][0])
    if shelf.table != "events":
        keep(connection, units, logged(made, shelf))
        counted = ", ".join(f"COUNT_IF({name})" for name in LEFT_OUT)
        query = f"SELECT {counted} FROM {quoted(units)}"  # noqa: S608  # every name is quoted
        counts = dict(zip(LEFT_OUT.values(), connection.execute(query).fetchall()[0], strict=True))
    keep(
        connection, key, named(made, None if shelf.table == "events" else units, shelf, sorted(shelf.wanted))
    )
    connection.execute(f"DROP TABLE temp.{quoted(made)}")
    if links is not None and shelf.table == "exposures":
        counts["linked"] = connection.execute(crossed(key)).fetchall()[0][0]
    return from_json(shelf, stored), {why: count for why, count in counts.items() if count}


def spared(connection: duckdb.DuckDBPyConnection, key: str, shelf: Shelf, reader: str) -> str:
    """Give what reads the files without the rows of those who opted out or are being erased."""
    if shelf.without is None:
        return reader
    out = f"_lake_without_{key}"
    connection.register(out, shelf.without)
    query = f"SELECT * FROM {reader} WHERE unit_key NOT IN (SELECT key FROM {quoted(out)})"  # noqa: S608  # quoted
    return f"({query})"


def keep(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    """Make a table of a query's rows."""
    connection.execute(f"CREATE TEMP TABLE {quoted(name)} AS {sql}")


def from_json(shelf: Shelf, stored: Mapping[str, str]) -> frozenset[str]:
    """Give the wanted names that only the JSON objects can hold."""
    return frozenset(name for name in shelf.wanted if name not in stored and f"p_{name}" not in stored)


def repeated(reader: str, shelf: Shelf) -> str:
    """Write whether some event id stands in two rows; two ids of one hash only cost time."""
    return (
        f"SELECT COUNT(*) > COUNT(DISTINCT hash(event_id)) FROM {reader} WHERE sequence <= {shelf.sequence}"  # noqa: S608  # quoted
    )


def rows(reader: str, shelf: Shelf, stored: Mapping[str, str], links: str | None, *, once: bool) -> str:
    """Write the rows of a pin.

    Args:
        reader: What reads the files.
        shelf: What is read of them.
        stored: The types of the files' columns, by name.
        links: The relation with `was` and `root`, where ids that belong to one unit are joined.
        once: Whether rows of one event id are made one: that of the earliest commit.
    """
    listed = [each(name, shelf, stored) for name in sorted(set(shelf.wanted) - {"unit_key"})]
    name = known(shelf, stored)
    key = name if links is None else f"COALESCE(l.root, {name})"
    head = ", ".join([f"{key} AS unit_key", f"{name} AS own_key", "r.time AS _time", *listed, *own(shelf)])
    joined = "" if links is None else f" LEFT JOIN {quoted(links)} l ON l.was = {name}"
    test = f"r.sequence <= {shelf.sequence}"
    if shelf.epoch is not None:
        test += f" AND {name} IS NOT NULL"
    if shelf.table != "events":
        test += f" AND r.experiment = {literal(shelf.experiment)}"
    elif shelf.late is not None:
        test += f" AND NOT {overdue(shelf.late)}"
    first = (
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY r.event_id ORDER BY r.sequence, r.received, r.time, "
        "r.unit_key) = 1"
        if once
        else ""
    )
    return f"SELECT {head} FROM {reader} r{joined} WHERE {test}{first}"  # noqa: S608  # every name is quoted


def known(shelf: Shelf, stored: Mapping[str, str]) -> str:
    """Write the pseudonym that a row's unit is known by; null where it was written before that epoch."""
    if shelf.epoch is None:
        return "r.unit_key"
    beside = f"unit_key_{shelf.epoch}"
    other = f" ELSE r.{beside}" if beside in stored else ""
    return f"(CASE WHEN r.epoch = {shelf.epoch} THEN r.unit_key{other} END)"


def overdue(late: timedelta) -> str:
    """Write whether a row came in too late; to the microsecond, and at the limit it is in time."""
    return f"(r.received > r.time + INTERVAL {late // timedelta(microseconds=1)} MICROSECOND)"


def missed(reader: str, shelf: Shelf) -> str:
    """Write how many events came in too late, each once however often it was sent."""
    late = overdue(shelf.late or timedelta())
    return (
        f"SELECT COUNT(DISTINCT r.event_id) FROM {reader} r WHERE r.sequence <= {shelf.sequence} AND {late} "  # noqa: S608  # quoted
        f"AND r.event_id NOT IN (SELECT r.event_id FROM {reader} r WHERE r.sequence <= {shelf.sequence} "
        f"AND NOT {late})"
    )


def own(shelf: Shelf) -> list[str]:
    """What says which exposures count."""
    if shelf.table == "events":
        return []
    return [f"r.{name} AS _{name}" for name in ("variant", "version", "enrolling", "trigger", "outcome")]


def each(name: str, shelf: Shelf, stored: Mapping[str, str]) -> str:
    """Write a wanted column."""
    if name in stored:
        return f"r.{quoted(name)}"
    # a pointer (RFC 6901): any sign may stand in a name
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    cell = f"json_extract_string(r.{OBJECTS[shelf.table]}, {literal(pointer)})"
    typed = f"p_{name}"
    if typed in stored:
        # rows from before it was declared have it in the JSON alone
        cell = f"COALESCE(r.{quoted(typed)}, TRY_CAST({cell} AS {stored[typed]}))"
    return f"{cell} AS {quoted(name)}"


def logged(relation: str, shelf: Shelf) -> str:
    """Write for every unit of an experiment whether it may not be analysed, and why."""
    version = f"_version = {shelf.version}"
    return (
        "SELECT unit_key, "  # noqa: S608  # our own names, and a number
        f"BOOL_OR(_version < {shelf.version}) AS older, "
        f"COALESCE(MIN(_time) FILTER (WHERE {version} AND NOT _enrolling) "
        f"<= MIN(_time) FILTER (WHERE {version} AND _enrolling), "
        f"BOOL_OR({version} AND NOT _enrolling)) AS paused, "
        f"COALESCE(BOOL_OR({version} AND _outcome = 'override'), FALSE) AS override "
        f"FROM {quoted(relation)} GROUP BY unit_key HAVING BOOL_OR({version})"
    )


def named(relation: str, units: str | None, shelf: Shelf, columns: Sequence[str]) -> str:
    """Write the rows that a plan reads, in an order that compaction does not change."""
    listed = ", ".join(["e.unit_key", *(f"e.{quoted(name)}" for name in columns if name != "unit_key")])
    query = f"SELECT {listed}, e.own_key FROM {quoted(relation)} e"  # noqa: S608  # every name is quoted
    if units is not None:
        trigger = "e._trigger" if shelf.table == "triggers" else "NOT e._trigger AND e._enrolling"
        query += (
            f" JOIN {quoted(units)} u ON u.unit_key = e.unit_key WHERE e._version = {shelf.version} "
            f"AND {trigger} AND NOT (u.{' OR u.'.join(LEFT_OUT)})"
        )
    return f"{query} ORDER BY e.unit_key, e._time"


def crossed(relation: str) -> str:
    """Write how many units met several variants, though each of their ids met one."""
    return (
        "SELECT COUNT(*) FROM (SELECT unit_key FROM (SELECT unit_key, own_key, "  # noqa: S608  # quoted
        "MIN(variant) AS low, MAX(variant) AS high "
        f"FROM {quoted(relation)} GROUP BY unit_key, own_key) GROUP BY unit_key "
        "HAVING MIN(low) < MAX(high) AND NOT BOOL_OR(low < high))"
    )
