"""The rulesets that the registry published, as clients take them; and whether they are what it gives now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from splitrun.assign.transmission import opened
from splitrun.conduct.doctor import Examination
from splitrun.conduct.lifecycle.footing import Footing, surroundings
from splitrun.conduct.lifecycle.publication import unserved
from splitrun.conduct.registry.place import Home, home
from splitrun.conduct.rulesets import Published, written
from splitrun.conduct.workspace import root_of, shown
from splitrun.errors import Mistake, SpecError, StoreError

__all__ = ["rulesets_examined", "served", "unserved_in"]


def served(place: Path, environment: str | None = None, out: Path | None = None) -> Published:
    """Give the ruleset that was published last.

    Args:
        place: A folder of the project.
        environment: One of the project's; none: the first.
        out: Where to write it; none: nowhere.

    Raises:
        SpecError: There is no project or environment, nothing was published, or nothing can be written there.
        StoreError: The registry refuses.
    """
    where = home(place)
    with where.registry() as registry:
        _, settings, chosen = surroundings(registry, where.root, environment)
        kept = registry.ruleset(settings.project, chosen)
    if kept is None:
        says = f"no ruleset of {settings.project!r} was published in {chosen!r}"
        raise SpecError([Mistake(says, "start an experiment, or leave --published out")])
    new = out is not None and not (out.is_file() and out.read_bytes() == kept.document)
    if out is not None and new:
        written(out, kept.document)
    file = None if out is None else shown(out)
    return Published(opened(kept.document), kept.document, kept.digest, file, new)


def unserved_in(where: Home, now: datetime, environment: str | None = None) -> Iterator[Mistake]:
    """Hold the rulesets that are served against what the registry gives now, as after an upgrade.

    Args:
        where: The project's home; its registry was written to.
        now: When.
        environment: One of the project's; none: all of them.

    Raises:
        SpecError: Nothing was applied, the definitions have mistakes, or there is no such environment.
        StoreError: The registry refuses.
    """
    with where.registry() as registry:
        says, settings, chosen = surroundings(registry, where.root, environment)
        for name in settings.environments if environment is None else (chosen,):
            found = unserved(Footing(where, registry, says, settings, name, "", "", now))
            if found is not None:
                yield found


def rulesets_examined(place: Path, now: datetime) -> tuple[Examination, ...]:
    """Look at what is served, as `doctor` does; nothing where there is no project or nobody wrote yet.

    Raises:
        SpecError: The project's settings have mistakes.
    """
    if root_of(place) is None:
        return ()
    where = home(place)
    if not where.written:
        return ()
    try:
        found = [f"{one.says}; {one.next}" for one in unserved_in(where, now)]
    except (SpecError, StoreError) as error:
        found = [str(error)]
    if not found:
        return (Examination("rulesets", fine=True, says="what is served is what the registry gives"),)
    return tuple(Examination("rulesets", fine=False, says=one) for one in found)
