"""From units to cells: each combination of variant, segment labels and phase, with the metrics' moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from splitrun.measure.adding.block import Block
from splitrun.measure.adding.cells import Digit
from splitrun.measure.adding.passes import Numbering, Pass, passed
from splitrun.measure.adding.trust import Trial
from splitrun.measure.engine import ROWS
from splitrun.measure.events import MET
from splitrun.measure.measured import Capping, Cells, Codes, Column
from splitrun.measure.outcomes.caps import Ceiling
from splitrun.measure.outcomes.looks import matured
from splitrun.measure.outcomes.numbers import Numbers
from splitrun.measure.ranges import WHOLE, Range
from splitrun.measure.rows.crossing import MOST, Crossing, Label
from splitrun.measure.segments import MISSING, ONE, Levels
from splitrun.measure.sql import Work, relation, select, tree, whole
from splitrun.moments import IntArray, Moments
from splitrun.spec.plan import PlannedMetric

__all__ = ["MOST", "Cube", "cubed"]

EXACT = 2**53
"""Numbers of cells up to which every one is told apart in a 64-bit float."""


@dataclass(frozen=True, slots=True)
class Cube:
    """What the units are cut by, and where their outcomes stand."""

    numbers: Numbers
    blocks: Mapping[str, tuple[Block, ...]]
    """By metric key, in the plan's order."""
    ceilings: Mapping[str, Ceiling]
    levels: Mapping[str, Levels]
    """By segment, in the plan's order."""
    phases: Levels
    clustered: bool
    name: str = ""
    """Tells its tables from those of another cube."""
    turns: tuple[Range, ...] = (WHOLE,)
    """The units, by n, that are taken at once."""
    crossing: Crossing | None = None
    """The labels that stand together, where they are few."""
    in_place: bool = False
    """Whether units are read where the exposures stand."""
    trusted: bool = False
    """Whether rows were taken at their word, so that it must turn out here whether they are what they say."""
    ids: bool = True
    """Whether units have ids, and not each row is one."""
    kept: bool = True
    """Whether outcomes are kept as a table, to be read again; else they are made as they are read."""

    @property
    def outcomes(self) -> str:
        """The table with a row per unit: n, cell, rank, start, g (its cluster) and the blocks' columns."""
        return f"_outcomes{self.name}"

    @property
    def centres(self) -> str:
        """The table with a row per cell, from the first pass."""
        return f"_cells{self.name}"

    @property
    def numbered(self) -> float:
        """How many numbers of cells there are."""
        widths = [len(self.numbers.plan.variants), self.phases.width]
        return float(
            np.prod([float(each) for each in (*widths, *(one.width for one in self.levels.values()))])
        )

    @property
    def room(self) -> float:
        """How many cells there could be."""
        there = self.numbered if self.crossing is None else float(self.crossing.rows)
        return min(self.numbered, there)

    @property
    def keys(self) -> tuple[Label, ...]:
        """What units are grouped by in place of their cell's number: labels that a file holds as they are."""
        crossing = self.crossing
        if crossing is None or not crossing.plain or not self.in_place or self.kept:
            return ()
        shown = {f"s{place}": planned.key for place, planned in enumerate(self.numbers.plan.segments)}
        for each in crossing.labels:
            levels = self.levels.get(shown[each.name]) if each.name in shown else self.phases
            if levels is None or any(label not in levels.raw for label, _ in crossing.sizes[each.name]):
                return ()
        return crossing.labels

    def cell(self) -> exp.Expr:
        """The number of a unit's cell: its codes as the digits of one whole number."""
        number: exp.Expr = tree("u.rank")
        places = list(self.numbers.plan.segments)
        for place, planned in enumerate(places):
            if planned.key not in self.levels:
                continue
            each = self.levels[planned.key]
            number = tree(
                "CAST(:n AS BIGINT) * :w + :c", n=number, w=whole(each.width), c=each.code(f"s{place}")
            )
        return tree(
            "CAST(:n AS BIGINT) * :w + :c", n=number, w=whole(self.phases.width), c=self.phases.code("phase")
        )

    def digits(self) -> list[tuple[Digit, exp.Expr]]:
        """The digits of a unit's cell, the first first; where outcomes are kept, the number as it is."""
        if self.kept:
            return [(Digit("cell", int(self.numbered)), self.cell())]
        found: list[tuple[Digit, exp.Expr]] = [
            (Digit("rank", len(self.numbers.plan.variants)), tree("u.rank"))
        ]
        raws = {each.name: each.raw for each in self.keys if each.text}
        for place, planned in enumerate(self.numbers.plan.segments):
            name, each = f"s{place}", self.levels.get(planned.key)
            if each is not None:
                code = each.found(raws[name]) if name in raws else each.code(name)
                found.append((Digit(f"d{place}", each.width, each.raw.index(MISSING)), code))
        if self.phases is not ONE:
            found.append((Digit("dphase", self.phases.width), self.phases.code("phase")))
        return found

    def groups(self, number: IntArray) -> list[IntArray]:
        """What cells are ever rolled up to: variants, their levels in each segment, strata and phases."""
        whole = self.cells(number, np.zeros(len(number), dtype=np.int64))
        adjust = self.numbers.plan.analysis.adjust
        strata = [
            whole.segments[key] for key in (() if adjust is None else adjust.strata) if key in whole.segments
        ]
        grouped = [whole.variant.code]
        for listed in ([whole.phase], strata, *([each] for each in whole.segments.values())):
            group = whole.variant.code
            for codes in listed:
                group = group * len(codes.labels) + codes.code
            grouped.append(group)
        return [np.unique(each, return_inverse=True)[1] for each in grouped]

    def cells(self, number: IntArray, units: IntArray) -> Cells:
        """Take the numbers of cells apart again."""
        number, phase = np.divmod(number, self.phases.width)
        codes: dict[str, Codes] = {}
        for key, each in reversed(list(self.levels.items())):
            number, code = np.divmod(number, each.width)
            codes[key] = each.codes(code)
        return Cells(
            variant=Codes(labels=tuple(variant.key for variant in self.numbers.plan.variants), code=number),
            segments=dict(reversed(list(codes.items()))),
            phase=self.phases.codes(phase),
            units=units,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What was found of the units, turn by turn."""

    passes: Sequence[Pass]
    cells: IntArray
    """The numbers of all cells, rising."""
    group: IntArray
    """For each cell of each turn its place among them."""

    @staticmethod
    def of(passes: Sequence[Pass]) -> Taken:
        """Put the turns together."""
        cells, group = np.unique(np.concatenate([one.cell for one in passes]), return_inverse=True)
        return Taken(passes, cells, group)

    def whole(self, counts: Sequence[IntArray]) -> IntArray:
        """Counts of every turn, added up, shape (cells,)."""
        added = np.zeros(len(self.cells), dtype=np.int64)
        np.add.at(added, self.group, np.concatenate(counts))
        return added

    def moments(self, block: Block) -> Moments:
        """The moments of a block's columns, put together over the turns in their order."""
        each = [one.moments(block) for one in self.passes]
        if len(each) == 1:
            return each[0]
        return Moments.stacked(each).gathered(self.group, len(self.cells))


def cubed(work: Work, cube: Cube) -> tuple[Cells, dict[str, Column]] | None:
    """Reduce units to cells; None where there are more than `MOST`.

    Raises:
        DataError: A metric has a window and the exposures have no time.
        MistrustedError: Rows that were taken at their word are not what they were taken for.
    """
    if cube.numbered > EXACT:
        return None
    if cube.room > MOST:
        counted = select([("cells", tree("COUNT(DISTINCT :cell)", cell=cube.cell()))], relation(MET, "u"))
        if int(work.one("how many cells", counted.where(tree("u.met")))["cells"] or 0) > MOST:
            return None
    passes = []
    looks: dict[str, IntArray] = {}
    keys = cube.keys
    # an engine that hands over rows need not find out which cell each is in by their labels
    digits = cube.digits() if ROWS in work.engine.capabilities else []
    trial = Trial("n" if cube.ids else None) if cube.trusted else None
    numbering = Numbering(cube.cell(), keys, [digit for digit, _ in digits], cube.room, cube.groups, trial)
    for turn in cube.turns:
        make = work.keep if cube.kept else work.name
        make("outcomes", cube.outcomes, _outcomes(cube, keys, digits, turn))
        passes.append(passed(work, (cube.outcomes, cube.centres), _all(cube), numbering))
        for key, counts in matured(work, cube.numbers, cube.outcomes).items():
            looks[key] = looks.get(key, np.zeros_like(counts)) + counts
        if turn is not WHOLE:
            work.forget(cube.outcomes)
            work.forget(cube.centres)
    taken = Taken.of(passes)
    cells = cube.cells(taken.cells, taken.whole([one.units for one in passes]))
    columns = {
        planned.key: _column(cube, planned, looks.get(planned.key), cells, taken)
        for planned in cube.numbers.plan.metrics
    }
    return cells, columns


def _outcomes(
    cube: Cube, keys: Sequence[Label], digits: Sequence[tuple[Digit, exp.Expr]], turn: Range
) -> exp.Select:
    named: list[tuple[str, exp.Expr]] = [
        ("n", tree("u.n")), ("cell", cube.cell()), ("rank", tree("u.rank")), ("start", tree("u.start")),
    ]  # fmt: skip
    named += [(each.name, each.raw) for each in keys]
    named += [
        (digit.name, tree("CAST(:c AS INTEGER)", c=code))
        for digit, code in digits
        if digit.name not in {"cell", "rank"}
    ]
    if cube.clustered:
        named.append(("g", tree("u.g")))
    for block in _all(cube):
        named += block.columns()
    return cube.numbers.over(named, turn)


def _all(cube: Cube) -> list[Block]:
    return [block for listed in cube.blocks.values() for block in listed]


def _column(
    cube: Cube,
    planned: PlannedMetric,
    looks: IntArray | None,
    cells: Cells,
    taken: Taken,
) -> Column:
    main, *plain = cube.blocks[planned.key]
    variants = len(cube.numbers.plan.variants)
    counts = [one.counts[main.name] for one in taken.passes]
    n, immature = taken.whole([each.n for each in counts]), taken.whole([each.immature for each in counts])
    roof = cube.ceilings.get(planned.key)
    capping = None
    if roof is not None:
        capping = Capping(
            at=roof.at,
            origin=roof.origin,
            capped=_by_variant(cells, taken.whole([each.capped for each in counts]), variants),
            uncapped=taken.moments(plain[0]),
        )
    return Column(
        moments=taken.moments(main),
        immature=_by_variant(cells, immature, variants),
        missing=_by_variant(cells, cells.units - immature - n, variants),
        covariates=tuple(name for name, _ in main.covariates),
        zeros=_by_variant(cells, taken.whole([each.zeros for each in counts]), variants),
        capping=capping,
        looks=looks,
    )


def _by_variant(cells: Cells, counts: IntArray, variants: int) -> IntArray:
    summed = np.zeros(variants, dtype=np.int64)
    np.add.at(summed, cells.variant.code, counts)
    return summed
