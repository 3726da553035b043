"""What a client says of consent: of a batch, or of one event, whose own word goes before the batch's.

`granted` is kept; whatever else is said is not; where nothing is said, the project decides. A denial that
names experiment and variant, and nobody, is counted by them, so that it can be tested whether one variant
drives units away. One that names its unit is of a unit that never granted, told with every evaluation of it
by some hooks: no withdrawal. No id of either is kept.
"""

from __future__ import annotations

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, encode

from splitrun.sdk.event import NOBODY

__all__ = ["DENIED", "GPC", "NO_CONSENT", "WITHDREW", "Asked", "withdrew", "withheld"]

DENIED = "consent denied"
"""Events of units that denied; answered as accepted, and kept nowhere."""
NO_CONSENT = "no consent"
"""Events of units that are not known to have granted, likewise."""
GPC = "Sec-GPC"
"""Events that a browser sent which tells that it objects, likewise."""
WITHDREW = "withdrew: "
"""Before experiment, version and variant: times that units withdrew after they were exposed."""
MOST = 100
"""Variants that withdrawals of one batch are counted by."""

GRANTED, REFUSES = "granted", "denied"


class Asked(Struct, frozen=True):
    """What consent an intake holds a batch to."""

    required: bool = False
    """Whether events are kept only of units that are known to have granted."""
    gpc: bool = False
    """Whether the request said `Sec-GPC: 1`."""


class Signed(Struct, frozen=True):
    """A batch, as far as consent goes."""

    events: list[Raw]
    consent: object = None


class Word(Struct, frozen=True):
    """An event, as far as consent goes."""

    consent: object = None
    type: object = None
    experiment: object = None
    version: object = None
    variant: object = None
    trigger: object = False
    unit: object = None


signed = Decoder(Signed).decode
single = Decoder(Word).decode


def withheld(body: bytes, asked: Asked) -> dict[int, str]:
    """Tell which events of a batch are not kept, by their place, and why.

    Args:
        body: A batch that was held to its limits.
        asked: What it is held to.
    """
    # whoever writes the name with escapes is read like everybody else
    if not (asked.required or asked.gpc or b'"consent"' in body or b"\\" in body):
        return {}
    batch = signed(body)
    if asked.gpc:
        return dict.fromkeys(range(len(batch.events)), GPC)
    if batch.consent == GRANTED and body.count(b"consent") == 1 and b"\\" not in body:
        return {}
    found: dict[int, str] = {}
    counted: set[str] = set()
    for place, raw in enumerate(batch.events):
        word = read(raw)
        said = batch.consent if word.consent is None else word.consent
        if said == REFUSES:
            found[place] = named(word, counted)
        elif said != GRANTED and (asked.required or said is not None):
            found[place] = NO_CONSENT
    return found


def read(raw: Raw) -> Word:
    """Read one event; what is none was rejected before."""
    try:
        return single(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return Word()


def named(word: Word, counted: set[str]) -> str:
    """Write under what a denial is counted.

    Args:
        word: An event that was denied.
        counted: Names that this batch has been counted under; added to, up to so many.
    """
    match word.type, word.trigger, word.unit, word.experiment, word.version, word.variant:
        case "exposure", False, {"id": who}, str(key), int(version), str(variant) if who == NOBODY:
            name = withdrew(key, version, variant)
        case _:
            return DENIED
    if name not in counted and len(counted) == MOST:
        return DENIED
    counted.add(name)
    return name


def withdrew(experiment: str, version: int, variant: str) -> str:
    """Write under what withdrawals from a variant are counted."""
    named = {"experiment": experiment, "variant": variant, "version": version}
    return WITHDREW + encode(named, order="sorted").decode()
