"""Programs that write to a registry beside others: `python -m tests.store.writer URL FOLDER HOW ...`."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from splitrun.errors import ConflictError
from splitrun.store.canonical import canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.chain.head import Head, HeadFile
from splitrun.store.registry.asked import object_of
from splitrun.store.registry.change import Change, Writing
from splitrun.store.registry.databases.migrating import migrate
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.documents import Kind
from splitrun.store.registry.registry import Registry
from splitrun.store.registry.writing import Sealing
from tests.store.places import NOON, Place, change

__all__ = ["count_up"]


def count_up(registry: Registry, who: str) -> int:
    """Add one to a number that all writers share; give how often somebody was faster."""
    beaten = 0
    while True:
        last = registry.find("shop", Kind.METRIC, "counter")
        number = 0 if last is None else int(str(object_of(last.body)["number"]))
        body = canonical({"number": number + 1})
        writing = Writing("shop", Kind.METRIC, "counter", body, None if last is None else last.digest)
        try:
            registry.commit(Change(NOON, who, (Remark("count", "metric/counter"),), writings=(writing,)))
        except ConflictError:
            beaten += 1
        else:
            return beaten


class Dying(HeadFile):
    """Dies between the commit and the head, as in a power cut."""

    def keep(self, head: Head) -> None:
        if head.number:
            os.kill(os.getpid(), signal.SIGKILL)
        super().keep(head)


def counting(place: Place, who: str, times: int) -> None:
    with closing(place.registry()) as registry:
        for _ in range(times):
            count_up(registry, who)


def together(many: int, work: Callable[[int], None]) -> None:
    """Do some work in many processes at once; forked, so that what they import is read once."""
    children = []
    for number in range(many):
        child = os.fork()
        if not child:
            try:
                work(number)
            except BaseException:  # noqa: BLE001 - a child says what it died of, and never goes on as its parent
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children]
    if any(codes):
        raise SystemExit(f"{codes}")


def main(url: str, folder: str, how: str, *words: str) -> None:
    place = Place(url, Path(folder))
    match how:
        case "count":
            together(int(words[0]), lambda number: counting(place, f"writer-{number}", int(words[1])))
        case "migrate":
            done = migrate(place.database())
            sys.stdout.write(f"{done.before} {done.after}")
        case "die":
            sealing = Sealing(place.ring, Dying(place.folder / "head.json"))
            SqlRegistry(place.database(), sealing).commit(change(int(words[0])))
        case "go on":
            registry = place.registry()
            number = int(words[0])
            while True:
                registry.commit(change(number))
                number += 1
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()
        case _:
            raise SystemExit(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
