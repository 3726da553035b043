"""What was asked of a disk, read again; and what the disk holds if the power goes in between.

A file's bytes last once the file was synced, a name once its folder was. What was not synced when the power
goes may be there, or not, or in part: a file keeps any of the writes since its last sync, the last of them
cut off at a sector; a folder keeps the first of the changes of names since its own, in order.
"""

from __future__ import annotations

import random
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

__all__ = ["ANSWERED", "Disk", "Step", "steps"]

ANSWERED = ".answered"
"""Whatever is written to a file of this name was told a client, and is no part of the disk."""

HEAD = struct.Struct("<cQQII")
SECTOR = 512


@dataclass(frozen=True, slots=True)
class Step:
    """One call that succeeded."""

    kind: str
    """c made, d folder made, w written, t cut off, s synced, u removed, r renamed, l linked."""
    inode: int
    at: int
    body: bytes
    other: bytes


def steps(log: Path) -> Iterator[Step]:
    """Read what was written down."""
    body, place = log.read_bytes(), 0
    while place < len(body):
        kind, inode, at, size, more = HEAD.unpack_from(body, place)
        place += HEAD.size
        yield Step(
            kind.decode(), inode, at, body[place : place + size], body[place + size : place + size + more]
        )
        place += size + more


@dataclass(slots=True)
class File:
    """A file: what lasts, and what was asked since."""

    kept: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Place and bytes; without bytes, the length to which it was cut."""


Change = tuple[str, int | None]
"""A name and the file that it names from now on: 0 for a folder, None for nothing."""


@dataclass(slots=True)
class Names:
    """A folder: what lasts, and what was asked since; several changes of one call stand together."""

    kept: dict[str, int] = field(default_factory=dict)
    since: list[list[Change]] = field(default_factory=list)


class Disk:
    """A disk on which steps are taken.

    Args:
        root: The folder under which they were asked.
    """

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.files: dict[int, File] = {}
        self.folders: dict[str, Names] = defaultdict(Names)
        self.numbers: dict[int, int] = {}
        """The file that an inode number stands for now; numbers are used again."""
        self.live: dict[str, int] = {}
        self.answered: list[str] = []

    def take(self, step: Step) -> None:
        """Take a step."""
        file = self.numbers.get(step.inode, 0)
        match step.kind:
            case "c":
                self.make(step)
            case "w" if file == -1:
                self.answered.append(step.body.decode())
            case "w" if file > 0:
                self.files[file].since.append((step.at, step.body))
            case "t" if file > 0:
                self.files[file].since.append((step.at, None))
            case "s":
                self.sync(file, step.body.decode())
            case "d":
                self.changed([(step.body.decode(), 0)])
            case "u":
                self.changed([(step.body.decode(), None)])
            case "r" | "l":
                one, two = step.body.decode(), step.other.decode()
                was = self.live.get(one)
                self.changed([(two, was)] if step.kind == "l" else [(two, was), (one, None)])
            case _:
                pass

    def make(self, step: Step) -> None:
        """Make a file."""
        path = step.body.decode()
        if path.endswith(ANSWERED):
            self.numbers[step.inode] = -1
            return
        number = len(self.files) + 1
        self.files[number] = File()
        self.numbers[step.inode] = number
        self.changed([(path, number)])

    def changed(self, changes: list[Change]) -> None:
        """Change names; those of one folder together."""
        by: dict[str, list[Change]] = defaultdict(list)
        for path, number in changes:
            if number is None:
                self.live.pop(path, None)
            else:
                self.live[path] = number
            by[str(PurePosixPath(path).parent)].append((PurePosixPath(path).name, number))
        for folder, of in by.items():
            self.folders[folder].since.append(of)

    def sync(self, file: int, path: str) -> None:
        """See a file or a folder onto the disk."""
        if path in self.folders or file == 0:
            names = self.folders[path]
            apply(names.kept, names.since)
            names.since.clear()
        elif file > 0:
            one = self.files[file]
            one.kept = written(one.kept, one.since)
            one.since.clear()

    def cut(self, dice: random.Random, to: Path) -> None:
        """Lay down what the disk holds when the power goes now."""
        luck = dice.choice(("none", "all", "some", "some", "some"))
        self.laid(self.root, to, dice, luck)

    def laid(self, folder: str, to: Path, dice: random.Random, luck: str) -> None:
        """Lay a folder down."""
        names = self.folders[folder]
        there = dict(names.kept)
        apply(there, names.since[: chosen(len(names.since), dice, luck)])
        for name, number in sorted(there.items()):
            if number == 0:
                (to / name).mkdir(exist_ok=True)
                self.laid(f"{folder}/{name}", to / name, dice, luck)
            elif not name.endswith("-shm"):  # is made anew by whoever opens the database
                file = self.files[number]
                (to / name).write_bytes(written(bytearray(file.kept), survived(file.since, dice, luck)))


def chosen(number: int, dice: random.Random, luck: str) -> int:
    """How many of the first changes are kept."""
    return {"none": 0, "all": number}.get(luck, dice.randint(0, number))


def survived(
    since: list[tuple[int, bytes | None]], dice: random.Random, luck: str
) -> list[tuple[int, bytes | None]]:
    """Draw which writes are kept: all, none, the first of them, or any of them; the last may be cut."""
    kind = {"none": 0, "all": 1}.get(luck, dice.randrange(4))
    if kind < 2:
        return since if kind else []
    kept = (
        since[: dice.randint(0, len(since))] if kind == 2 else [one for one in since if dice.random() < 0.5]
    )
    match kept[-1:]:
        case [(at, bytes() as body)] if dice.random() < 0.5:
            return [*kept[:-1], (at, body[: SECTOR * dice.randint(0, len(body) // SECTOR)])]
        case _:
            return kept


def written(body: bytearray, since: list[tuple[int, bytes | None]]) -> bytearray:
    """Write into a file's bytes; what lies between is zero."""
    for at, piece in since:
        end = at if piece is None else at + len(piece)
        if len(body) < end:
            body.extend(bytes(end - len(body)))
        if piece is None:
            del body[at:]
        else:
            body[at:end] = piece
    return body


def apply(names: dict[str, int], since: list[list[Change]]) -> None:
    """Change names in order."""
    for together in since:
        for name, number in together:
            if number is None:
                names.pop(name, None)
            else:
                names[name] = number
