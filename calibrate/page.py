"""The page of calibration, written from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from calibrate.figures import GATE, ONE_SIDED, Figure, Part, Row
from calibrate.grid import LOPSIDED, METHODS, SEEDS, SPLITS
from calibrate.often import BESIDE, FUTILE, HYBRID
from calibrate.once import RATIO
from calibrate.reasons import reason
from calibrate.worlds import WORLDS

__all__ = ["page"]

HEAD = Path(__file__).parent / "head.md"
NAMES = ("T1", "T2", "T3", "T4", "T5", "power")
TELLS = {
    "fixed difference": (
        "Welch. T4, as in all tables that say nothing else: coverage of a true effect of +5 %."
    ),
    RATIO: (
        "The metric over its denominator; in `clustered` the mean per unit. g is that of the residuals\n"
        "y - R x."
    ),
    "lift (Fieller)": "The p of no lift; coverage of the lift.",
    "non-inferiority, absolute margin": (
        "One-sided, and judged up to g 0.05. T1, T2: a treatment worse by just the margin (10 % of\n"
        "control) is proved harmless. T4: the one-sided bound of 95 %."
    ),
    "non-inferiority, relative margin": "The same with a margin that is a part of control's mean.",
    "adjusted (Lin, one covariate)": "One covariate from before, interacted.",
    "post-stratified (three strata)": "Three strata from before, as dummies in the same estimator.",
    "clusters of one variant": (
        "Whole clusters are randomised; n counts clusters: of 20 (normal), 2,000 (rare share), 100\n"
        "(skewed, capped) units, of 1 to 7 sessions (ratio), of 4 to 28 units with correlation 0.5\n"
        "(clustered)."
    ),
    "clusters of both variants (CR2)": (
        "60 clusters, units randomised within them; treatment works differently in each; n counts units."
    ),
    "clusters of one variant, adjusted": (
        "A covariate of the units, whose mean says more of a cluster than of its units; in worlds of normal\n"
        "values only. n counts clusters."
    ),
    "clusters of both variants, adjusted (CR2)": (
        "The same where units are randomised within 60 clusters; treatment works by the covariate too. n\n"
        "counts units."
    ),
    "quantile of events": (
        "Units have several events, alike within units; n counts units. The median; for skewed and\n"
        "capped, where 30 % of events have a value, the 90th percentile. T4: all values 5 % larger. g\n"
        "says nothing about a quantile, and a share of zeros and ones has none. Gated: below 100 units or\n"
        "30 on one side of the quantile in a variant, where the product gives no interval."
    ),
    "group-sequential, O'Brien-Fleming": (
        "Least and largest figure over plans of 2, 3, … 14 looks within 28 days. T1, T2: any look alarms.\n"
        "T4: the repeated intervals of all looks hold the true effect together. g is that of the first\n"
        "look of the plan with 14."
    ),
    "group-sequential, Pocock": "The same with Pocock's spending.",
    "group-sequential, power": "The same with the power family at rho 3.",
    "group-sequential, Hwang-Shih-DeCani": "The same with Hwang, Shih and DeCani's family at gamma -4.",
    FUTILE: (
        "O'Brien-Fleming spending with futility that binds nobody, planned power 80 %. T1, T2: any look\n"
        "alarms though futility was ignored. Power: the effect planned for is found before a look is\n"
        "futile, where everybody stops then. Judged on one side."
    ),
    "always-valid": (
        "The first look comes where units, conversions and g allow it; in gated rows g is left out of\n"
        "that rule, so that the figure shows what the gate keeps away. T5: any look alarms without an\n"
        "effect. T4: the intervals of all looks hold the true effect together (a lower bound only)."
    ),
    BESIDE: (
        "One bound on the side of harm at 1 %, as a guardrail that is proved at planned moments is watched\n"
        "beside, with the gate of the always-valid method. T2: any of its looks alarms though the treatment\n"
        "is worse by no more than the margin (an upper bound only)."
    ),
    HYBRID: (
        "Read on each of 28 days with a tenth of alpha, as the always-valid method is, and on the last one\n"
        "once with the rest. T1, T2: any reading alarms (upper bounds). T4: the intervals of all readings\n"
        "hold the true effect together (a lower bound only)."
    ),
    "Bonferroni, three treatments": (
        "Three treatments against one control. T1, T2: any false alarm (upper bounds: comparisons that\n"
        "share a control err less). T4: the three intervals hold together, one effect being +5 % (a lower\n"
        "bound only)."
    ),
    "Holm, three treatments": (
        "T4: with the first treatment better by 5 %, any false alarm among the other two, at most 5 %."
    ),
    "Benjamini-Hochberg, three treatments": (
        "T4: with the first treatment better by 5 %, the part of false alarms among alarms, at most 5 %."
    ),
    "Benjamini-Yekutieli, three treatments": "The same, under any dependence of the comparisons.",
    LOPSIDED[0]: (
        "Units of clusters are log-normal around 20, correlation 0.2: the more their logarithm varies\n"
        "(log-sd), the fewer clusters hold most units. n counts clusters of either variant. T1, T2: upper\n"
        "bounds, T4: a lower bound, all over the runs that have an interval: where so few clusters hold\n"
        "most units that their mean size cannot be told from none, there is none."
    ),
    LOPSIDED[1]: (
        "The same around 100 units that are randomised within clusters, treatment working differently in\n"
        "each; n counts units."
    ),
    LOPSIDED[2]: "The median of units in clusters as in the first of the three.",
    "Dunnett, three treatments": "T4: the three intervals hold together, one effect being +5 %.",
}
"""What the figures of a method are of."""


def page(rows: Sequence[Row]) -> str:
    """Write the page of at least one row of each kind."""
    parts = [head(rows), *(table(method, rows) for method in (*METHODS, *LOPSIDED)), failing(rows)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def head(rows: Sequence[Row]) -> str:
    """What was simulated, what the bands are, and how many rows hold."""
    count = Counter(row.verdict for row in rows)
    # of the first method and of the one that is looked at always
    every = {each.name: each for row in rows if row.method == METHODS[0] for each in figures(row.part)}
    every |= {each.name: each for row in rows for each in figures(row.part) if each.name == "T5"}
    return HEAD.read_text(encoding="utf-8").format(
        rows=len(rows),
        holds=count["holds"],
        gated=count["gated"],
        fails=count["does not hold"],
        undefined=count["not defined"],
        runs=f"{every['T1'].runs:,}",
        fewer=f"{every['T4'].runs:,}",
        paths=f"{every['T5'].runs:,}",
        looks=500,
        t1=limits(every["T1"]),
        t2=limits(every["T2"]),
        t3=plain(every["T3"].high),
        t4=limits(every["T4"]),
        t5=percent(every["T5"].high),
        gate=GATE,
        one_sided=ONE_SIDED,
        power=limits(next(each for row in rows for each in figures(row.part) if each.name == "power")),
        seeds=" and ".join(str(seed) for seed in SEEDS),
        worlds="\n".join(f"| {name} | {world.says} |" for name, world in WORLDS.items()),
        splits=", ".join(SPLITS),
    )


def table(method: str, rows: Sequence[Row]) -> str:
    """The rows of one method."""
    own = [row for row in rows if row.method == method]
    there = {each.name for row in own for each in figures(row.part)}
    names = [name for name in NAMES if name in there]
    where = "sizes | clusters" if method in LOPSIDED else "world | split"
    lines = [
        f"## {method[0].upper()}{method[1:]}",
        "",
        TELLS[method],
        "",
        f"| {where} | n | runs | g | {' | '.join(names)} | verdict |",
        f"|---|---|---|---|---|{'---|' * len(names)}---|",
    ]
    return "\n".join(lines + [line(row, names) for row in own])


def line(row: Row, names: Sequence[str]) -> str:
    """One row."""
    part = row.part
    if part is None:
        return f"| {row.world} | {row.split} | {'- | ' * (3 + len(names))}{row.verdict} |"
    # + 0: no minus before a zero
    g = "-" if part.g is None else f"{round(part.g, 3) + 0:.3f}"
    runs = max(figure.runs for figure in part.figures)
    n = " + ".join(f"{each:,.0f}" for each in part.n)
    cells = " | ".join(both(row, name) for name in names)
    return f"| {row.world} | {row.split} | {n} | {runs:,} | {g} | {cells} | {row.verdict} |"


def both(row: Row, name: str) -> str:
    """A figure with the first seed and, where there was one, with the second."""
    text = spanned(row.part, name) + (f" (again {spanned(row.again, name)})" if row.again else "")
    return f"**{text}**" if name in row.missed and row.verdict == "does not hold" else text


def spanned(part: Part | None, name: str) -> str:
    """A figure, or the least and largest of several of its name."""
    own = [each for each in figures(part) if each.name == name]
    if not own:
        return "-"
    values = sorted({shown(each.value, name) for each in own}, key=lambda text: float(text.split()[0]))
    return values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}"


def failing(rows: Sequence[Row]) -> str:
    """What does not hold, and why."""
    own = [(row, name) for row in rows if row.verdict == "does not hold" for name in row.missed]
    if not own:
        return "## Rows that do not hold\n\nNone."
    columns = ("method", "world", "split", "figure", "first seed", "second seed", "band", "why")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for row, name in own:
        figure = next(each for each in figures(row.part) if each.name == name)
        cells = (row.method, row.world, row.split, name, spanned(row.part, name), spanned(row.again, name))
        why = reason(row.method, row.world, row.split)
        lines.append(f"| {' | '.join(cells)} | {limits(figure)} | {why} |")
    return "\n".join(["## Rows that do not hold", "", *lines])


def figures(part: Part | None) -> tuple[Figure, ...]:
    """The figures of a part; none where there is none."""
    return () if part is None else part.figures


def limits(figure: Figure) -> str:
    """The band of a figure."""
    return f"{shown(figure.low, figure.name)} to {shown(figure.high, figure.name)}"


def shown(value: float, name: str) -> str:
    """A distance, or a share in percent."""
    return plain(value) if name == "T3" else percent(value)


def percent(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.2f} %"


def plain(value: float) -> str:
    """A distance."""
    return f"{value:.4f}"
