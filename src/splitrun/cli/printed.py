"""What the verbs of assignment print; loaded when there is something to print."""

from __future__ import annotations

from dataclasses import asdict

from msgspec import to_builtins
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from splitrun.assign.explanation import Explanation, Step
from splitrun.conduct.audit import Audited
from splitrun.measure.audit import EXPLAINED, Example

__all__ = ["audit_as_json", "audit_as_lines", "explanation_as_json", "explanation_as_tree"]

WHERE = {"": "", "inside": "", "list": ", from a list"}
"""How it is told where a unit ended that was not turned away."""


def explanation_as_json(found: Explanation) -> dict[str, object]:
    """The path in the form `splitrun.explanation/1`."""
    parts: dict[str, object] = to_builtins(found)
    return {"form": "splitrun.explanation/1", **parts}


def explanation_as_tree(found: Explanation, width: int) -> str:
    """The path as a tree."""
    answer = found.evaluation
    tree = Tree(Text(f"{found.flag} for {found.unit!r}", style="bold"))
    for step in found.steps:
        branch(tree, step)
    console = Console(width=width, highlight=False)
    with console.capture() as page:
        console.print(tree)
    served = (
        f"variant {answer.variant!r}, value {answer.value!r}" if answer.variant else "the caller's default"
    )
    run = ""
    if answer.experiment:
        run = f"; experiment {answer.experiment}, version {answer.version}, phase {answer.phase}"
    wrong = f"\n{answer.error}: {answer.says}" if answer.error else ""
    path = "\n".join(line.rstrip() for line in page.get().splitlines())
    return (
        f"{path}\nserves {served}\n"
        f"because {answer.reason}, {answer.detail}; ruleset {answer.ruleset}{run}{wrong}"
    )


def branch(tree: Tree, step: Step) -> None:
    """Hang a question and those below it onto the tree."""
    # the sentence holds slot and threshold; the salt beside them lets anybody recompute the slot
    told = {"salt": step.values["salt"]} if "slot" in step.values and "salt" in step.values else step.values
    shown = ", ".join(f"{name} = {value!r}" for name, value in told.items())
    style = "" if step.taken else "dim"
    label = Text(f"{'yes' if step.taken else 'no '}  {step.asks}: {step.found}", style, overflow="fold")
    if shown:
        label.append(f"  ({shown})", style="dim")
    below = tree.add(label)
    for one in step.steps:
        branch(below, one)


def shown(example: Example, *, show_ids: bool) -> dict[str, object]:
    """An example, without its id unless it is asked for."""
    return {name: value for name, value in asdict(example).items() if show_ids or name != "unit"}


def audit_as_json(done: Audited, *, show_ids: bool) -> dict[str, object]:
    """The audit in the form `splitrun.audit/1`."""
    found = done.found
    return {
        "form": "splitrun.audit/1",
        "experiment": done.experiment,
        "rulesets": list(done.rulesets),
        "exposures": found.exposures,
        "unexplained": found.unexplained,
        "unchecked": list(done.unchecked),
        "unknown": list(done.unknown),
        "counts": [
            {
                "stands": str(stands),
                "explained": stands in EXPLAINED,
                "exposures": count,
                "examples": [shown(one, show_ids=show_ids) for one in found.examples[stands]],
            }
            for stands, count in found.counts.items()
        ],
        "sql": [asdict(one) for one in done.sql],
    }


def audit_as_lines(done: Audited, *, show_ids: bool) -> list[str]:
    """The audit in lines."""
    found = done.found
    versions = ", ".join(map(str, done.rulesets))
    many = "exposure" if found.exposures == 1 else "exposures"
    told = [f"{done.experiment}: {found.exposures:,} {many} against ruleset {versions}"]
    for stands, count in found.counts.items():
        mark = "  " if stands in EXPLAINED else "! "
        told.append(f"{mark}{stands:<22}{count:>12,}")
        if stands != "ok":
            told += [f"      {described(one, show_ids=show_ids)}" for one in found.examples[stands]]
    if done.unchecked:
        told.append(f"not recomputed: the audience; exposures do not carry {', '.join(done.unchecked)}")
    told += [f"not recomputed: what stands before the experiment; {why}" for why in done.unknown]
    are = "is" if found.unexplained == 1 else "are"
    end = f"{found.unexplained:,} {are} not explained" if found.unexplained else "every exposure is explained"
    return [*told, end]


def described(one: Example, *, show_ids: bool) -> str:
    """One exposure in words."""
    unit = f" unit {one.unit!r}" if show_ids else ""
    gate = WHERE.get(one.gate or "", f", turned away by {one.gate}")
    return f"row {one.row}:{unit} logged {one.variant!r}, due {one.due!r}{gate} (ruleset {one.ruleset})"
