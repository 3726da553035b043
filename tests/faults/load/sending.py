"""A crowd in a process of its own, and what of its batches lies in a spool."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from msgspec.json import decode

from splitrun.conduct.collecting.assembled import spool_of
from tests.faults.load.crowd import MARK, Crowd, Told

__all__ = ["begun", "ended", "ingested", "missing"]


def begun(of: Crowd) -> subprocess.Popen[str]:
    """Start a crowd."""
    said = (of.port, of.key, of.connections, of.size, of.seconds, of.pace, of.first)
    words = [sys.executable, "-m", "tests.faults.load.crowd", *map(str, said)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> Told:
    """Wait for a crowd, and read what it was told."""
    said, _ = process.communicate()
    assert process.returncode == 0
    return decode(said, type=Told)


def ingested(of: Crowd, seconds: float) -> Told:
    """Send for so long."""
    return ended(begun(replace(of, seconds=seconds)))


def numbers(root: Path) -> Counter[int]:
    """Count the batches of a spool by their numbers."""
    spool, found, last = spool_of(root), Counter[int](), 0
    while some := spool.pending(last):
        for one in some:
            place = one.body.index(MARK.encode()) + len(MARK)
            found[int(one.body[place : place + 16], 16)] += 1
        last = some[-1].number
    return found


def missing(root: Path, told: Sequence[Told]) -> tuple[int, int]:
    """How many accepted batches are not in the spool, and how many stand there twice."""
    found = numbers(root)
    accepted = [number for one in told for number in one.accepted]
    return sum(number not in found for number in accepted), sum(times > 1 for times in found.values())
