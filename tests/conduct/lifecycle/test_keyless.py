"""Without the key that the registry announced nothing is written, and none is made in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.definitions.applying import apply
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.registry.keys import make_key
from splitrun.conduct.registry.log import log, verify_log
from splitrun.errors import StoreError
from splitrun.govern.lifecycle.table import Verb
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


def test_a_key_made_anew_under_the_old_name_is_not_taken_for_it(anywhere: Path) -> None:
    (anywhere / "state" / "keys").rename(anywhere / "away")

    with pytest.raises(StoreError, match="'first' at hand is not the one that the audit chain knows"):
        make_key("first", anywhere, "lost")
    with pytest.raises(StoreError, match="is not the one that the audit chain knows"):
        register(KEY, asked(anywhere))
