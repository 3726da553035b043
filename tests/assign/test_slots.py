from __future__ import annotations

import hashlib
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitrun.assign.ruleset import WHOLE
from splitrun.assign.slots import (
    LONGEST,
    PLACEHOLDERS,
    edge,
    id_bytes,
    listed,
    own_sha256,
    sha256,
    slot,
    threshold,
    thresholds,
)
from splitrun.errors import DataError


def test_a_slot_is_the_first_eight_digits_of_the_digest_that_openssl_prints() -> None:
    """`printf 'variant:one-page-checkout:1:user-1' | openssl dgst -sha256`."""
    printed = "8a06bb4fbd97d840ff2a9f2e9d38cfc73302960464d9f92680ff0619cc91282c"

    assert slot("variant:one-page-checkout:1", "user-1") == int(printed[:8], 16)
    assert listed("variant:one-page-checkout:1", "user-1") == printed[:32]


@pytest.mark.requirement("R15")
@given(below=st.integers(0, WHOLE), unit=st.text(min_size=1, max_size=20))
def test_comparing_bytes_is_comparing_slots(below: int, unit: str) -> None:
    digest = hashlib.sha256(b"s:" + unit.encode("utf-8", "surrogatepass")).digest()

    assert (digest < edge(below)) == (int.from_bytes(digest[:4]) < below)


def test_thresholds_are_floors_of_exact_fractions() -> None:
    assert threshold(Fraction(1, 3)) == 1_431_655_765  # 4294967296 / 3 = 1431655765.33…
    assert thresholds([Fraction(1, 3)] * 3) == (1_431_655_765, 2_863_311_530, WHOLE)
    assert thresholds([Fraction(1, 100_000)]) == (42_949,)
    assert threshold(Fraction(0)) == 0


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        ("", "the unit id is empty"),
        (None, "the unit id is a NoneType; give a text"),
        (7, "the unit id is a int; give a text"),
        (b"7", "the unit id is a bytes; give a text"),
        ("a\0b", "has a NUL"),
        ("\ud800", "half of a surrogate pair"),
        ("\udcff" * 5, "half of a surrogate pair"),
        ("x" * (LONGEST + 1), "is longer than 4,096 bytes"),
        ("é" * 2_049, "is longer than 4,096 bytes"),
        ("x" * 1_000_000, "is longer than 4,096 bytes"),
        *((placeholder, "stands for a missing one") for placeholder in sorted(PLACEHOLDERS)),
    ],
)
def test_what_cannot_be_an_id_is_refused(unit: object, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        id_bytes(unit)

    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "unit", ["0", "-1", " ", "nullable", "é", "e\u0301", "\u200b", "😀", "\u202eabc", "x" * 4_096]
)
def test_an_id_is_taken_byte_for_byte(unit: str) -> None:
    assert id_bytes(unit) == unit.encode()


def test_twins_of_normalisation_are_two_units() -> None:
    assert slot("s", "é") != slot("s", "e\u0301")


def test_the_hash_is_that_of_hashlib_whichever_is_found() -> None:
    assert sha256(b"abc").hexdigest() == hashlib.sha256(b"abc").hexdigest()


def test_a_build_without_a_hash_of_its_own_takes_hashlib_s(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, name, None)

    assert own_sha256() is hashlib.sha256


def test_without_cpython_s_own_hash_hashlib_s_is_taken() -> None:
    program = """
import sys
sys.modules["_sha2"] = sys.modules["_sha256"] = None
from splitrun.assign.slots import sha256, slot
import hashlib
assert sha256 is hashlib.sha256
print(slot("s", "u"))
"""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert int(said) == slot("s", "u")
