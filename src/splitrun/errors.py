"""What a caller did, each class named by the caller's next move. Only the standard library is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "BusyError",
    "ConflictError",
    "DataError",
    "EngineError",
    "ExpressionError",
    "Mistake",
    "Place",
    "RefusedError",
    "RulesetError",
    "SettingError",
    "SpecError",
    "SplitrunError",
    "StoreError",
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a text something stands; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with what a user wrote: what, with the values, and what to do next."""

    says: str
    next: str
    path: str = ""
    """Dotted path inside the document, like `metrics.primary[0]`; empty for the whole. Of a step that is
    refused: the name of the rule."""
    place: Place | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        what = f"{self.path}: " if self.path else ""
        return f"{where}{what}{self.says}; {self.next}"


class SplitrunError(Exception):
    """Anything Splitrun tells a caller; nothing else leaves the house on bad input."""


class SpecError(SplitrunError):
    """What was written cannot be taken. Next: mend the file at the places named, all of which are listed."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class ExpressionError(SplitrunError):
    """An expression cannot be read. Next: mend it at the character named."""

    def __init__(self, says: str, *, text: str, at: int, remedy: str) -> None:
        self.says, self.text, self.at, self.remedy = says, text, at, remedy
        # a text may have ten thousand characters; the message shows those around the place
        start, end = max(0, at - 60), at + 60
        shown = f"{'…' * (start > 0)}{text[start:end]}{'…' * (end < len(text))}"
        super().__init__(f"{says} at character {at + 1} of {shown!r}; {remedy}")


class DataError(SplitrunError):
    """The data named cannot be read or does not fit the plan. Next: mend the data or what names it."""


class EngineError(SplitrunError):
    """The engine refused or cannot do what was asked. Next: change the query, the limits or the engine."""


class RulesetError(SplitrunError):
    """A ruleset cannot be used. Next: keep the one in use, and have a sound one published."""


class SettingError(SplitrunError):
    """What a client is given cannot be used. Next: change the option that is named."""


class RefusedError(SplitrunError):
    """A rule does not allow this step now. Next: do what each refusal names first, then take it again."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class StoreError(SplitrunError):
    """A file or database of ours refuses; nothing was kept. Next: look at disk, rights and what it says."""


class ConflictError(SplitrunError):
    """Somebody was faster: what was read is no longer so; nothing was kept. Next: read again, repeat."""


class BusyError(SplitrunError):
    """It cannot be taken now; nothing was kept. Next: send it again after a while."""

    def __init__(self, says: str, *, kind: str, after: int) -> None:
        self.kind = kind
        """What refuses: `spool`, `queue`, `disk`, `lock` or `stopping`."""
        self.after = after
        """Seconds to wait at least."""
        super().__init__(says)
