"""A server as `splitrun serve` runs it: real HTTP, the real client, a real registry, spool and lake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow.parquet import read_table
from starlette.testclient import TestClient

from splitrun import Client
from splitrun.assign.transmission import opened
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.registry.place import home
from splitrun.conduct.serving.access import make_access_key, revoke_access_key
from splitrun.errors import SpecError, StoreError
from splitrun.govern.lifecycle.table import Verb
from splitrun.serve.app import application, endpoints
from splitrun.serve.running import assembled, serving
from splitrun.store.lake.reading import snapshot
from splitrun.store.lake.tables import Table
from tests.conduct.lifecycle.shop import KEY, asked
from tests.sdk.shop import eventually
from tests.serve.live import Running, Served, here

OPEN = {("GET", "/livez"), ("GET", "/readyz")}


@pytest.mark.requirement("R19", "R21")
def test_what_the_client_sends_over_http_lies_in_the_lake_when_the_server_has_ended(
    shop: Path, running: Running
) -> None:
    client = Client(url=running.url, key=running.key, wait=10.0)
    for number in range(200):
        client.variant("checkout", f"u{number}", near=True)
        client.track("purchase", f"u{number}", value=number)
    assert client.flush(20.0)
    made = client.statistics.made
    client.close()

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(30) == 0

    lake = shop / "state" / "lake" / "shop" / "production"
    tables = (Table.EXPOSURES, Table.EVENTS)
    assert sum(read_table(file).num_rows for table in tables for file in snapshot(lake, table).files) == made


def test_a_ruleset_is_served_to_the_byte_and_only_once_to_who_has_it(market: Path, served: Served) -> None:
    first = served.get("/v1/ruleset")
    with home(market).registry() as registry:
        kept = registry.ruleset("shop", "production")

    assert kept is not None
    assert first.data == kept.document
    assert served.get("/v1/ruleset", **{"Accept-Encoding": "gzip"}).data == kept.document
    again = served.get("/v1/ruleset", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.data) == (304, b"")


def test_clients_hear_of_a_newer_ruleset(shop: Path) -> None:
    with here(shop, ("web",)) as server:
        client = Client(url=server.url, key=server.key, wait=10.0, push=True)
        before = opened(server.get("/v1/ruleset").data).version

        move(Verb.PAUSE, KEY, asked(shop))

        assert eventually(lambda: client.explain("checkout", "u1").evaluation.ruleset > before)
        client.close()


@pytest.mark.parametrize("path", ["/v1/ruleset", "/v1/ruleset/stream"])
def test_a_route_asks_for_its_scope(market: Path, served: Served, path: str) -> None:
    other = make_access_key("intake alone", ["ingest"], market).secret

    assert served.get(path, Authorization="").status == 401
    assert served.get(path, Authorization="Bearer sr_0_0").status == 401
    assert eventually(lambda: served.get(path, Authorization=f"Bearer {other}").status == 403)


def test_a_revoked_key_is_refused_within_a_second(shop: Path, running: Running) -> None:
    assert running.get("/v1/ruleset").status == 200

    revoke_access_key("first", shop, "it leaked")

    assert eventually(lambda: running.get("/v1/ruleset").status == 401)
    with home(shop).registry() as registry:
        said = [(one.verb, one.reason) for one in registry.entries()]
    assert said[-1] == ("revoke-api-key", "it leaked")


def test_only_what_says_so_is_open_and_all_of_it_is_documented(served: Served) -> None:
    assert {(one.method, one.path) for one in endpoints() if one.scope is None} == OPEN
    paths = served.get("/openapi.json").json()["paths"]
    assert {(one.method, one.path) for one in endpoints()} == {
        (method.upper(), path) for path, operations in paths.items() for method in operations
    }
    assert served.get("/readyz", Authorization="").json() == {"ready": True, "faults": {}}


def test_a_port_that_is_taken_and_a_mode_that_is_none_are_told(market: Path, served: Served) -> None:
    port = int(served.url.rpartition(":")[2])

    with pytest.raises(StoreError, match="cannot be listened at"):
        serving(assembled(market, ("web",)), "127.0.0.1", port, lambda _: None)
    with pytest.raises(SpecError, match="there is no mode 'all'"):
        assembled(market, ("all",))


@pytest.mark.usefixtures("running")
def test_a_second_process_that_takes_events_is_refused(shop: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "splitrun",
        "serve",
        "--port",
        "0",
        "--only",
        "ingest",
        "--folder",
        str(shop),
    ]

    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=os.environ, check=False)

    assert done.returncode != 0
    assert "another process takes events" in done.stderr


@pytest.mark.parametrize("mode", ["web", "ingest", "worker"])
def test_every_mode_can_be_asked_whether_it_lives(shop: Path, mode: str) -> None:
    with TestClient(application(assembled(shop, (mode,)))) as client:
        assert client.get("/livez").json() == {"live": True}
        assert set(client.get("/readyz").json()) == {"ready", "faults"}
        assert client.post("/v1/events").status_code == (401 if mode == "ingest" else 404)
