"""Whose request it is: options of the middlewares, and the decision."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import iscoroutine
from typing import Generic, TypedDict, TypeVar

from msgspec import Struct

from splitrun.errors import SettingError
from splitrun.sdk.context import Context
from splitrun.sdk.options.kinds import (
    COOKIE,
    DOMAIN,
    FUNCTION,
    SECRETS,
    STATE,
    SWITCH,
    Kind,
    either,
    shown,
    whole,
    wrong,
)
from splitrun.sdk.outbox.choices import meant
from splitrun.sdk.settings import nearest
from splitrun.sdk.status import Consent
from splitrun.sdk.visits.cookies import cookie, drawn, header, read, signed

__all__ = ["THIRTEEN_MONTHS", "Options", "Visit", "Visits"]

LOG = logging.getLogger("splitrun")

THIRTEEN_MONTHS = 395 * 86_400
"""Seconds that a unit cookie lives, counted from when it was made; the longest that CNIL takes for audience
measurement, below the 400 days of browsers."""

LONGEST = 400 * 86_400
"""Seconds that a browser keeps a cookie at most (RFC 6265bis)."""

UNIT_COOKIE = "splitrun_unit"
KINDS: Mapping[str, Kind] = {
    "consent": either(STATE, FUNCTION, expects="granted, pending or denied, or a function of the request"),
    "consent_cookie": COOKIE,
    "unit": FUNCTION,
    "attributes": FUNCTION,
    "cookie": COOKIE,
    "secrets": SECRETS,
    "max_age": whole(1, LONGEST),
    "secure": SWITCH,
    "domain": DOMAIN,
}
"""What each option may be, by name."""
ABSENT = frozenset({"unit", "attributes"})
"""Options that may be None, which is as if they were not given."""

Request = TypeVar("Request")


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
    """Sign the cookie with the first, take what any of them signed; of 16 bytes at least."""
    max_age: int
    """Seconds, 400 days at most; thirteen months, never prolonged."""
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
        self.settle(options)
        self.consent = options.get("consent", Consent.PENDING)
        self.asked = options.get("consent_cookie", "")
        self.unit = options.get("unit")
        self.attributes = options.get("attributes")
        self.cookie = options.get("cookie", UNIT_COOKIE)
        self.keys: Sequence[str] = tuple(options.get("secrets", ()))
        self.max_age = options.get("max_age", THIRTEEN_MONTHS)
        self.secure = options.get("secure", True)
        self.domain = options.get("domain", "")
        self.complained: set[str] = set()

    @staticmethod
    def settle(options: Mapping[str, object]) -> None:
        """Check what is given.

        Raises:
            SettingError: Something is not known, out of its range, or contradicts another; all mistakes.
        """
        says = [
            f"this middleware has no option {shown(name)}; {nearest(str(name), tuple(KINDS))}"
            for name in options
            if name not in KINDS
        ]
        given = {name: value for name, value in options.items() if value is not None or name not in ABSENT}
        says += wrong(given, KINDS)
        if not says:
            says += contradictions(given)
        if says:
            raise SettingError("\n".join(says))

    def visit(self, request: Request, cookies: str, gpc: str) -> Visit:
        """Decide whose request it is.

        Args:
            request: The framework's own.
            cookies: The `Cookie` header; empty where there is none.
            gpc: The `Sec-GPC` header.
        """
        consent = self.decided(request, cookies, gpc)
        held = cookie(cookies, self.cookie)
        attributes, own = self.attributes_of(request), self.unit_of(request)
        if consent is not Consent.GRANTED:
            # the device is neither read nor written; what was stored on it goes when its owner refuses
            gone = self.taken_away() if held and consent is Consent.DENIED else ""
            return Visit(Context("" if attributes is None else own or "", consent, attributes or {}), gone)
        known = read(held, self.keys) if held else ""
        if own is None or attributes is None:
            # nobody is served by an id that may be somebody else's, or by less than is usually known
            return Visit(Context("", consent, {}, known))
        unit = known or ("" if own else drawn())
        context = Context(own or unit, consent, attributes, unit)
        return Visit(context, "" if known or own else self.given(unit))

    def decided(self, request: Request, cookies: str, gpc: str) -> Consent:
        """What the unit allowed."""
        # a proxy may repeat the header, and frameworks join what is repeated
        if "1" in {part.strip() for part in gpc.replace(";", ",").split(",")}:
            return Consent.DENIED
        said: object = self.consent
        if self.asked:
            said = cookie(cookies, self.asked)
        elif callable(self.consent):
            try:
                said = self.consent(request)
            except Exception:  # noqa: BLE001 - a product's function may raise anything
                self.complain("consent", "raised")
                said = None
        return meant(said) or Consent.PENDING

    def unit_of(self, request: Request) -> str | None:
        """Ask for the product's own id: empty where there is none, None where it cannot be told."""
        if self.unit is None:
            return ""
        try:
            found: object = self.unit(request)
        except Exception:  # noqa: BLE001 - as above
            self.complain("unit", "raised")
            return None
        if found is None:
            return ""
        if not isinstance(found, str):
            self.complain("unit", f"answered {left(found)}, which is no text")
            return None
        return str.__str__(found)

    def attributes_of(self, request: Request) -> Mapping[str, object] | None:
        """Ask for the attributes; None where they cannot be told."""
        if self.attributes is None:
            return {}
        try:
            found: object = self.attributes(request)
            if found is None:
                return {}
            if isinstance(found, Mapping):
                copied = dict(found)
                if all(isinstance(name, str) for name in copied):
                    return copied
        except Exception:  # noqa: BLE001 - as above
            self.complain("attributes", "raised")
            return None
        self.complain("attributes", f"answered {left(found)}, which maps no names to values")
        return None

    def complain(self, name: str, what: str) -> None:
        """Tell in the log, once, of what a product's function did."""
        if name not in self.complained:
            self.complained.add(name)
            LOG.error(
                "the option %r of splitrun's middleware %s; it counts as not known, and defaults are served",
                name,
                what,
                exc_info=what == "raised",
            )

    def given(self, unit: str) -> str:
        """Write the header that gives the cookie."""
        return header(
            self.cookie, signed(unit, self.keys), self.max_age, secure=self.secure, domain=self.domain
        )

    def taken_away(self) -> str:
        """Write the header that takes the cookie away."""
        return header(self.cookie, "", 0, secure=self.secure, domain=self.domain)


def contradictions(given: Mapping[str, object]) -> Iterator[str]:
    """Say which options, each of them sound, do not go together."""
    if "consent" in given and "consent_cookie" in given:
        yield "consent and consent_cookie are both given; keep the one that says what was allowed"
    if given.get("consent_cookie") == given.get("cookie", UNIT_COOKIE):
        yield "consent_cookie and the unit's cookie have one name; give them two"


def left(found: object) -> str:
    """Name the kind of an answer that cannot be used; one that is to be awaited is let go of."""
    if iscoroutine(found):
        found.close()
        return "a coroutine"
    return f"a {type(found).__name__}"
