"""The ruleset that the registry published, as clients take it: to the byte, with its signatures."""

from __future__ import annotations

from pathlib import Path

from splitrun.assign.transmission import opened
from splitrun.conduct.lifecycle.footing import surroundings
from splitrun.conduct.registry.place import home
from splitrun.conduct.rulesets import Published, written
from splitrun.conduct.workspace import shown
from splitrun.errors import Mistake, SpecError

__all__ = ["served"]


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
