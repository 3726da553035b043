"""What records of OpenTelemetry are read with: the project's settings, its rulesets, the key of ids."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from splitrun.assign.ruleset import Ruleset
from splitrun.collect.otlp.evaluations import Evaluations
from splitrun.collect.otlp.meaning import Meaning
from splitrun.collect.outcomes import Held
from splitrun.serve.rulesets import Rulesets
from splitrun.spec.project import Otlp

__all__ = ["NAME", "Telemetry"]

NAME = "telemetry"
"""Under which it stands among the server's parts."""
OLDER = 16
"""Rulesets that are kept ready besides those that are served."""

Published = Callable[[str, int], Ruleset | None]
"""Gives what was published in an environment under a version; none where nothing was."""


@dataclass(slots=True)
class Telemetry:
    """The part of the server that reads records of OpenTelemetry.

    Args:
        project: The project's name.
        otlp: Its settings.
        rulesets: What is served, or would be.
        published: Older rulesets, which evaluations may still be of.
        key: Keys the ids of events, 32 bytes.
        alone: Whether nobody else starts and stops `rulesets`.
    """

    project: str
    otlp: Otlp
    rulesets: Rulesets
    published: Published
    key: bytes = field(repr=False)
    alone: bool = False
    ready_made: dict[str, tuple[str, Held]] = field(default_factory=dict)
    """What is served in each environment, by its tag."""
    older: OrderedDict[tuple[str, int], Held] = field(default_factory=OrderedDict)

    async def start(self) -> None:
        """Begin to follow the rulesets."""
        if self.alone:
            await self.rulesets.start()

    async def stop(self) -> None:
        """Follow them no more."""
        if self.alone:
            await self.rulesets.stop()

    def ready(self) -> str:
        """Empty: what cannot be read is answered for, record by record."""
        return ""

    def meaning(self, project: str, environment: str) -> Meaning:
        """Tell what records mean in an environment; of another project's keys, nothing is mapped."""
        otlp = self.otlp if project == self.project else Otlp()
        known = Environment(self, environment)
        return Meaning(otlp, Evaluations(f"{project}/{environment}", known, otlp), self.key)


@dataclass(slots=True)
class Environment:
    """The rulesets of an environment; of one request."""

    telemetry: Telemetry
    name: str
    missing: set[int] = field(default_factory=set)
    """Versions that were asked for and never published."""

    def newest(self) -> Held | None:
        """Give the one that is served."""
        served = self.telemetry.rulesets.known.get(self.name)
        if served is None:
            return None
        kept = self.telemetry.ready_made.get(self.name)
        if kept is None or kept[0] != served.etag:
            kept = self.telemetry.ready_made[self.name] = served.etag, Held(served.evaluator.ruleset)
        return kept[1]

    def named(self, version: int) -> Held | None:
        """Give the one of a version.

        Raises:
            StoreError: The registry cannot be read.
        """
        older, name = self.telemetry.older, (self.name, version)
        found = older.get(name)
        if found is None and version not in self.missing:
            ruleset = self.telemetry.published(*name)
            if ruleset is None:
                self.missing.add(version)
            else:
                found = older[name] = Held(ruleset)
                while len(older) > OLDER:
                    older.popitem(last=False)
        return found
