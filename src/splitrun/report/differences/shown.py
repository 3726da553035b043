"""A difference between files and registry as lines, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from splitrun.errors import Mistake
from splitrun.plan.difference.consequences import Consequence, Risk
from splitrun.plan.difference.difference import Difference, Sign, Step

__all__ = ["About", "difference_as_json", "difference_as_lines", "difference_as_markdown"]

MARKS = {Sign.ADDED: "+", Sign.CHANGED: "~", Sign.REMOVED: "-"}
COLOURS = {Sign.ADDED: "green", Sign.CHANGED: "yellow", Sign.REMOVED: "red"}
RISKS = {Risk.SAFE: "cyan", Risk.AMENDMENT: "red", Risk.REFUSED: "red"}
SHOWN = 12
"""Fields of one document that Markdown names."""


@dataclass(frozen=True, slots=True)
class About:
    """Of what a difference is shown."""

    project: str
    registry: str
    """Where it is, without a password."""
    others: tuple[str, ...] = ()
    """Other projects of the registry, where it keeps nothing of this one."""
    unserved: tuple[Mistake, ...] = ()
    """Where files and registry say the same: rulesets that are served and are not what it gives."""


def difference_as_lines(found: Difference, about: About, *, colours: bool = False) -> list[str]:
    """The difference for people."""
    if not found.steps:
        lines = [f"no differences: the registry of {about.project!r} says what the files say"]
        return lines + [line for one in about.unserved for line in (f"but {one.says}", f"  next: {one.next}")]
    console = Console(
        highlight=False,
        soft_wrap=True,
        force_terminal=colours,
        no_color=not colours,
        color_system="standard" if colours else None,
    )
    with console.capture() as page:
        for line in coloured(found, about):
            console.print(line)
    return page.get().splitlines()


def coloured(found: Difference, about: About) -> Iterator[Text]:
    """Every line, with its colour."""
    yield Text(f"project {about.project!r}, from {about.registry} to the files")
    if about.others:
        yield Text(f"nothing of it is kept yet; the registry keeps {', '.join(about.others)}", "yellow")
    for step in found.steps:
        yield Text(f"\n{MARKS[step.sign]} {step.kind} {step.key}", f"bold {COLOURS[step.sign]}")
        yield from (Text(f"    {field.says}") for field in step.fields)
        if step.users:
            yield Text(f"    used by {users(step)}", "dim")
        for one in step.consequences:
            yield Text(f"    {told(one)}", RISKS[one.risk])
            yield Text(f"      next: {one.remedy}", "dim")
    yield Text(f"\n{counts(found)}", "bold")


def users(step: Step) -> str:
    """The experiments that rest on a document."""
    return ", ".join(f"{one.experiment} ({one.stands})" for one in step.users)


def told(one: Consequence) -> str:
    """What follows for an experiment, in one line."""
    risk = "note" if one.risk is Risk.SAFE else one.risk.value
    return f"{risk}: {one.experiment} is {one.stands}: {one.says}"


def counts(many: Difference) -> str:
    """How much of each there is."""
    line = (
        f"{many.count(Sign.ADDED):,} to add, {many.count(Sign.CHANGED):,} to change, "
        f"{many.count(Sign.REMOVED):,} to remove"
    )
    unsafe = [
        f"{many.count(risk):,} {risk.value}" for risk in (Risk.AMENDMENT, Risk.REFUSED) if many.count(risk)
    ]
    return "; ".join((line, *unsafe))


def difference_as_markdown(found: Difference, about: About) -> list[str]:
    """The difference for a pull request."""
    if not found.steps:
        lines = [f"### Splitrun: no differences in `{about.project}`"]
        told_of = [f"- {escaped(one.says)}. Next: {escaped(one.next)}" for one in about.unserved]
        return [*lines, "", *told_of] if told_of else lines
    lines = [f"### Splitrun: {counts(found)} in `{about.project}`", ""]
    unsafe = found.unsafe
    if unsafe:
        lines += ["**This will not be applied:**", ""]
        lines += [f"- {escaped(told(one))}. Next: {escaped(one.remedy)}" for one in unsafe]
        lines.append("")
    lines += ["| | definition | what changes | used by |", "|---|---|---|---|"]
    lines += [row(step) for step in found.steps]
    notes = [one for step in found.steps for one in step.consequences if one.risk is Risk.SAFE]
    if notes:
        lines += ["", *(f"- {escaped(told(one))}. Next: {escaped(one.remedy)}" for one in notes)]
    return lines


def row(step: Step) -> str:
    """A document as a row of the table."""
    fields = [escaped(field.says) for field in step.fields[:SHOWN]]
    if len(step.fields) > SHOWN:
        fields.append(f"and {len(step.fields) - SHOWN:,} more")
    what = "<br>".join(fields) or step.sign.value
    return f"| {MARKS[step.sign]} | {step.kind} `{step.key}` | {what} | {escaped(users(step))} |"


def escaped(text: str) -> str:
    """Keep text from being read as Markdown, HTML or the end of a cell."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return text


def difference_as_json(many: Difference, about: About) -> dict[str, object]:
    """The difference in the form `splitrun.diff/1`."""
    return {
        "form": "splitrun.diff/1",
        "project": about.project,
        "registry": about.registry,
        "added": many.count(Sign.ADDED),
        "changed": many.count(Sign.CHANGED),
        "removed": many.count(Sign.REMOVED),
        "unsafe": len(many.unsafe),
        "unserved": [{"says": one.says, "next": one.next} for one in about.unserved],
        "steps": [as_json(step) for step in many.steps],
    }


def as_json(step: Step) -> dict[str, object]:
    """A document as JSON."""
    return {
        "kind": step.kind,
        "key": step.key,
        "sign": step.sign.value,
        "risk": step.risk.value,
        "fields": [
            {"path": one.name, "before": one.before or None, "after": one.after or None}
            for one in step.fields
        ],
        "used_by": [{"experiment": one.experiment, "stands": one.stands} for one in step.users],
        "consequences": [
            {
                "risk": one.risk.value,
                "experiment": one.experiment,
                "stands": one.stands,
                "path": one.path,
                "says": one.says,
                "next": one.remedy,
                "way": None if one.way is None else one.way.value,
                "blocks": one.blocks,
            }
            for one in step.consequences
        ],
    }
