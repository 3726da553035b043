"""The tables of a spool, laid where there are none or older ones."""

from __future__ import annotations

import sqlite3

from splitrun.store.spool.counts import SCHEMA as COUNTS

__all__ = ["FORM", "laid", "written_in"]

FORM = 2
"""1 had an index over the sizes of parcels in place of `held`."""

SCHEMA = """
create table if not exists about (name text primary key, value text not null) strict;
create table if not exists parcels (
  number integer primary key autoincrement, at integer not null, project text not null,
  environment text not null, key text not null, events integer not null, packed integer not null,
  rejected text not null, form text not null, bytes integer not null, body blob not null
) strict;
create table if not exists letters (
  number integer primary key autoincrement, at integer not null, project text not null,
  environment text not null, key text not null, code text not null, says text not null,
  parcel integer not null, place integer not null, body blob not null
) strict;
"""

HELD = """
create table if not exists held (parcels integer not null, bytes integer not null) strict;
insert into held select count(*), coalesce(sum(bytes), 0) from parcels where not exists (select 1 from held);
create trigger if not exists parcel_kept after insert on parcels begin
  update held set parcels = parcels + 1, bytes = bytes + new.bytes;
end;
create trigger if not exists parcel_forgotten after delete on parcels begin
  update held set parcels = parcels - 1, bytes = bytes - old.bytes;
end;
create trigger if not exists parcel_changed after update of bytes on parcels begin
  update held set bytes = bytes - old.bytes + new.bytes;
end;
drop index if exists sizes;
"""
"""How many parcels there are and what they take: whoever changes them changes it in the same transaction.
An index that is asked for it instead takes more pages of a commit than all else where batches are small."""


def written_in(connection: sqlite3.Connection) -> int:
    """Give the form of a file; 0 where it is empty."""
    (there,) = connection.execute("select count(*) from sqlite_master where name = 'about'").fetchone()
    if not there:
        return 0
    found = connection.execute("select value from about where name = 'form'").fetchone()
    return 0 if found is None else int(found[0])


def laid(connection: sqlite3.Connection, name: str) -> None:
    """Lay the tables that are missing, and make those of an older form over; all or nothing.

    Args:
        connection: Outside a transaction.
        name: What a new spool is called.
    """
    try:
        connection.executescript(f"begin immediate; {SCHEMA} {COUNTS} {HELD}")
        connection.execute("insert or ignore into about values ('name', ?)", (name,))
        connection.execute("insert or replace into about values ('form', ?)", (str(FORM),))
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
