from __future__ import annotations

import time

import pytest

from splitrun.collect.privacy.texts import searched, suspicious


@pytest.mark.parametrize(
    ("text", "kinds", "masked"),
    [
        # forms of RFC 5322 addresses in use, and E.123 / DIN 5008 / North American ways to write numbers
        ("write to ada@example.org now", ("e-mail",), "write to (e-mail) now"),
        ("anna.müller+shop@mail.example.co.uk", ("e-mail",), "(e-mail)"),
        ("+49 170 1234567", ("phone",), "(phone)"),
        ("0043 1 5331234", ("phone",), "(phone)"),
        ("call 0171/1234567, or 030 12345678.", ("phone",), "call (phone), or (phone)."),
        ("(555) 123-4567", ("phone",), "(phone)"),
        ("x +1-555-123-4567 +1-555-123-4568", ("phone",), "x (phone) (phone)"),
        ("a@example.org, +44 20 7946 0958", ("e-mail", "phone"), "(e-mail), (phone)"),
    ],
)
@pytest.mark.requirement("R75")
def test_addresses_and_numbers_are_found_as_people_write_them(
    text: str, kinds: tuple[str, ...], masked: str
) -> None:
    found = searched(text)

    assert found is not None
    assert (found.kinds, found.masked) == (kinds, masked)


@pytest.mark.parametrize(
    "text",
    [
        "order 1234567890",
        "2026-11-23 10:00:00",
        "2026-11-23T10:00:00.123456Z",
        "550e8400-e29b-41d4-a716-446655440000",
        "1.234.567,89 EUR",
        "0.123456789",
        "192.168.100.200",
        "a@b",
        "@home",
        "4111 1111 1111 1111",
        "",
    ],
)
def test_what_is_neither_stays(text: str) -> None:
    assert searched(text) is None


@pytest.mark.parametrize(
    "part", ["a" * 20_000, "@" * 20_000, "0 " * 10_000, "a.@" * 7_000, "+(" * 10_000, "01" * 10_000]
)
def test_a_hostile_text_takes_no_long_time(part: str) -> None:
    began = time.process_time()

    searched(f"{part}!")

    assert time.process_time() - began < 1.0


def test_signs_in_disguise_are_looked_at_as_well() -> None:
    assert suspicious(b'{"a":"ada\\u0040example.org"}')
    assert suspicious(b'{"a":"+49 170 1234567"}')
    assert not suspicious(b'{"amount":12.5,"coupon":"SPRING","page":"/checkout/2"}')
