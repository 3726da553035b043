from __future__ import annotations

import logging
from typing import Any

import pytest

from splitrun.errors import SettingError
from splitrun.sdk.context import NOWHERE, Context, current, enter, entered
from splitrun.sdk.status import Consent
from splitrun.sdk.visits.cookies import cacheable, cookie, drawn, read, signature, signed
from splitrun.sdk.visits.policy import Options, Visit, Visits
from tests.sdk.test_mistakes import Hostile

UNIT = "0123456789abcdef0123456789abcdef"


def given(options: dict[str, Any]) -> Options[str]:
    return options  # type: ignore[return-value] # some are what nobody should give


def visit(cookies: str = "", gpc: str = "", **options: Any) -> Visit:  # noqa: ANN401 - as options are
    return Visits[str](given(options)).visit("request", cookies, gpc)


@pytest.mark.requirement("R73")
def test_who_has_not_said_is_neither_read_nor_marked() -> None:
    found = visit(f"splitrun_unit={UNIT}")

    assert found == Visit(Context("", Consent.PENDING), "")


@pytest.mark.requirement("R73")
def test_who_has_granted_gets_a_unit_and_keeps_it() -> None:
    first = visit(consent="granted")

    assert len(first.context.unit) == 32
    assert first.context.unit == first.context.anonymous
    assert first.set_cookie == (
        f"splitrun_unit={first.context.unit}; Path=/; Max-Age=34128000; HttpOnly; SameSite=Lax; Secure"
    )
    second = visit(f"theme=dark; splitrun_unit={first.context.unit}", consent="granted")
    assert second == Visit(first.context, "")


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize("said", ["", "consent=denied"])
def test_who_refuses_loses_the_cookie(said: str) -> None:
    gpc = "" if said else "1"

    found = visit(f"{said}; splitrun_unit={UNIT}", gpc, consent_cookie="consent")

    assert found.context == Context("", Consent.DENIED)
    assert found.set_cookie == "splitrun_unit=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"


@pytest.mark.requirement("R79")
def test_global_privacy_control_outweighs_what_was_granted() -> None:
    assert visit("", " 1 ", consent="granted").context.consent is Consent.DENIED
    assert visit("", "0", consent="granted").context.consent is Consent.GRANTED


@pytest.mark.parametrize(
    ("said", "consent"),
    [
        ("consent=granted", Consent.GRANTED),
        ("consent=denied", Consent.DENIED),
        ("consent=yes", Consent.PENDING),
        ("", Consent.PENDING),
    ],
)
def test_consent_is_read_from_a_cookie_of_the_product(said: str, consent: Consent) -> None:
    assert visit(said, consent_cookie="consent").context.consent is consent


def test_the_products_own_id_comes_first_and_needs_no_cookie() -> None:
    alone = visit(consent="granted", unit=lambda _: "ada")
    known = visit(f"splitrun_unit={UNIT}", consent="granted", unit=lambda _: "ada")
    nobody = visit(f"splitrun_unit={UNIT}", consent="granted", unit=lambda _: None)

    assert alone == Visit(Context("ada", Consent.GRANTED), "")
    assert known.context == Context("ada", Consent.GRANTED, {}, UNIT)
    assert nobody.context.unit == UNIT


def test_what_a_callable_raises_counts_as_not_known_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def raises(_: str) -> None:
        raise RuntimeError("the session's store is away")

    visits = Visits[str](given({"consent": raises, "attributes": raises, "unit": raises}))

    with caplog.at_level(logging.ERROR, "splitrun"):
        for _ in range(3):
            assert visits.visit("request", "", "").context == Context("", Consent.PENDING)

    assert len(caplog.records) == 3, "once for each of the three options"


async def later(_: str) -> str:
    return "ada"


@pytest.mark.parametrize(
    ("option", "answers", "says"),
    [
        ("unit", lambda _: 42, "answered a int, which is no text"),
        ("unit", lambda _: b"ada", "answered a bytes, which is no text"),
        ("unit", later, "answered a coroutine, which is no text"),
        ("unit", lambda _: 1 // 0, "raised"),
        ("attributes", lambda _: ["DE"], "answered a list, which maps no names to values"),
        ("attributes", lambda _: {5: "DE"}, "answered a dict, which maps no names to values"),
        ("attributes", lambda _: "DE", "answered a str, which maps no names to values"),
        ("attributes", later, "answered a coroutine, which maps no names to values"),
        ("attributes", lambda _: Hostile(), "raised"),
        ("attributes", lambda _: 1 // 0, "raised"),
    ],
)
@pytest.mark.parametrize("consent", ["granted", "pending", "denied"])
def test_who_cannot_be_told_is_nobody_and_it_is_logged_once(
    option: str, answers: object, says: str, consent: str, caplog: pytest.LogCaptureFixture
) -> None:
    visits = Visits[str](given({"consent": consent, option: answers}))

    with caplog.at_level(logging.ERROR, "splitrun"):
        for _ in range(3):
            found = visits.visit("request", f"splitrun_unit={UNIT}", "")

            known = UNIT if consent == "granted" else ""
            assert found.context == Context("", Consent(consent), {}, known)
            assert found.set_cookie.partition(";")[0] in {"", "splitrun_unit="}

    (record,) = caplog.records
    assert f"the option '{option}' of splitrun's middleware {says}; it counts as not known" in record.message


def test_attributes_are_those_of_the_moment_and_a_text_of_its_own_kind_is_a_unit() -> None:
    class Id(str):
        __slots__ = ()

    attributes = {"country": "DE"}

    found = visit(consent="granted", attributes=lambda _: attributes, unit=lambda _: Id("ada")).context
    attributes.clear()

    assert found == Context("ada", Consent.GRANTED, {"country": "DE"})
    assert type(found.unit) is str


@pytest.mark.parametrize("gpc", ["1", " 1 ", "1, 1", "1; 1", "0, 1"])
def test_a_signal_that_a_proxy_repeats_is_a_refusal(gpc: str) -> None:
    found = visit(gpc=gpc, consent="granted")

    assert found.context.consent is Consent.DENIED
    assert not found.set_cookie


@pytest.mark.parametrize(
    "said",
    [5, ["granted"], Hostile(), None, "yes", later],
    ids=["number", "list", "hostile", "none", "no-word", "coroutine"],
)
def test_a_consent_that_is_no_word_is_pending(said: object) -> None:
    assert visit(consent=lambda _: said).context.consent is Consent.PENDING


def test_a_signed_cookie_is_believed_and_no_other() -> None:
    old, new = "an old secret of ours", "a new secret of ours"
    value = signed(UNIT, [old])

    assert read(value, [new, old]) == UNIT
    assert read(value, [new]) == ""
    assert read(UNIT, [new]) == ""
    assert read(f"{UNIT}.{signature(UNIT, 'guess')}", [new]) == ""
    assert read(f"{UNIT}.ünicode", [new]) == ""
    made = visit(consent="granted", secrets=[new])
    assert f"={made.context.unit}.{signature(made.context.unit, new)};" in made.set_cookie


@pytest.mark.parametrize("value", ["", "short", UNIT.upper(), UNIT + "0", f"{UNIT}.x", "é" * 32])
def test_what_was_not_made_here_is_no_unit(value: str) -> None:
    assert read(value, ()) == ""
    assert visit(f"splitrun_unit={value}", consent="granted").context.unit != value


def test_ids_are_128_bits_and_differ() -> None:
    ids = {drawn() for _ in range(1_000)}

    assert len(ids) == 1_000
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)


def test_cookies_are_found_by_their_whole_name() -> None:
    told = 'not_splitrun_unit=a; splitrun_unit="b"; splitrun_unit=c; d'

    assert cookie(told, "splitrun_unit") == "b"
    assert cookie(told, "d") == ""


@pytest.mark.parametrize(
    ("control", "others"),
    [
        ("public, max-age=60", True),
        ("s-maxage=60", True),
        ("private, max-age=60", False),
        ("no-store", False),
        ("", False),
    ],
)
def test_a_response_that_others_may_get_is_known(control: str, others: bool) -> None:  # noqa: FBT001 - a case
    assert cacheable(control) is others


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"concent": "granted"}, "did you mean 'consent'"),
        ({"consent": "yes"}, "granted, pending or denied"),
        ({"max_age": 0}, "at least 1"),
        ({"secrets": "one text"}, "a list of texts"),
        ({"secrets": [""]}, "at least 16 bytes"),
        ({"secrets": ["fifteen letters"]}, "at least 16 bytes"),
        ({"max_age": 400 * 86_400 + 1}, "at most 34,560,000"),
        ({"cookie": "a b"}, "letters, digits"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        Visits[str](given(options))


def test_the_cookie_may_be_shared_with_subdomains_and_sent_without_tls() -> None:
    found = visit(consent="granted", domain="shop.example", secure=False, cookie="u", max_age=60)

    assert found.set_cookie == (
        f"u={found.context.unit}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Domain=shop.example"
    )


def test_outside_of_requests_nobody_asks() -> None:
    assert current() is NOWHERE
    with entered(Context("ada")):
        assert current().unit == "ada"
    enter(Context("eve"))
    assert current().unit == "eve"
    enter(NOWHERE)
    assert current() is NOWHERE
