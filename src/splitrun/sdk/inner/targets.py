"""Which id a flag is asked with: the targeting key, an attribute, or none where none is needed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from splitrun.assign.ruleset import WHOLE, Flag, Ruleset, Run

__all__ = ["Targets"]

NOBODY = secrets.token_hex(16)
"""Stands for a unit where a flag serves everybody the same; on no list, and never logged."""

Attributes = Mapping[str, object]


class Targets:
    """The flags of one ruleset, as OpenFeature asks for them.

    The targeting key is an id of the ruleset's first unit type; ids of other types are attributes.
    """

    __slots__ = ("others", "own", "ruleset")

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        first = next(iter(ruleset.units), "")
        self.own = ruleset.units.get(first, "")
        self.others = {
            key: ruleset.units.get(flag.unit, flag.unit)
            for key, flag in ruleset.flags.items()
            if flag.unit != first
        }
        """Flags of another unit type, and the attribute that holds its id."""

    def asked(self, flag: str, key: str | None, attributes: Attributes) -> tuple[str, Attributes]:
        """Tell with which id and attributes to ask; the id is empty where one is missing.

        Args:
            flag: Its key.
            key: The targeting key.
            attributes: Of the evaluation context.
        """
        unit: object = key
        if flag in self.others:
            unit = attributes.get(self.others[flag])
            if key:
                # an experiment or a prerequisite may be of the targeting key's type
                attributes = {self.own: key, **attributes}
        if type(unit) is int:
            unit = str(unit) if abs(unit) < WHOLE**4 else ""
        if unit is None or unit == "":
            known = self.ruleset.flags.get(flag)
            return "" if known is not None and self.needs(known) else NOBODY, attributes
        # what is no text is refused by the evaluation, with its reason
        return unit, attributes  # type: ignore[return-value] # as said

    def needs(self, flag: Flag) -> bool:
        """Whether who asks makes a difference to the flag, lists aside, on which nobody is not."""
        if not flag.on or flag.archived:
            return False
        dealt = any(isinstance(rule, Run) or rule.coverage < WHOLE for rule in flag.rules)
        return dealt or any(self.needs(self.ruleset.flags[other.flag]) for other in flag.requires)
