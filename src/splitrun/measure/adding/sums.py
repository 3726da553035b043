"""What is added up of each block's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import combinations_with_replacement

from sqlglot import exp

from splitrun.measure.adding.block import Block
from splitrun.measure.sql import column, tree

__all__ = [
    "TRIPLES",
    "UNITS",
    "Of",
    "Sum",
    "Term",
    "alike",
    "asked",
    "pairs",
    "sides",
    "terms",
    "triple_name",
    "triples",
]

TRIPLES = ((0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1))
"""The places of the columns whose products make third moments: xxx, and of a ratio xxy, xyy and yyy too."""


class Of(Enum):
    """What of a unit's columns is added up."""

    ONE = auto()
    """1 for each unit."""
    THERE = auto()
    """1 where the column has a value."""
    ZERO = auto()
    """1 where it is 0."""
    ONES = auto()
    """1 where it is 1: of a column that is 0 or 1 all that there is to know."""
    FLAG = auto()
    """The column itself, which is 0 or 1 and never missing."""
    PRODUCT = auto()
    """The product of one, two or three columns, where none is missing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One sum over the units of each cell."""

    of: Of
    columns: tuple[str, ...] = ()

    def written(self) -> exp.Expr:
        """The sum in SQL."""
        listed = [column(name) for name in self.columns]
        match self.of:
            case Of.ONE:
                return tree("COUNT(*)")
            case Of.THERE:
                return tree("COUNT(:x)", x=listed[0])
            case Of.ZERO:
                return tree("COUNT(CASE WHEN :x = 0 THEN 1 END)", x=listed[0])
            case Of.ONES:
                return tree("COUNT(CASE WHEN :x = 1 THEN 1 END)", x=listed[0])
            case Of.FLAG:
                return tree("CAST(SUM(:x) AS BIGINT)", x=listed[0])
            case Of.PRODUCT:
                product = " * ".join(f":x{place}" for place in range(len(listed)))
                holes = {f"x{place}": each for place, each in enumerate(listed)}
                return tree(f"COALESCE(FSUM({product}), 0.0)", **holes)


UNITS = Term(Of.ONE)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum less others."""

    of: Term
    less: tuple[Term, ...] = ()
    whole: bool = True
    """Whether it is a count."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is made of."""
        return tuple(name for term in (self.of, *self.less) for name in term.columns)

    def written(self) -> exp.Expr:
        """The sum in SQL: what is written alike a database adds up once."""
        found = self.of.written()
        for each in self.less:
            found = tree("(:a) - (:b)", a=found, b=each.written())
        return found if self.whole or self.of.of is Of.PRODUCT else tree("CAST(:n AS DOUBLE)", n=found)


def alike(blocks: Sequence[Block]) -> dict[str, str]:
    """For each column of the outcomes the first that is written like it: nothing is added up twice."""
    first: dict[str, str] = {}
    return {name: first.setdefault(each.sql(), name) for block in blocks for name, each in block.columns()}


def sides(block: Block, same: Mapping[str, str]) -> list[str]:
    """The columns of a block's outcome and covariates."""
    return [same[f"x{block.name}_{side}"] for side in range(block.width)]


def pairs(listed: Sequence[str]) -> list[tuple[int, int, str]]:
    """The places of two columns, and what their product is called."""
    return [
        (one, other, "q" + "_".join(sorted((listed[one], listed[other]))))
        for one, other in combinations_with_replacement(range(len(listed)), 2)
    ]


def triples(block: Block) -> tuple[tuple[int, int, int], ...]:
    """The places of three columns whose products are added up."""
    if not block.cubed:
        return ()
    return TRIPLES if block.mixed else TRIPLES[:1]


def triple_name(listed: Sequence[str], triple: tuple[int, int, int]) -> str:
    """What the product of three columns is called."""
    return "t" + "_".join(sorted(listed[place] for place in triple))


def asked(blocks: Sequence[Block], same: Mapping[str, str]) -> dict[str, Sum]:
    """All that is added up, by name."""
    named = {"units": Sum(UNITS)}
    for block in blocks:
        listed = sides(block, same)
        first = listed[0]
        waits = (Term(Of.FLAG, (same[f"i{block.name}"],)),) if block.ripens else ()
        named[same[f"i{block.name}"]] = Sum(waits[0]) if waits else Sum(UNITS, (UNITS,))
        # what every unit has need not be counted: one sum less
        named[f"n{first}"] = Sum(UNITS, waits) if block.filled else Sum(Term(Of.THERE, (first,)))
        named[f"z{first}"] = Sum(Term(Of.ZERO, (first,)))
        if block.cut is not None:
            named[f"h{block.name}"] = Sum(Term(Of.FLAG, (f"h{block.name}",)))
        products: dict[str, tuple[str, ...]] = {f"s{name}": (name,) for name in listed}
        products |= {name: (listed[one], listed[other]) for one, other, name in pairs(listed)}
        for triple in triples(block):
            a, b, c = triple
            products[triple_name(listed, triple)] = (listed[a], listed[b], listed[c])
        if block.binary:
            ones = Term(Of.ONES, (first,))
            # the sums of its powers are one count, and the rest of the units have a 0
            named |= {name: Sum(ones, whole=False) for name, each in products.items() if {*each} == {first}}
            counted = named[f"n{first}"]
            named[f"z{first}"] = Sum(counted.of, (*counted.less, ones))
        named |= {
            name: Sum(Term(Of.PRODUCT, each), whole=False)
            for name, each in products.items()
            if name not in named
        }
    return named


def terms(named: Mapping[str, Sum]) -> list[Term]:
    """All that is added up; a product of three is made from that of the first two, while that is at hand."""
    terms = dict.fromkeys(term for each in named.values() for term in (each.of, *each.less))
    return sorted(terms, key=lambda term: (term.of is Of.PRODUCT, term.columns[:2], len(term.columns)))
