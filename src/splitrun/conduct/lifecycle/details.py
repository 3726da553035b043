"""What is kept beside a state: who took the last step and why, who agreed to what, what was decided."""

from __future__ import annotations

from msgspec import MsgspecError, Struct, to_builtins
from msgspec.json import decode

from splitrun.errors import StoreError
from splitrun.store.canonical import canonical
from splitrun.store.registry.documents import Life

__all__ = ["Agreement", "Decided", "Details", "details_of", "kept"]


class Agreement(Struct, frozen=True):
    """Somebody agrees to one digest, for one step."""

    step: str
    """`sign-off`, `start`, `amend` or `decide`."""
    digest: str
    """Of the plan; for `decide` of the decision."""
    actor: str
    at: str


class Decided(Struct, frozen=True, omit_defaults=True):
    """What was decided."""

    decision: str
    readout: str
    """Digest of the readout that it rests on."""
    override: bool = False
    """Whether a person decided otherwise than the sealed rule."""
    segment: str | None = None
    unjudged: bool = False
    """Whether that readout had a verdict on no primary metric: it was blinded, say."""

    @property
    def says(self) -> str:
        """The decision in a line, with what a reader should know of it."""
        where = f" to segment {self.segment}" if self.segment else ""
        against = " against the sealed rule" if self.override else ""
        unjudged = ", without a verdict: its readout judged no primary metric" if self.unjudged else ""
        return f"decided: {self.decision}{where}{against}{unjudged}"


class Details(Struct, frozen=True, omit_defaults=True):
    """What a verb wants to find again."""

    verb: str = ""
    """The last step."""
    reason: str = ""
    agreed: tuple[Agreement, ...] = ()
    decided: Decided | None = None


def details_of(life: Life | None) -> Details:
    """Read what is kept beside a state; nothing before the first step.

    Raises:
        StoreError: Something else stands there.
    """
    if life is None:
        return Details()
    try:
        return decode(life.details.encode(), type=Details)
    except MsgspecError as error:
        raise StoreError(
            f"what is kept beside the state of {life.experiment!r} cannot be read ({error}); "
            "run `splitrun audit verify`"
        ) from error


def kept(details: Details) -> str:
    """Write it as canonical JSON."""
    return canonical(to_builtins(details))
