"""One entry of the audit chain: who did what to what, and why, bound to all that came before."""

from __future__ import annotations

from dataclasses import dataclass

from splitrun.store.canonical import flat, sha

__all__ = ["Entry", "Remark", "entry_body"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log as it is kept. Texts as they are hashed, so that nothing is read into them.

    Raw unit ids never enter it: it outlives every erasure.
    """

    number: int
    """From 1, without gaps."""
    at: str
    """UTC, six decimals, `Z`."""
    actor: str
    verb: str
    project: str | None
    environment: str | None
    subject: str
    """What it was done to, like `experiment/one-page-checkout`."""
    reason: str | None
    content: str
    """Canonical JSON; under `wrote` the digests of the rows that were written with it."""
    previous: str
    """SHA-256 of the entry before; of the first entry the registry's own random name."""
    hash: str
    """SHA-256 of `body`."""
    key: str
    """Name of the key that signed it."""
    signature: str
    """Ed25519 over the hash, base64."""

    def body(self) -> str:
        """The canonical JSON that is hashed: all but hash, key and signature."""
        return entry_body(
            {
                "number": self.number,
                "at": self.at,
                "actor": self.actor,
                "verb": self.verb,
                "project": self.project,
                "environment": self.environment,
                "subject": self.subject,
                "reason": self.reason,
                "previous": self.previous,
            },
            self.content,
        )

    @property
    def whole(self) -> bool:
        """Whether it is what was hashed; half a surrogate pair is what somebody else put there."""
        return sha(self.body().encode("utf-8", "surrogatepass")) == self.hash

    def line(self) -> str:
        """The whole entry as one line of canonical JSON, as exports carry it."""
        return canonical_line(self)


def entry_body(fields: dict[str, str | int | None], content: str) -> str:
    """Write the fields and the content, which is canonical JSON already, as one canonical object.

    `actor` and `at` are the only names that sort before `content`.
    """
    before = flat({name: fields[name] for name in ("actor", "at")})
    after = flat({name: value for name, value in fields.items() if name not in {"actor", "at"}})
    return f'{before[:-1]},"content":{content},{after[1:]}'


def canonical_line(entry: Entry) -> str:
    """Join the body and what was made of it."""
    seal = flat({"hash": entry.hash, "key": entry.key, "signature": entry.signature})
    return f'{{"entry":{entry.body()},{seal[1:]}'


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of a change; it becomes an entry."""

    verb: str
    """Like `register`, `start`, `look`, `decide`."""
    subject: str
    reason: str | None = None
    project: str | None = None
    environment: str | None = None
    content: str = "{}"
    """A JSON object, canonical (`canonical(...)`); no raw unit ids."""
