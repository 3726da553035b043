"""The unit cookie: 128 random bits, optionally with a signature; and as little parsing as it takes."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

__all__ = ["DIGITS", "cacheable", "cookie", "drawn", "header", "read", "signed"]

DIGITS = 32
"""Hexadecimal digits of an id, and of a signature."""

HEXADECIMAL = frozenset("0123456789abcdef")


def drawn() -> str:
    """Draw an id: 128 bits from the system's source of randomness, which cannot be guessed."""
    return secrets.token_hex(DIGITS // 2)


def signature(unit: str, secret: str) -> str:
    """The first 128 bits of HMAC-SHA-256."""
    return hmac.new(secret.encode(), f"splitrun-unit:{unit}".encode(), sha256).hexdigest()[:DIGITS]


def signed(unit: str, keys: Sequence[str]) -> str:
    """Write the cookie's value: the id, and where there are secrets its signature by the first."""
    return f"{unit}.{signature(unit, keys[0])}" if keys else unit


def read(value: str, keys: Sequence[str]) -> str:
    """Read the cookie's value; empty where it is none that was made here."""
    unit, _, sign = value.partition(".")
    if len(unit) != DIGITS or not HEXADECIMAL.issuperset(unit):
        return ""
    if not keys:
        return "" if sign else unit
    good = [hmac.compare_digest(signature(unit, key).encode(), sign.encode()) for key in keys]
    return unit if any(good) else ""


def cookie(told: str, name: str) -> str:
    """Find a cookie in a `Cookie` header; the first of its name, empty where there is none."""
    for pair in told.split(";"):
        key, _, value = pair.partition("=")
        if key.strip() == name:
            return value.strip().strip('"')
    return ""


def header(name: str, value: str, max_age: int, *, secure: bool, domain: str = "") -> str:
    """Write a `Set-Cookie` header; a `max_age` of 0 takes the cookie away."""
    parts = [f"{name}={value}", "Path=/", f"Max-Age={max_age}", "HttpOnly", "SameSite=Lax"]
    if secure:
        parts.append("Secure")
    if domain:
        parts.append(f"Domain={domain}")
    return "; ".join(parts)


def cacheable(cache_control: str) -> bool:
    """Whether a response may be kept for others, who must not be given somebody's id with it."""
    words = {word.partition("=")[0].strip() for word in cache_control.lower().split(",")}
    return bool(words & {"public", "s-maxage"}) and "private" not in words
