"""The compiled, JSON-serialisable form of flags and experiments that clients download.

It names no owner and no hypothesis. Shares are whole thresholds in [0, 2**32]: a slot belongs to what lies
below its threshold (`floor(share * 2**32)` from exact fractions), so every language compares whole numbers.
"""

from __future__ import annotations

from msgspec import Raw, Struct

from splitrun.assign.evaluation import Type
from splitrun.terms.tree import Tree

__all__ = [
    "FORM",
    "WHOLE",
    "Arm",
    "Ended",
    "Envelope",
    "Experiment",
    "Flag",
    "Holdout",
    "IdList",
    "Layer",
    "Override",
    "Requirement",
    "Rule",
    "Ruleset",
    "Run",
    "Serve",
    "Signature",
    "Type",
]

FORM = "splitrun.ruleset/1"
"""Name and version of the form."""

WHOLE = 2**32
"""The threshold that every slot is below."""


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all parts of a ruleset share: compared by value, strict about names."""


class Requirement(Part, frozen=True):
    """A prerequisite: another flag must serve one of these of its variants."""

    flag: str
    variants: tuple[str, ...]


class Override(Part, frozen=True):
    """Units of a list get a variant of the flag whatever the rules say (QA)."""

    serve: str
    """A variant of the flag."""
    list: str
    """The name of an `IdList`."""


class Rule(Part, frozen=True, tag_field="rule"):
    """What all rules share: how they are told apart."""


class Serve(Rule, frozen=True, tag="serve"):
    """Serves one variant of the flag to those that match; without conditions, to everybody."""

    serve: str
    """A variant of the flag."""
    when: Tree | None = None
    coverage: int = WHOLE
    """Slots of `salt` below it are served; the others go on to the next rule."""
    salt: str = ""
    """Written wherever coverage is less than whole; rules of a flag share it, so that rings nest."""


class Run(Rule, frozen=True, tag="run"):
    """Asks an experiment; units that are not in it go on to the next rule."""

    experiment: str


class Flag(Part, frozen=True):
    """A switch in the product."""

    type: Type
    unit: str
    """The unit type whose id evaluation is given."""
    variants: dict[str, object]
    """What each variant serves, by name."""
    default: str
    """The variant of those that no rule takes."""
    on: bool = True
    """False serves the default to everybody: the kill switch."""
    archived: bool = False
    overrides: tuple[Override, ...] = ()
    requires: tuple[Requirement, ...] = ()
    rules: tuple[Run | Serve, ...] = ()
    """In order; the first that takes the unit answers."""


class Arm(Part, frozen=True):
    """A variant of an experiment, and where its slots end."""

    variant: str
    """The variant's key in the experiment."""
    serve: str
    """The variant of the flag that it serves."""
    below: int
    """Slots below it, and not below the arm before, are of this arm; the last arm ends at 2**32."""
    parameters: dict[str, object] = {}
    """Values of the layer's parameters for this arm; what is not named keeps the layer's default."""


class Experiment(Part, frozen=True):
    """A running experiment as clients need it."""

    flag: str | None
    """The flag it runs on; none where it only sets parameters of its layer."""
    unit: str
    version: int
    phase: int
    """Counts the stretches with one coverage and audience, from 1."""
    salt: str
    """`variant:<experiment>:<version>`, and `:<salt>` where a search found one."""
    arms: tuple[Arm, ...]
    coverage: int = WHOLE
    """Slots of `coverage_salt` below it are enrolled; it grows and never moves a unit."""
    coverage_salt: str = ""
    """`coverage:<experiment>:<version>`"""
    audience: Tree | None = None
    layer: str | None = None
    slots: tuple[tuple[int, int], ...] = ()
    """Ranges [from, to) of the layer's slots that belong to the experiment."""
    holdouts: tuple[str, ...] = ()
    enrolling: bool = True
    """False while paused: variants stay as they are, exposures say so and are not analysed."""
    attributes: tuple[str, ...] = ()
    """Declared segment attributes that exposures carry."""


class Layer(Part, frozen=True):
    """A partition of units within which experiments exclude each other, with its parameters."""

    unit: str
    salt: str
    """`layer:<layer>`"""
    parameters: dict[str, object] = {}
    """Defaults of the parameters that code reads from the layer."""
    experiments: tuple[str, ...] = ()


class Holdout(Part, frozen=True):
    """Units kept from a set of experiments."""

    unit: str
    salt: str
    """`holdout:<holdout>`"""
    below: int
    """Slots below it are held out."""


class IdList(Part, frozen=True):
    """Unit ids as salted hashes: `sha256(utf8(salt + ":" + id))`, the first 32 hexadecimal digits of each."""

    salt: str
    hashes: tuple[str, ...]


class Ended(Part, frozen=True):
    """An experiment that was published and taken out; the next publication needs it, clients do not."""

    version: int
    phase: int
    """Its last; if it comes back as it was, it goes on with the next."""
    deal: str
    """The first 32 hexadecimal digits of SHA-256 over what says which units get what."""


class Ruleset(Part, frozen=True):
    """Everything a client needs to know, for one environment of one project."""

    project: str
    environment: str
    version: int
    """Grows with every publication."""
    units: dict[str, str]
    """Unit types, and the attribute that holds the id of each; the first is the targeting key's."""
    flags: dict[str, Flag] = {}
    experiments: dict[str, Experiment] = {}
    layers: dict[str, Layer] = {}
    holdouts: dict[str, Holdout] = {}
    lists: dict[str, IdList] = {}
    timezone: str = "UTC"
    """IANA name: moments with a zone are read in it, as measurement reads them."""
    ended: dict[str, Ended] = {}
    """Experiments that ran before, so that none comes back under the same version dealing otherwise."""


class Signature(Part, frozen=True):
    """An Ed25519 signature over the bytes of the body as they are transmitted."""

    key: str
    """Name of the key."""
    value: str
    """Base64."""


class Envelope(Part, frozen=True):
    """What is transmitted. Digest and signatures are over the bytes of `body` exactly as they stand."""

    form: str
    """`splitrun.ruleset/1`"""
    digest: str
    """`sha256:` and 64 hexadecimal digits."""
    body: Raw
    """A `Ruleset` in JSON."""
    signatures: tuple[Signature, ...] = ()
