"""What a reading has to know of units that opted out or were erased: whom to leave out, and how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import dataset

from splitrun.conduct.people.counting import COLUMNS, firsts
from splitrun.conduct.people.linking import belonging
from splitrun.conduct.registry.place import home
from splitrun.measure.engine import Shelf
from splitrun.measure.measured import Erased
from splitrun.moments import IntArray
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES
from splitrun.store.lake.reading import every_link, under
from splitrun.store.lake.tables import Table
from splitrun.store.people.certificate import SUBJECT, VERB, Certificate, read
from splitrun.store.people.place import marks_at
from splitrun.store.people.rows import Theirs

__all__ = ["NOBODY", "Gone", "gone_of", "missing", "rows_missing"]


@dataclass(frozen=True, slots=True)
class Gone:
    """Units that a reading does not count."""

    keys: frozenset[int] = frozenset()
    """Whose rows may be there and are left out: ids that were theirs alone by aliases are among them."""
    certificates: tuple[tuple[int, Certificate], ...] = ()
    """Of erasures, with the number of their entry in the audit chain."""
    environment: str = ""
    look: int | None = None
    """The former look that is read again; None: none is."""

    @property
    def since(self) -> tuple[Certificate, ...]:
        """The certificates that are younger than the look that is read again."""
        return tuple(one for number, one in self.certificates if self.look is not None and number > self.look)

    def rows(self, table: str) -> int:
        """Count the rows of a table that were erased since the look that is read again."""
        return sum(
            each.rows
            for one in self.since
            for each in one.tables
            if (each.environment, each.table) == (self.environment, table)
        )


NOBODY = Gone()


def gone_of(place: Path, lake: str | None) -> Gone:
    """Find who opted out or was erased.

    Args:
        place: A folder of the project.
        lake: The folder of the environment's lake, or its URL; None: there is no project, and nobody is gone.

    Raises:
        DataError: The links between ids cannot be read.
        StoreError: The list or the audit chain cannot be read.
    """
    if lake is None:
        return NOBODY
    project, environment = lake.rstrip("/").rsplit("/", 2)[1:]
    where = home(place)
    marks = marks_at(where.root)
    keys = marks.keys(marks.read())
    if keys:
        links, epochs = every_link(lake)
        keys |= belonging(keys, [links], epochs).keys
    if not where.there:
        return Gone(keys, environment=environment)
    with where.registry() as registry:
        entries = registry.believed(project, SUBJECT)
    found = tuple((one.number, read(one.content)) for one in entries if one.verb == VERB)
    return Gone(keys, found, environment)


def missing(plan: Plan, shelf: Mapping[str, Shelf], gone: Gone) -> Erased:
    """Count the units of an experiment and version that are not there any more, by variant."""
    erased = Counter[str]()
    for _, certificate in gone.certificates:
        for one in certificate.arms:
            if (one.environment, one.experiment, one.version) == named(plan, gone):
                erased.update(one.units)
    exposures = shelf.get(EXPOSURES)
    out = Counter[str]()
    if exposures is not None and gone.keys:
        counted = firsts([left(exposures, gone)], roots(exposures))
        out = counted.get((plan.key, plan.delivery.version), out)
    since = None if gone.look is None else (gone.look, sum(one.units for one in gone.since))
    return Erased(by_variant(plan, erased), by_variant(plan, out), since)


def named(plan: Plan, gone: Gone) -> tuple[str, str, int]:
    """How a certificate names what a plan reads."""
    return gone.environment, plan.key, plan.delivery.version


def by_variant(plan: Plan, units: Mapping[str, int]) -> IntArray:
    """Lay out counts in the plan's order."""
    return np.array([units.get(variant.key, 0) for variant in plan.variants], np.int64)


def roots(shelf: Shelf) -> dict[int, int]:
    """Give the key of the unit that a key belongs to, where ids are joined."""
    if shelf.links is None:
        return {}
    return dict(
        zip(shelf.links["was"].to_numpy().tolist(), shelf.links["root"].to_numpy().tolist(), strict=True)
    )


def left(shelf: Shelf, gone: Gone, columns: list[str] | None = None) -> pa.Table:
    """Read the rows of a pin that a reading leaves out."""
    rows = opened(shelf)
    wanted = Theirs(gone.keys).wanted(["unit_key"]) & (dataset.field("sequence") <= shelf.sequence)
    asked = columns or COLUMNS
    if shelf.epoch is None:
        return rows.to_table(columns=asked, filter=wanted)
    # a unit has a pseudonym in every epoch, and is one
    beside = [name for name in (f"unit_key_{shelf.epoch}",) if name in rows.schema.names]
    found = rows.to_table(columns=[*asked, "epoch", *beside], filter=wanted)
    place = found.column_names.index("unit_key")
    return found.set_column(place, "unit_key", under(found, "unit_key", shelf.epoch)).select(asked)


def opened(shelf: Shelf) -> dataset.Dataset:
    """Open the rows of a pin; files from before a rotation have no column for its epoch."""
    if shelf.rows is not None:
        return shelf.rows
    files = list(shelf.files)
    known, beside = dataset.dataset(files, format="parquet").schema, f"unit_key_{shelf.epoch}"
    if shelf.epoch is not None and beside not in known.names:
        known = known.append(pa.field(beside, pa.int64()))
    return dataset.dataset(files, schema=known, format="parquet")


def rows_missing(shelf: Mapping[str, Shelf], gone: Gone) -> dict[str, int]:
    """Count the rows of each source that are left out, or were erased since the look that is read again."""
    found = {}
    for name, one in shelf.items():
        table = Table.EVENTS if one.table == "events" else Table.EXPOSURES
        out = left(one, gone, ["unit_key"]).num_rows if gone.keys else 0
        found[name] = gone.rows(str(table)) + out
    return found
