"""Whose request it is: options of the middlewares, and the decision."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypedDict, TypeVar

from msgspec import Struct

from splitrun.errors import SettingError
from splitrun.sdk.context import Context
from splitrun.sdk.settings import nearest
from splitrun.sdk.status import Consent
from splitrun.sdk.visits.cookies import cookie, drawn, header, read, signed

__all__ = ["THIRTEEN_MONTHS", "Options", "Visit", "Visits"]

LOG = logging.getLogger("splitrun")

THIRTEEN_MONTHS = 395 * 86_400
"""Seconds that a unit cookie lives, counted from when it was made; the longest that CNIL takes for audience
measurement, below the 400 days of browsers."""

Request = TypeVar("Request")
Found = TypeVar("Found")


class Options(TypedDict, Generic[Request], total=False):
    """What the middlewares take; callables are given the framework's own request."""

    consent: Consent | str | Callable[[Request], Consent | str]
    """What the unit allowed; `granted` for products that need not ask. Not known counts as `pending`."""
    consent_cookie: str
    """A cookie of the product that says `granted` or `denied`; asked where `consent` is not given."""
    unit: Callable[[Request], str | None]
    """The product's own id, of who is logged in; without one the cookie's id is the unit."""
    attributes: Callable[[Request], Mapping[str, object]]
    cookie: str
    """The unit cookie's name; `splitrun_unit`."""
    secrets: Sequence[str]
    """Sign the cookie with the first, take what any of them signed."""
    max_age: int
    """Seconds; thirteen months, never prolonged."""
    secure: bool
    """False only where the product is served without TLS."""
    domain: str
    """Share the cookie with subdomains."""


class Visit(Struct, frozen=True):
    """A request's context, and the cookie that its response sets; empty where none."""

    context: Context
    set_cookie: str = ""


class Visits(Generic[Request]):
    """Decides for each request.

    Args:
        options: See `Options`.

    Raises:
        SettingError: An option is not known, or is out of its range.
    """

    def __init__(self, options: Options[Request]) -> None:
        for name in options:
            if name not in Options.__annotations__:
                raise SettingError(
                    f"this middleware has no option {name!r}; {nearest(name, tuple(Options.__annotations__))}"
                )
        self.consent = options.get("consent", Consent.PENDING)
        self.asked = "" if "consent" in options else options.get("consent_cookie", "")
        self.unit = options.get("unit")
        self.attributes = options.get("attributes")
        self.cookie = options.get("cookie", "splitrun_unit")
        self.keys: Sequence[str] = options.get("secrets", ())
        self.max_age = options.get("max_age", THIRTEEN_MONTHS)
        self.secure = options.get("secure", True)
        self.domain = options.get("domain", "")
        self.complained: set[str] = set()
        self.settle()

    def settle(self) -> None:
        """Check what is given.

        Raises:
            SettingError: Something is out of its range.
        """
        if not callable(self.consent) and self.consent not in tuple(Consent):
            raise SettingError(f"consent is {self.consent!r}; say granted, pending or denied")
        if self.max_age < 1:
            raise SettingError(f"max_age is {self.max_age!r}; give seconds, at least 1")
        if isinstance(self.keys, str) or not all(self.keys):
            raise SettingError("secrets are a list of texts, none of them empty; give ['...']")
        if not self.cookie.isascii() or not self.cookie or set(self.cookie) & set(' \t"(),/:;<=>?@[\\]{}'):
            raise SettingError(f"cookie is {self.cookie!r}; give a name of letters, digits, - and _")

    def visit(self, request: Request, cookies: str, gpc: str) -> Visit:
        """Decide whose request it is.

        Args:
            request: The framework's own.
            cookies: The `Cookie` header; empty where there is none.
            gpc: The `Sec-GPC` header.
        """
        consent = self.decided(request, cookies, gpc)
        held = cookie(cookies, self.cookie)
        attributes = self.told("attributes", self.attributes, request) or {}
        own = self.told("unit", self.unit, request) or ""
        if consent is not Consent.GRANTED:
            # the device is neither read nor written; what was stored on it goes when its owner refuses
            gone = self.taken_away() if held and consent is Consent.DENIED else ""
            return Visit(Context(own, consent, attributes), gone)
        known = read(held, self.keys) if held else ""
        unit = known or ("" if own else drawn())
        context = Context(own or unit, consent, attributes, unit)
        return Visit(context, "" if known or own else self.given(unit))

    def decided(self, request: Request, cookies: str, gpc: str) -> Consent:
        """What the unit allowed."""
        if gpc.strip() == "1":
            return Consent.DENIED
        if self.asked:
            said: object = cookie(cookies, self.asked)
        elif callable(self.consent):
            said = self.told("consent", self.consent, request)
        else:
            said = self.consent
        return next((state for state in Consent if state.value == said), Consent.PENDING)

    def told(self, name: str, asks: Callable[[Request], Found] | None, request: Request) -> Found | None:
        """Ask the product's callable; what it raises is logged once and counts as not known."""
        if asks is None:
            return None
        try:
            return asks(request)
        except Exception:
            if name not in self.complained:
                self.complained.add(name)
                LOG.exception("the option %r of splitrun's middleware raised; it counts as not known", name)
            return None

    def given(self, unit: str) -> str:
        """Write the header that gives the cookie."""
        return header(
            self.cookie, signed(unit, self.keys), self.max_age, secure=self.secure, domain=self.domain
        )

    def taken_away(self) -> str:
        """Write the header that takes the cookie away."""
        return header(self.cookie, "", 0, secure=self.secure, domain=self.domain)
