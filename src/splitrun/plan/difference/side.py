"""One of two sets of definitions, read so far that `50%` and 0.5, or a default written out, are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from splitrun.errors import SpecError
from splitrun.plan.folder import Folder
from splitrun.plan.seal import resolved
from splitrun.plan.switches.lists import described
from splitrun.plan.templates.filling import filled
from splitrun.spec.experiment import Experiment
from splitrun.spec.flag import Flag, Holdout, Ids, Layer
from splitrun.spec.metric import Metric
from splitrun.spec.model import Key
from splitrun.spec.policy import Policy
from splitrun.spec.project import Annotation, Project
from splitrun.spec.reading import MERGED
from splitrun.spec.segment import Segment
from splitrun.spec.source import Source
from splitrun.spec.templates.pack import Pack
from splitrun.spec.written.document import Path, Value

__all__ = ["EXPERIMENT", "LIST", "TEMPLATE", "Name", "Side"]

Name = tuple[str, str]
"""What kind of definition, and its key."""

EXPERIMENT = "experiment"
LIST = "list"
TEMPLATE = "template"

READERS: Mapping[str, TypeAdapter[object]] = {
    "annotation": TypeAdapter(Annotation),
    "audience": TypeAdapter(str),
    "flag": TypeAdapter(Flag),
    "group": TypeAdapter(tuple[Key, ...]),
    "holdout": TypeAdapter(Holdout),
    "layer": TypeAdapter(Layer),
    LIST: TypeAdapter(Ids),
    "metric": TypeAdapter(Metric),
    "policy": TypeAdapter(Policy),
    "project": TypeAdapter(Project),
    "segment": TypeAdapter(Segment),
    "source": TypeAdapter(Source),
    TEMPLATE: TypeAdapter(object),
}


@dataclass(frozen=True, slots=True)
class Side:
    """Definitions by kind and key, as written, and what they say together."""

    says: Folder
    values: Mapping[Name, Value]

    def meant(self, name: Name) -> object:
        """What a definition says, defaults filled in; of an experiment only what its own file writes.

        What this version cannot read, as a newer one may have written it, is taken as it stands.
        """
        written = self.values.get(name)
        if written is None:
            return None
        kind, key = name
        if kind == EXPERIMENT:
            whole = self.filled(key)
            return written if whole is None else own(whole, written, ())
        try:
            read = READERS[kind].validate_python(written)
        except ValidationError:
            return written
        return READERS[kind].dump_python(read, by_alias=True)

    def filled(self, key: str) -> object:
        """What an experiment says with all that its template and the experiments it extends fill."""
        found = self.experiment(key)
        return None if found is None else found.model_dump(by_alias=True)

    def experiment(self, key: str) -> Experiment | None:
        """The experiment under a key; none where there is none, or it cannot be read."""
        draft = self.says.experiments.get(key)
        if draft is None:
            return None
        try:
            return resolved(draft, self.says.experiments, self.says.library).value
        except SpecError:
            return None

    def packs(self, key: str) -> tuple[Pack, ...]:
        """The templates that fill what an experiment does not say; none where they cannot be had."""
        draft = self.says.experiments.get(key)
        if draft is None:
            return ()
        try:
            return filled(draft, self.says.experiments, self.says.library.templates).packs
        except SpecError:
            return ()

    def extended(self, key: str) -> frozenset[str]:
        """The experiments that one extends, directly or through others."""
        found: set[str] = set()
        draft = self.says.experiments.get(key)
        while draft is not None and draft.extends and draft.extends not in found:
            found.add(draft.extends)
            draft = self.says.experiments.get(draft.extends)
        return frozenset(found)

    def units(self, name: str) -> int:
        """How many units are on a list."""
        known = None if self.says.board is None else self.says.board.lists.get(name)
        return 0 if known is None else len(described(known.value).ids or ())


def own(whole: object, written: Value, path: Path) -> object:
    """Leave of a filled experiment what its own file writes."""
    match whole, written:
        case dict(), dict() if path in MERGED:
            return {key: own(whole[key], part, (*path, key)) for key, part in written.items() if key in whole}
        case _:
            return whole
