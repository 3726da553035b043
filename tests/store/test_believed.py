"""Entries are believed once the whole chain was followed; nothing is built on one that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from splitrun.errors import StoreError
from splitrun.store.canonical import canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change
from tests.store import tampers
from tests.store.places import NOON, Place, fill

SUBJECT = "experiment/m3"


def looked(place: Place) -> None:
    """Fill a registry, with a look in the middle of its chain."""
    with closing(place.registry()) as registry:
        fill(registry, 3)
        said = Remark("look", SUBJECT, None, "shop", "production", canonical({"readout": "sha256:1"}))
        registry.commit(Change(NOON, "ann", (said,)))
        fill(registry, 3, 4)


def edited(log: tampers.Log) -> None:
    one = next(row for row in log.chain if row["verb"] == "look")
    one["content"] = canonical({"readout": "sha256:2"})


def copied(log: tampers.Log) -> None:
    one = next(row for row in log.chain if row["verb"] == "look")
    strange = {"hash": f"{one['hash']}x", "previous": f"{one['previous']}x"}
    log.chain.append(one | strange | {"number": int(str(log.chain[-1]["number"])) + 97})


def removed(log: tampers.Log) -> None:
    log.chain.remove(next(row for row in log.chain if row["verb"] == "look"))


@pytest.mark.requirement("R77")
@pytest.mark.parametrize("tamper", [edited, copied, removed])
def test_a_look_of_a_chain_that_was_changed_is_not_believed(
    place: Place, tamper: Callable[[tampers.Log], None]
) -> None:
    looked(place)
    with closing(place.registry()) as registry:
        assert [one.verb for one in registry.believed("shop", SUBJECT)][-1:] == ["look"]
    log = tampers.read(place.database(), place.sealing().witness.read())
    tamper(log)
    tampers.write(place.database(), log)

    with closing(place.registry()) as registry, pytest.raises(StoreError, match="nothing that it tells"):
        registry.believed("shop", SUBJECT)


@pytest.mark.requirement("R77")
def test_nothing_is_added_after_entries_that_do_not_follow_what_the_head_knows(place: Place) -> None:
    looked(place)
    log = tampers.read(place.database(), place.sealing().witness.read())
    copied(log)
    tampers.write(place.database(), log)

    with closing(place.registry()) as registry, pytest.raises(StoreError, match="does not follow the others"):
        registry.commit(Change(NOON, "ann", (Remark("note", SUBJECT, "because", "shop"),)))
