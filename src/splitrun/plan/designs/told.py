"""An assignment or schedule in words: counts, balance before and after, what to mind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from splitrun.plan.designs.assignment import Assignment, Count
from splitrun.plan.designs.balance import Difference
from splitrun.plan.designs.design import Switchback
from splitrun.plan.designs.salts import Search
from splitrun.plan.designs.switchback import Schedule

__all__ = ["assignment_text", "schedule_text"]

MOST = 12
"""How many differences and strata are listed; all stand in the JSON form."""
WIDE = 100
NOTABLE = 0.1
"""A standardised difference beyond it is called notable (Austin 2009)."""


def assignment_text(found: Assignment) -> str:
    """Tell an assignment."""
    design = found.design
    lines = [f"{design.key or 'assignment'}: {design.design}, seed {found.seed}", ""]
    lines += counts(found.counts)
    if found.clusters is not None:
        one = found.clusters
        lines.append(
            f"  clusters: {one.clusters:,}, of {one.smallest:,} to {one.largest:,} units (median "
            f"{one.median:g}), as many as {one.effective:.1f} of equal size"
        )
    if found.salt is not None:
        lines.append(f"  salt: {found.salt}")
    if found.search is not None:
        lines += tried(found.search)
    lines += differences(found.differences)
    lines += noted(found.notes)
    lines += ["", f"frame {found.roster.digest[:19]}"]
    return "\n".join(lines)


def schedule_text(design: Switchback, found: Schedule, seed: int) -> str:
    """Tell a schedule: how often each region has each variant, and its first periods."""
    regions = sorted({period.region for period in found.periods})
    lines = [f"{design.key or 'assignment'}: {design.design}, seed {seed}", ""]
    for region in regions[:MOST]:
        own = [period for period in found.periods if period.region == region]
        listed = ", ".join(
            f"{key} {sum(period.variant == key for period in own):,}" for key in design.variants
        )
        lines.append(
            f"  {region}: {listed} periods, {own[0].start.isoformat()} to {own[-1].until.isoformat()}"
        )
    if len(regions) > MOST:
        lines.append(f"  and {len(regions) - MOST:,} more regions")
    return "\n".join([*lines, *noted(found.notes)])


def counts(told: Sequence[Count]) -> Iterator[str]:
    """Counts over all in full, of strata as the widest distance from what is due."""
    for of in ("unit", "cluster"):
        over = [count for count in told if count.of == of and count.stratum is None]
        for count in over:
            yield f"  {count.variant}: {count.after:,} {of}s, due {count.due:,.1f}"
        inside = [count for count in told if count.of == of and count.stratum is not None]
        if inside:
            strata = len({count.stratum for count in inside})
            late = max(abs(count.after - count.due) for count in inside)
            early = max(abs(count.before - count.due) for count in inside)
            yield (
                f"  {strata:,} strata: at most {late:.1f} {of}s from what is due; "
                f"a simple assignment would have been {early:.1f} off"
            )


def tried(found: Search) -> Iterator[str]:
    """The scores of a search."""
    listed = ", ".join(f"{at:.0%} {score:.3g}" for at, score in found.quantiles)
    yield f"  deal by it online: write `salt: {found.name}` into the experiment's file"
    yield (
        f"  {found.score.value}: best {found.best:.3g}, first {found.first:.3g}, worst {found.worst:.3g}; "
        f"quantiles {listed}"
    )


def differences(told: Sequence[Difference]) -> Iterator[str]:
    """The largest standardised differences over all, before and after; a sentence about the strata."""
    for of in ("unit", "cluster"):
        over = [one for one in told if one.of == of and one.stratum is None]
        if not over:
            continue
        yield ""
        yield f"Standardised differences from control, by {of} (simple assignment of the same seed beside)"
        for one in sorted(over, key=size, reverse=True)[:MOST]:
            name = one.covariate if one.level is None else f"{one.covariate} = {one.level}"
            mark = "  notable" if size(one) > NOTABLE else ""
            beside = f"{shown(one.after):>8} ({shown(one.before)})"
            yield f"  {name[:40]:<40} {one.variant[:16]:<16} {beside}{mark}"
        if len(over) > MOST:
            yield f"  and {len(over) - MOST:,} smaller ones"
    inside = [one for one in told if one.stratum is not None]
    counted = [one for one in inside if one.after is not None]
    if counted:
        worst = max(counted, key=size)
        yield (
            f"  inside strata the largest is {shown(worst.after)} ({worst.covariate} in {worst.stratum}); "
            "all stand in the JSON form"
        )
    if len(counted) < len(inside):
        yield f"  {len(inside) - len(counted):,} of {len(inside):,} inside strata have no number"


def size(one: Difference) -> float:
    """How large a difference is; without a number, larger than any."""
    return float("inf") if one.after is None else abs(one.after)


def shown(value: float | None) -> str:
    """A difference with three decimals, never a zero that is none."""
    if value is None:
        return "none"
    return f"{value:+.1e}" if value and abs(value) < 0.0005 else f"{value:+.3f}"


def noted(notes: Sequence[str]) -> Iterator[str]:
    """What to mind."""
    if notes:
        yield ""
    for note in notes:
        yield from wrap(f"· {note}", WIDE, initial_indent="  ", subsequent_indent="    ")
