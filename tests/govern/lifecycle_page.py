"""The tables of `docs/lifecycle.md`; run as a program it writes them from the table itself."""

from __future__ import annotations

from pathlib import Path

from splitrun.govern.lifecycle.table import HOLDS, MAY, STEPS, Rule, Verb
from splitrun.store.registry.documents import State

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parent.parent.parent / "docs" / "lifecycle.md"
BEGIN, END = "<!-- the table: written by `make docs` -->", "<!-- the end of the table -->"


def table() -> str:
    """What leads where, who may, what must hold."""
    lines = ["| from | step | to | who may |", "|---|---|---|---|"]
    for state in State:
        lines += [
            f"| {state.value} | `{verb.value}` | {to.value} | {', '.join(MAY[verb])} |"
            for verb, to in STEPS[state].items()
        ]
    lines += ["", "| step | what must hold besides `open` and `reason` |", "|---|---|"]
    lines += [
        f"| `{verb.value}` | {', '.join(f'`{rule.value}`' for rule in HOLDS[verb]) or 'nothing'} |"
        for verb in Verb
    ]
    lines += ["", "| rule | holds where |", "|---|---|"]
    lines += [f"| `{rule.value}` | {rule.says} |" for rule in Rule]
    return "\n".join(lines)


def page() -> str:
    """The page with its tables as they are."""
    told = PAGE.read_text(encoding="utf-8")
    before, _, rest = told.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
