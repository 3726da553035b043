"""Under which words it is counted what became of events, and what to do about those that need somebody.

Examples that are kept hold no ids: what a client wrote is taken out of a sentence before it is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from splitrun.collect.codes import Code, Refused
from splitrun.collect.intake import Taken
from splitrun.collect.privacy.consent import GPC, NO_CONSENT

__all__ = [
    "OBJECTED",
    "REFUSED",
    "REJECTED",
    "REMEDIES",
    "SIEVED",
    "declined",
    "remedy",
    "sentence",
    "told",
    "turned_away",
]

REJECTED = "rejected: "
"""Before the code of an event that the intake did not take."""
REFUSED = "refused: "
"""Before the code of a batch of which it took nothing; counted in batches."""
OBJECTED = "objected"
"""Events of units that may not be measured; answered as accepted, and kept nowhere."""

EXAMPLES: Mapping[str, str] = {
    NO_CONSENT: "events whose units are not known to have granted, in a project that requires it",
}
"""Of reasons that somebody should look at, though nothing was wrong with the events."""

REMEDIES: Mapping[str, str] = {
    Code.EMPTY: "send a batch of events in JSON",
    Code.ENCODING: "send what Content-Encoding says, in one whole stream",
    Code.NOT_JSON: "send UTF-8 JSON without a byte order mark, NaN or infinity",
    Code.NOT_A_BATCH: "send sent_at, sdk and events, as docs/collection.md shows",
    Code.TOO_LARGE: "send fewer events at once",
    Code.TOO_MANY: "send at most 5,000 events at once",
    Code.SHAPE: "hold the client's events against docs/collection.md",
    Code.EVENT_SIZE: "send less with each event; 64,000 bytes are taken",
    Code.DEPTH: "send flat properties",
    Code.DUPLICATE_KEY: "write each name once in an object",
    Code.EVENT_ID: "give each event an id of printable ASCII signs, and keep it over retries",
    Code.TIME: "write times in RFC 3339 with their zone; numbers of seconds or milliseconds are not taken",
    Code.UNIT: "leave events out where there is no unit; send no placeholder like null",
    Code.NAME: "give events, flags, experiments and variants short printable names",
    Code.NUMBER: "look where the number comes from; amounts go to 1e15",
    Code.PROPERTIES: "send fewer properties, with shorter names",
    Code.NOT_OTLP: "send an export request of OTLP as its Content-Type says: protobuf or JSON",
    Code.UNMAPPED: "name the event under `otlp` in splitrun.yaml, or filter it out where it is collected",
    Code.EVALUATION: "look why evaluations fail where they are made",
    Code.FLAG: "send records with a key of the environment whose flags they are of",
    Code.RULESET: "let evaluations tell the ruleset that this project published",
    Code.ATTRIBUTES: "send what the flag asks as splitrun.attribute.NAME, or name it under `otlp`",
    Code.EXPERIMENT: "let records tell splitrun.experiment, as the SDK's hook does",
    Code.NO_EXPERIMENT: "nothing; evaluations outside of experiments are not measured",
    "conflict": "look for code that gives two events one id, or changes an event before it is sent again",
    NO_CONSENT: "let clients say `consent`: with Splitrun's, `consent='pending'` and the word of each unit",
    GPC: "nothing; browsers said that they object",
    "late": "look at clients that keep events for weeks or whose clock is off",
    "future": "look at clients that write another time than that of their own clock",
    "dead": "upgrade the server that empties the spool, then run `splitrun replay --code dead`",
    "skewed": "nothing where devices of people send; times were put right. Else set that clock",
    "restored": "what waited when the newer file was lost, and its dead letters, are gone: look why it was",
    "outcome: unknown ruleset": "let the worker reach the registry that clients have their rulesets from",
    "outcome: unknown version": "look for clients with rulesets of another environment",
    "outcome: unknown variant": "look for code that names variants itself",
    "outcome: stale ruleset": "let clients refresh their rulesets; see docs/sdk.md",
    "outcome: tampering": "run `splitrun audit-assignment`; something else than the rules chose the variant",
}
"""What to do, by code or by reason; what is not here needs nobody."""

SIEVED: Mapping[str, tuple[str, str]] = {
    "undeclared": (
        "a property or an attribute that splitrun.yaml does not declare was dropped",
        "declare it in splitrun.yaml with what it is for, or take it out of the client's code",
    ),
    "masked": (
        "a text held an e-mail address or a telephone number, which was masked",
        "take people's addresses and numbers out of what the client sends",
    ),
    "dropped": (
        "a value held an e-mail address or a telephone number, and was dropped",
        "take people's addresses and numbers out of what the client sends",
    ),
}
"""By the first word of a reason: what is said where no event is at hand, and what to do. A stripped URL needs
nobody."""

WRITTEN = re.compile(r"""(?<!\w)['"].*['"]""", re.DOTALL)
"""What a client wrote, from the first sign of quotation to the last; an apostrophe is none."""
LONG_NUMBER = re.compile(r"[-+]?\d[\d.e+_-]{6,}")


def remedy(reason: str) -> str:
    """What to do about a reason; empty: nothing."""
    word, colon, _ = reason.partition(": ")
    if colon and word in SIEVED:
        return SIEVED[word][1]
    return REMEDIES.get(reason.removeprefix(REJECTED).removeprefix(REFUSED), "")


def sentence(reason: str) -> str:
    """Say what was taken out of events; empty where the reason is another."""
    return SIEVED.get(reason.partition(": ")[0], ("", ""))[0]


def told(says: str) -> str:
    """Take out of a sentence what a client wrote: quoted text, and numbers as long as an id."""
    return LONG_NUMBER.sub("…", WRITTEN.sub("…", says))


def turned_away(found: Taken) -> list[tuple[str, int, str]]:
    """Count what of a batch goes no further: reason, events, and an example where somebody should look."""
    counts = Counter(one.code for one in found.rejected)
    says = {one.code: told(one.says) for one in found.rejected}
    listed = [(REJECTED + code, count, says[code]) for code, count in counts.items()]
    listed += [(why, count, EXAMPLES.get(why, "")) for why, count in found.withheld.items()]
    objected = len(found.out) - len(found.rejected) - sum(found.withheld.values())
    return [*listed, (OBJECTED, objected, "")] if objected else listed


def declined(why: Refused) -> tuple[str, int, str]:
    """Count a batch of which nothing is taken."""
    return REFUSED + why.code, 1, told(why.says)
