"""Wishes of people over HTTP: heeded by every process within a second, and not a byte is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from splitrun.conduct.people.forgetting import Why, forget
from splitrun.conduct.people.opting import opt_out
from splitrun.conduct.serving.access import make_access_key
from splitrun.sdk.event import Unit
from tests.conduct.people.shop import found, ids
from tests.sdk.shop import eventually
from tests.serve.live import Running, Served, begun, here, live

FLAGS = "/ofrep/v1/evaluate/flags"
TYPE = "user"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return begun(tmp_path)


@pytest.fixture
def served(shop: Path) -> Iterator[Served]:
    with here(shop, ("web", "ingest")) as server:
        yield server


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def event(number: int, unit: str) -> dict[str, object]:
    return {
        "type": "event", "id": f"{'d' * 16}{number:016x}", "time": now(),
        "unit": {"type": TYPE, "id": unit}, "name": "purchase",
    }  # fmt: skip


def batch(*events: dict[str, object]) -> dict[str, object]:
    return {"sent_at": now(), "sdk": "test/1", "events": list(events)}


def asking(unit: str, **more: str) -> dict[str, object]:
    return {"context": {"targetingKey": unit, "country": "DE", **more}}


@pytest.mark.requirement("R79")
def test_who_opts_out_gets_the_default_and_nothing_is_logged(served: Served, shop: Path) -> None:
    key = make_access_key("settings page", ["people"], shop).secret
    unit = next(
        f"canary-{n}"
        for n in range(99)
        if served.post(f"{FLAGS}/checkout", asking(f"canary-{n}")).json()["reason"] == "SPLIT"
    )
    held = {"Authorization": f"Bearer {key}"}
    assert eventually(lambda: served.post("/v1/opt-outs", {"unit": unit}, **held).status == 200)
    begun_at = time.monotonic()
    bulk = served.post(FLAGS, asking(unit))

    assert eventually(
        lambda: served.post(f"{FLAGS}/checkout", asking(unit)).json()["metadata"]["detail"] == "opted_out"
    )
    assert time.monotonic() - begun_at < 1
    told = served.post(f"{FLAGS}/checkout", asking(unit)).json()
    assert "experiment" not in told["metadata"]
    after = served.post(FLAGS, asking(unit), If_None_Match=bulk.headers["ETag"])
    assert after.status == 200 or after.headers["ETag"] == bulk.headers["ETag"]
    answer = served.post("/v1/events", batch(event(1, unit), event(2, "other")))
    assert json.loads(answer.data) == {"accepted": 2, "rejected": []}
    back = served.post("/v1/opt-outs", {"unit": unit, "undo": True}, **held).json()
    assert back == {"form": "splitrun.opted/1", "units": 1, "changed": 1, "state": "in"}
    assert eventually(lambda: served.post(f"{FLAGS}/checkout", asking(unit)).json()["reason"] == "SPLIT")
    assert found(shop, [unit], keys=[]) == []


def test_keys_of_other_scopes_opt_nobody_out(served: Served) -> None:
    assert served.post("/v1/opt-outs", {"unit": "ada"}).status == 403
    assert served.post("/v1/opt-outs", {"unit": "ada"}, Authorization="Bearer nobody").status == 401


@pytest.mark.requirement("R78", "R79")
def test_an_opted_out_unit_leaves_no_byte_and_every_process_heeds_it_within_a_second(shop: Path) -> None:
    with live(shop, "--only", "ingest") as taking, live(shop, "--only", "worker", key=taking.key):
        opted(shop, taking)
        assert eventually(lambda: "d" * 16 + f"{99:016x}" in kept(shop), 20)
        opt_out([Unit(TYPE, "canary-opted")], shop)
        time.sleep(1)
        # sent by a client that was not told
        assert taking.post("/v1/events", batch(event(7, "canary-opted"), event(8, "third"))).status == 202
        assert eventually(lambda: "d" * 16 + f"{8:016x}" in kept(shop), 20)
        forget([Unit(TYPE, "canary-gone")], shop, Why("request 7"))
        assert taking.post("/v1/events", batch(event(9, "canary-gone"), event(10, "third"))).status == 202
        assert eventually(lambda: "d" * 16 + f"{10:016x}" in kept(shop), 20)

    assert {"d" * 16 + f"{number:016x}" for number in (1, 99, 8, 10)} <= set(kept(shop))
    assert not {"d" * 16 + f"{number:016x}" for number in (2, 7, 9)} & set(kept(shop))
    assert found(shop, ["canary-opted", "canary-gone"], keys=[]) == []


def opted(shop: Path, taking: Running) -> None:
    """One of whom there were rows before, and one who opts out before the first."""
    opt_out([Unit(TYPE, "canary-opted")], shop)
    time.sleep(1)
    body = batch(event(1, "first"), event(2, "canary-opted"), event(3, "canary-gone"), event(99, "last"))
    assert json.loads(taking.post("/v1/events", body).data)["accepted"] == 4


def kept(shop: Path) -> list[str]:
    try:
        return ids(shop)
    except Exception:  # noqa: BLE001  # there is no table yet, or a file of it is just being exchanged
        return []
