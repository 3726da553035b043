"""Under which words it is counted what became of events, and what to do about those that need somebody.

Examples that are kept hold no ids: what a client wrote is taken out of a sentence before it is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from splitrun.collect.codes import Code, Refused
from splitrun.collect.intake import Taken

__all__ = ["OBJECTED", "REFUSED", "REJECTED", "REMEDIES", "declined", "remedy", "told", "turned_away"]

REJECTED = "rejected: "
"""Before the code of an event that the intake did not take."""
REFUSED = "refused: "
"""Before the code of a batch of which it took nothing; counted in batches."""
OBJECTED = "objected"
"""Events of units that may not be measured; answered as accepted, and kept nowhere."""

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
    "late": "look at clients that keep events for weeks or whose clock is off",
    "future": "look at clients that write another time than that of their own clock",
    "dead": "upgrade the server that empties the spool, then run `splitrun replay --code dead`",
    "skewed": "nothing where devices of people send; times were put right. Else set that clock",
    "outcome: unknown ruleset": "let the worker reach the registry that clients have their rulesets from",
    "outcome: unknown version": "look for clients with rulesets of another environment",
    "outcome: unknown variant": "look for code that names variants itself",
    "outcome: stale ruleset": "let clients refresh their rulesets; see docs/sdk.md",
    "outcome: tampering": "run `splitrun audit-assignment`; something else than the rules chose the variant",
}
"""What to do, by code or by reason; what is not here needs nobody."""

WRITTEN = re.compile(r"""(?<!\w)['"].*['"]""", re.DOTALL)
"""What a client wrote, from the first sign of quotation to the last; an apostrophe is none."""
LONG_NUMBER = re.compile(r"[-+]?\d[\d.e+_-]{6,}")


def remedy(reason: str) -> str:
    """What to do about a reason; empty: nothing."""
    return REMEDIES.get(reason.removeprefix(REJECTED).removeprefix(REFUSED), "")


def told(says: str) -> str:
    """Take out of a sentence what a client wrote: quoted text, and numbers as long as an id."""
    return LONG_NUMBER.sub("…", WRITTEN.sub("…", says))


def turned_away(found: Taken) -> list[tuple[str, int, str]]:
    """Count what of a batch goes no further: reason, events, and an example where somebody should look."""
    counts = Counter(one.code for one in found.rejected)
    says = {one.code: told(one.says) for one in found.rejected}
    listed = [(REJECTED + code, count, says[code]) for code, count in counts.items()]
    objected = len(found.out) - len(found.rejected)
    return [*listed, (OBJECTED, objected, "")] if objected else listed


def declined(why: Refused) -> tuple[str, int, str]:
    """Count a batch of which nothing is taken."""
    return REFUSED + why.code, 1, told(why.says)
