"""Where the command line speaks: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import os
import shutil
import sys

import typer

__all__ = ["colours", "complain", "say", "say_json", "width"]


def say(text: str) -> None:
    """Print a result; where the terminal cannot write a character it is replaced, never a crash."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # typed as TextIO, is a TextIOWrapper
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()  # who reads it through a pipe waits for it, as for a server's address


def say_json(value: object) -> None:
    """Print a value as JSON."""
    say(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def complain(text: str) -> None:
    """Print to standard error, in red where there is a terminal and nobody asked for no colours."""
    typer.secho(text, fg=typer.colors.RED, err=True, color=False if os.environ.get("NO_COLOR") else None)


def colours() -> bool:
    """Whether results are coloured: at a terminal, where nobody asked for none."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def width() -> int:
    """Columns to write in: the terminal's, between 80 and 140; 100 where there is none."""
    if not sys.stdout.isatty():
        return 100
    return max(80, min(140, shutil.get_terminal_size((100, 24)).columns))
