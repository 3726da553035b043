"""What an option may be, said once for the client, the middlewares and the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import TypeGuard

from msgspec import Struct

from splitrun.sdk.status import Consent

__all__ = [
    "COOKIE", "DOMAIN", "FUNCTION", "HOOKS", "PATH", "SECRETS", "STATE", "SWITCH", "TEXT", "TOKEN", "VERIFY",
    "WAIT", "Kind", "answering", "either", "seconds", "shown", "whole", "wrong",
]  # fmt: skip

LONGEST = 31_536_000
"""Seconds of a year; threads cannot wait for some larger numbers."""
MOST = 2**53
SECRET = 16
"""Bytes of a secret at least: as many as a signature has."""
VISIBLE = frozenset(map(chr, range(0x21, 0x7F)))
COOKIES = VISIBLE - set('"(),/:;<=>?@[\\]{}')
"""Signs of a token in RFC 9110."""
HOSTS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")


class Kind(Struct, frozen=True):
    """A kind of value."""

    expects: str
    """What to give, after "give"."""
    fits: Callable[[object], bool]
    secret: bool = False
    """The value is not repeated in a message."""


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value is a text that can be written as UTF-8."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_path(value: object) -> bool:
    """Whether a value names a file."""
    if isinstance(value, PathLike):
        try:
            value = value.__fspath__()
        except Exception:  # noqa: BLE001 - whatever it is, it names no file
            return False
    return is_text(value) and value != "" and "\0" not in value


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite number, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


def spelled(value: object, signs: frozenset[str], longest: int) -> bool:
    """Whether a value is a text of these signs."""
    return is_text(value) and 0 < len(value) <= longest and signs.issuperset(value)


def whole(least: int, most: int = MOST) -> Kind:
    """Whole numbers."""
    return Kind(
        f"a whole number, at least {least:,}" + (f" and at most {most:,}" if most < MOST else ""),
        lambda value: is_number(value) and isinstance(value, int) and least <= value <= most,
    )


def seconds(*, zero: bool = False) -> Kind:
    """A span of time."""
    return Kind(
        f"a number of seconds{', 0 or more' if zero else ' above 0'} and at most {LONGEST:,}",
        lambda value: is_number(value) and value <= LONGEST and (value > 0 or (zero and value == 0)),
    )


def answering(*names: str, expects: str) -> Kind:
    """An object that has these methods."""
    return Kind(
        expects,
        lambda value: (
            not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in names)
        ),
    )


def either(*kinds: Kind, expects: str) -> Kind:
    """What fits one of several kinds."""
    return Kind(expects, lambda value: any(kind.fits(value) for kind in kinds))


def is_keys(value: object) -> bool:
    """Whether a value maps names to texts."""
    return isinstance(value, Mapping) and bool(value) and all(map(is_text, (*value, *value.values())))


def is_secrets(value: object) -> bool:
    """Whether a value is a list of texts that are not guessed."""
    return isinstance(value, list | tuple) and all(
        is_text(one) and len(one.encode()) >= SECRET for one in value
    )


SWITCH = Kind("True or False", lambda value: isinstance(value, bool))
TEXT = Kind("a text of at most 256 characters", lambda value: is_text(value) and len(value) <= 256)
TOKEN = Kind(
    "a text of visible ASCII characters, as the server made it",
    lambda value: spelled(value, VISIBLE, 4_096),
    secret=True,
)
PATH = Kind("a path, as text or pathlib's", is_path)
WAIT = seconds(zero=True)
STATE = Kind("granted, pending or denied", lambda value: is_text(value) and value in tuple(Consent))
FUNCTION = Kind("a function", callable)
VERIFY = Kind("public keys in base64 by name, at least one", is_keys)
SECRETS = Kind(
    f"a list of texts, each of at least {SECRET} bytes, as `python -c 'import secrets; "
    "print(secrets.token_urlsafe())'` makes them",
    is_secrets,
    secret=True,
)
COOKIE = Kind("a name of letters, digits, - and _", lambda value: spelled(value, COOKIES, 256))
DOMAIN = Kind(
    "a name of letters, digits, - and dots, like shop.example",
    lambda value: value == "" or spelled(value, HOSTS, 255),
)
HOOKS = Kind(
    "a list of hooks", lambda value: isinstance(value, Sequence) and not isinstance(value, str | bytes)
)


def wrong(values: Mapping[str, object], kinds: Mapping[str, Kind]) -> Iterator[str]:
    """Say of each value that does not fit its kind what it is, and what to give."""
    for name, kind in kinds.items():
        if name in values and not fitting(kind, values[name]):
            value = values[name]
            said = f"a {type(value).__name__} that cannot be taken" if kind.secret else shown(value)
            yield f"{name} is {said}; give {kind.expects}"


def fitting(kind: Kind, value: object) -> bool:
    """Whether a value fits; one that cannot be looked at does not."""
    try:
        return kind.fits(value)
    except Exception:  # noqa: BLE001 - a value of a caller's own kind may raise anything
        return False


def shown(value: object) -> str:
    """Write a value, whatever it is."""
    try:
        return f"{value!r:.80}"
    except Exception:  # noqa: BLE001 - as above
        return f"a {type(value).__name__}"
