"""Lists of unit ids as salted hashes.

A hash keeps an id from being read off a ruleset; who knows an id can still tell whether it is on the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from splitrun.assign.ruleset import IdList
from splitrun.assign.slots import id_bytes, listed
from splitrun.errors import DataError, Mistake, Place
from splitrun.plan.switches.board import Board
from splitrun.plan.switches.ground import Ground
from splitrun.spec.flag import LONGEST_LIST, Ids, ListOfIds

__all__ = ["described", "hashed", "id_list", "list_mistakes", "paths"]

HASH = re.compile(r"[0-9a-f]{32}")


def paths(board: Board) -> tuple[str, ...]:
    """Name the files of ids that lists ask for, each once."""
    files = (described(one.value).file for one in board.lists.values())
    return tuple(dict.fromkeys(file for file in files if file is not None))


def described(said: Ids) -> ListOfIds:
    """Give a list in its long form."""
    match said:
        case ListOfIds():
            return said
        case ids:
            return ListOfIds(ids=ids)


def list_mistakes(ground: Ground, name: str) -> Iterator[Mistake]:
    """A list says its ids in one way, and each of them is an id."""
    site, said = ground.board.lists[name].site, described(ground.board.lists[name].value)
    if (said.ids is None) == (said.file is None):
        says = "a list has its ids here or in a file"
        yield site.mistake(says, "write `ids: [...]` or `file: PATH`")
        return
    if said.file is not None and said.file not in ground.files:
        says = f"there is no file {said.file[:200]!r} in the project"
        yield site.mistake(
            says, "write a file with an id on each line, and its path from splitrun.yaml", "file"
        )
        return
    if said.hashed and said.salt is None:
        yield site.mistake("hashes stand here without the salt they were made with", "write `salt: TEXT`")
    if said.file is not None:
        yield from line_mistakes(ground, said)
    path = ("ids",) if type(ground.board.lists[name].value) is ListOfIds else ()
    for index, one in enumerate(said.ids or ()):
        for says, remedy in faults(said, one):
            yield site.mistake(says, remedy, *path, index)


def line_mistakes(ground: Ground, said: ListOfIds) -> Iterator[Mistake]:
    """Every line of a file of ids holds one id."""
    file = said.file or ""
    try:
        lines = written(ground.files[file])
    except UnicodeDecodeError as error:
        says = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        yield Mistake(says, "save the file as UTF-8", place=Place(file, 1, 1))
        return
    ids = sum(map(bool, lines))
    if ids == 0:
        yield Mistake("the file holds no id", "write an id on each line", place=Place(file, 1, 1))
    if ids > LONGEST_LIST:
        says = f"the file holds {ids:,} ids; at most {LONGEST_LIST:,} are taken"
        yield Mistake(says, "tell such units by an attribute and `when`", place=Place(file, 1, 1))
        return
    for number, line in enumerate(lines, 1):
        for says, remedy in faults(said, line) if line else ():
            yield Mistake(says, remedy, place=Place(file, number, 1))


def faults(said: ListOfIds, one: str) -> Iterator[tuple[str, str]]:
    """Say why a text is no id, or no hash where hashes stand, and what to do."""
    if not said.hashed:
        yield from id_faults(one)
    elif not HASH.fullmatch(one):
        yield f"{one[:40]!r} is no hash of an id", "write 32 hexadecimal digits, or take `hashed` out"


def id_faults(one: str) -> Iterator[tuple[str, str]]:
    """Say why a text is no id, and what to do."""
    if one != one.strip():
        yield "the id begins or ends with a blank", "take the blank out"
    try:
        id_bytes(one)
    except DataError as refused:
        says, _, remedy = str(refused).rpartition("; ")
        yield says, remedy


def written(content: str | bytes) -> list[str]:
    """Give the lines of a file.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    match content:
        case bytes():
            text = content.decode("utf-8")
        case _:
            text = content
    return text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")


def id_list(ground: Ground, name: str) -> IdList:
    """Hash the ids of a list in which nothing is wrong: `sha256(utf8(salt + ":" + id))`, sorted."""
    project = ground.project.project if ground.project else ""
    return hashed(ground.board.lists[name].value, f"list:{project}:{name}", ground.files)


def hashed(ids: Ids, salt: str, files: Mapping[str, str | bytes]) -> IdList:
    """Hash the ids of a list in which nothing is wrong.

    Args:
        ids: As written.
        salt: What they are hashed with where the list says nothing else.
        files: Files of ids, by path from the project's folder.
    """
    said = described(ids)
    units = said.ids or ()
    if said.file is not None:
        units = tuple(line for line in written(files[said.file]) if line)
    chosen = said.salt or salt
    hashes = set(units) if said.hashed else {listed(chosen, one) for one in units}
    return IdList(salt=chosen, hashes=tuple(sorted(hashes)))
