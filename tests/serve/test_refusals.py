"""What the server answers where it cannot: nothing to serve, bodies that do not come."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from splitrun.conduct.serving.access import access_of, make_access_key
from splitrun.serve import ofrep
from splitrun.serve.app import application
from splitrun.serve.running import assembled
from splitrun.store.access.keys import Scope
from tests.conduct.lifecycle.shop import edited, laid
from tests.serve.live import Served

FLAGS = "/ofrep/v1/evaluate/flags"
ASKED = {"context": {"targetingKey": "u1", "country": "DE"}}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A project of which nothing was ever applied."""
    laid(tmp_path)
    return tmp_path


def asking(root: Path, *scopes: str, environment: str | None = None) -> dict[str, str]:
    made = make_access_key("all", scopes or ("admin",), root, environment=environment)
    return {"Authorization": f"Bearer {made.secret}"}


def test_flags_of_the_files_are_served_where_nothing_was_published(bare: Path) -> None:
    headers = asking(bare)
    with TestClient(application(assembled(bare, ("web",)))) as client:
        found = client.post(f"{FLAGS}/checkout", json=ASKED, headers=headers).json()

    assert (found["value"], found["variant"]) == ("three", "three")
    assert "experiment" not in found["metadata"]


def test_files_with_mistakes_leave_nothing_to_serve_and_say_why(bare: Path) -> None:
    edited(bare, "default: three", "default: four", "flags/shop.yaml")
    headers = asking(bare)

    with TestClient(application(assembled(bare, ("web",)))) as client:
        ready = client.get("/readyz")
        rules, one, every = (
            client.get("/v1/ruleset", headers=headers),
            client.post(f"{FLAGS}/checkout", json=ASKED, headers=headers),
            client.post(FLAGS, json=ASKED, headers=headers),
        )

    assert ready.status_code == 503
    assert "the files have mistakes" in ready.json()["faults"]["rulesets"]
    for answer in (rules, one, every):
        assert (answer.status_code, answer.json()["error"]) == (503, "no_ruleset")
        assert int(answer.headers["retry-after"]) > 0


def test_a_key_of_an_environment_that_is_gone_is_told(bare: Path) -> None:
    made = access_of(bare).new("old", (Scope.SDK,), "shop", "attic", "2026-01-01T00:00:00Z")

    with TestClient(application(assembled(bare, ("web",)))) as client:
        told = client.get("/v1/ruleset", headers={"Authorization": f"Bearer {made.secret}"})

    assert (told.status_code, told.json()["error"]) == (503, "no_ruleset")
    assert "environment is gone" in told.json()["says"]


def test_a_context_that_is_no_json_by_its_own_word_is_told(served: Served) -> None:
    told = served.post(f"{FLAGS}/checkout", ASKED, **{"Content-Type": "text/plain"})

    assert (told.status, told.json()["errorCode"]) == (400, "PARSE_ERROR")


def test_a_context_that_does_not_come_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ofrep, "PATIENCE", 0.05)
    where = urlsplit(served.url)
    head = (
        f"POST {FLAGS}/checkout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {served.key}\r\nContent-Length: 50\r\n\r\n{{"
    )
    with closing(socket.create_connection((str(where.hostname), where.port or 80), timeout=30)) as wire:
        wire.sendall(head.encode())
        told = wire.recv(65_536)

    assert told.startswith(b"HTTP/1.1 400")
    assert b"did not come in time" in told


def test_answers_are_the_same_when_those_that_were_kept_are_let_go(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [one["value"] for one in served.post(FLAGS, ASKED).json()["flags"]]

    monkeypatch.setattr(ofrep, "MANY", 1)

    for _ in range(3):
        assert [one["value"] for one in served.post(FLAGS, ASKED).json()["flags"]] == before
