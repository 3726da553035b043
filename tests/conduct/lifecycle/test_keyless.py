"""Without the key that the registry announced nothing is written, and none is made in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.applying import apply
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.registry.keys import make_key
from splitrun.conduct.registry.log import log, verify_log
from splitrun.errors import StoreError
from splitrun.govern.lifecycle.table import Verb
from splitrun.store.chain.ring import KeyFiles
from tests.conduct.lifecycle.shop import KEY, asked, edited


@pytest.mark.requirement("R77")
def test_no_verb_writes_while_the_keys_are_away(anywhere: Path) -> None:
    register(KEY, asked(anywhere))
    move(Verb.START, KEY, asked(anywhere))
    before, keys = log(anywhere), anywhere / "state" / "keys"
    keys.rename(anywhere / "away")
    edited(anywhere, "title: A checkout on one page", "title: One page")

    with pytest.raises(StoreError, match="nothing is written; put the key files back"):
        move(Verb.STOP, KEY, asked(anywhere))
    with pytest.raises(StoreError, match="nothing is written; put the key files back"):
        apply(anywhere, lambda _: None, lambda: True)

    assert not keys.exists()
    (anywhere / "away").rename(keys)
    assert log(anywhere) == before
    assert verify_log(anywhere).fine
    assert move(Verb.STOP, KEY, asked(anywhere)).state == "stopped"


def test_no_key_is_made_in_the_place_of_those_that_are_away(anywhere: Path) -> None:
    keys = anywhere / "state" / "keys"
    keys.rename(anywhere / "away")

    with pytest.raises(StoreError, match="nothing is written; put the key files back"):
        make_key("first", anywhere, "lost")

    assert not keys.exists()


def test_a_key_made_elsewhere_under_the_old_name_is_not_taken_for_it(anywhere: Path) -> None:
    (anywhere / "state" / "keys").rename(anywhere / "away")
    KeyFiles(anywhere / "state" / "keys").new("first", Desk().now())

    with pytest.raises(StoreError, match=r"not the one that the audit chain knows|believed"):
        register(KEY, asked(anywhere))
