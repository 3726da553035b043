"""What of properties and attributes is kept: declared fields, without what names people.

This comes before rows are laid out, so that what is taken out never reaches the lake. The same batch comes to
the same rows each time, so that an event sent twice is still found to be the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import Raw
from msgspec.json import Decoder, encode
from msgspec.structs import replace as changed

from splitrun.collect.accepted import Batch, Did, Kind
from splitrun.collect.privacy.texts import searched, suspicious
from splitrun.sdk.event import Exposure

__all__ = ["Rule", "Sieve", "sieved"]

decode = Decoder(dict[str, object]).decode

GONE = object()
"""In the place of a value that is dropped."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of the values of a field."""

    texts: str = "mask"
    """Of e-mail addresses and telephone numbers in its texts: mask, drop or keep."""
    url: bool = False
    """Whether it holds URLs, of which the query, the fragment and a name before @ are stripped."""


@dataclass(frozen=True, slots=True)
class Sieve:
    """What is kept of the events of a project."""

    properties: Mapping[str, Rule] = field(default_factory=dict)
    """Declared ones, by name."""
    attributes: Mapping[str, Rule] = field(default_factory=dict)
    every: bool = True
    """Whether what is not declared is kept as well."""
    rest: Rule = Rule()
    """For what is not declared."""

    @property
    def plain(self) -> bool:
        """Whether properties without suspicious signs stay as they are."""
        return self.every and not any(one.url for one in self.properties.values())

    @property
    def blind(self) -> bool:
        """Whether nothing is ever taken out."""
        rules = (*self.properties.values(), *self.attributes.values(), self.rest)
        return self.every and all(one.texts == "keep" and not one.url for one in rules)


def sieved(batch: Batch, sieve: Sieve) -> tuple[Batch, Counter[str]]:
    """Take out of a batch what is not to be kept.

    Returns:
        The batch, and by reason how many events something was taken out of. Names of fields that nobody
        declared stand in no reason: a client writes there what it likes.
    """
    counts: Counter[str] = Counter()
    if sieve.blind:
        return batch, counts
    plain = sieve.plain
    events: list[Kind] = []
    for one in batch.events:
        why: set[str] = set()
        events.append(cleaned(one, sieve, why, plain=plain))
        counts.update(why)
    return (replace(batch, events=events) if counts else batch), counts


def cleaned(one: Kind, sieve: Sieve, why: set[str], *, plain: bool) -> Kind:
    """Take out of one event; told why."""
    match one:
        case Did(properties=written):
            raw = bytes(written)
            if raw == b"{}" or (plain and not suspicious(raw)):
                return one
            kept = fields(decode(raw), sieve.properties, sieve, ("property", why))
            return changed(one, properties=Raw(encode(kept))) if why else one
        case Exposure(attributes=held) if held:
            kept = fields(held, sieve.attributes, sieve, ("attribute", why))
            return changed(one, attributes=kept) if why else one
        case _:
            return one


def fields(
    values: Mapping[str, object], rules: Mapping[str, Rule], sieve: Sieve, told: tuple[str, set[str]]
) -> dict[str, Any]:
    """Keep the fields that may be kept."""
    kind, why = told
    found: dict[str, Any] = {}
    for name, value in values.items():
        rule = rules.get(name)
        if rule is None and not sieve.every:
            why.add(f"undeclared: {kind}")
            continue
        of = sieve.rest if rule is None else rule
        called = f"an undeclared {kind}" if rule is None else f"{kind} {name}"
        left = value if rule is not None else GONE if named(name, called, of, why) else value
        left = left if left is GONE else sifted(left, of, called, why)
        if left is not GONE:
            found[name] = left
    return found


def named(name: str, called: str, rule: Rule, why: set[str]) -> bool:
    """Whether the name of a field names somebody; it cannot be masked, so the field is dropped."""
    hit = None if rule.texts == "keep" else searched(name)
    if hit is not None:
        why.update(f"dropped: {kind} in the name of {called}" for kind in hit.kinds)
    return hit is not None


def sifted(value: object, rule: Rule, called: str, why: set[str]) -> object:
    """Sift a value, and all that lies in it."""
    match value:
        case str():
            return text(value, rule, called, why)
        case list():
            parts = [sifted(one, rule, called, why) for one in value]
            return [one for one in parts if one is not GONE]
        case dict():
            inner = {name: sifted(one, rule, called, why) for name, one in value.items()}
            return {
                name: one
                for name, one in inner.items()
                if one is not GONE and not named(name, called, rule, why)
            }
        case _:
            return value


def text(value: str, rule: Rule, called: str, why: set[str]) -> object:
    """Strip a URL; mask or drop what names people."""
    if rule.url:
        bare = stripped(value)
        if bare != value:
            why.add(f"stripped: {called}")
        value = bare
    if rule.texts == "keep":
        return value
    hit = searched(value)
    if hit is None:
        return value
    done = "masked" if rule.texts == "mask" else "dropped"
    why.update(f"{done}: {kind} in {called}" for kind in hit.kinds)
    return hit.masked if rule.texts == "mask" else GONE


def stripped(url: str) -> str:
    """Give a URL without query, fragment, and name and password before its host."""
    bare = url.partition("#")[0].partition("?")[0]
    scheme, slashes, rest = bare.partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}" if slashes else bare
