"""The verbs over HTTP: the command line's forms, the key as the actor, errors that say what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from splitrun.conduct.registry.log import log
from splitrun.conduct.serving.access import make_access_key
from splitrun.errors import SplitrunError
from splitrun.serve.api import definitions, experiments, records
from splitrun.serve.api.answering import STATUS
from splitrun.serve.app import application
from splitrun.serve.running import assembled
from splitrun.store.access.keys import Scope
from tests.conduct.lifecycle.shop import KEY, applied, edited, exposed, laid
from tests.sdk.shop import eventually

ONE = f"/v1/experiments/{KEY}"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    laid(tmp_path)
    edited(
        tmp_path,
        "exposures: {csv: exposures.csv, unit: user_id, variant: variant, time: at, pre_exposure: [country]}",
        "reviewers: [bob]",
    )
    applied(tmp_path)
    return tmp_path


@pytest.fixture
def api(shop: Path) -> Iterator[TestClient]:
    key = make_access_key("console", ["admin"], shop).secret
    with TestClient(application(assembled(shop, ("web",)))) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def at_the_terminal(shop: Path, *words: str) -> dict[str, object]:
    """What the command line answers."""
    run = [sys.executable, "-m", "splitrun", *words, "--folder", str(shop), "--json"]
    found: dict[str, object] = json.loads(subprocess.run(run, capture_output=True, check=False).stdout)
    return found


@pytest.mark.requirement("R57")
def test_a_life_is_led_over_http_and_the_chain_names_the_key(api: TestClient, shop: Path) -> None:
    digest = api.post(f"{ONE}/register", json={"reason": "ready"}).json()["plan"]
    steps = [
        api.post(f"{ONE}/{verb}", json={"reason": f"to {verb}"})
        for verb in ("start", "pause", "resume", "observe", "stop")
    ]
    signed = api.post(f"{ONE}/sign-off", json={"reason": "read", "digest": digest})

    assert [one.json()["state"] for one in steps] == ["running", "paused", "running", "observing", "stopped"]
    assert {one.json()["form"] for one in steps} == {"splitrun.step/1"}
    assert signed.status_code in {200, 409}
    said = [(one.actor, one.reason) for one in log(shop).entries if one.verb == "pause"]
    assert said == [("api-key/console", "to pause")]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/experiments", ("status",)),
        (ONE, ("status", KEY)),
        ("/v1/diff", ("diff",)),
        ("/v1/audit/verify", ("audit", "verify")),
        ("/v1/audit/log?since=1&limit=3", ("audit", "log", "--since", "1", "--limit", "3")),
        ("/v1/keys", ("keys", "list")),
        ("/v1/data-map", ("data-map",)),
        ("/v1/record-of-processing", ("data-map", "--record")),
        ("/v1/api-keys", ("api-keys", "list")),
    ],
)
def test_what_is_read_is_what_the_command_line_tells(
    api: TestClient, shop: Path, path: str, words: tuple[str, ...]
) -> None:
    assert api.get(path).json() == at_the_terminal(shop, *words)


def test_the_proof_of_the_retention_is_read_over_http(api: TestClient) -> None:
    told = api.get("/v1/retention").json()

    assert (told["form"], told["fine"]) == ("splitrun.retention/1", True)


def test_files_are_checked_compared_and_applied(api: TestClient, shop: Path) -> None:
    edited(shop, "title: A checkout on one page", "title: One page")

    assert api.get("/v1/lint").json()["mistakes"] == []
    before = api.get("/v1/diff").json()
    done = api.post("/v1/apply", json={"reason": "a shorter title"}).json()

    assert done["form"] == "splitrun.applied/1"
    assert done["written"] == 1
    assert before != api.get("/v1/diff").json()
    assert api.post("/v1/apply", json={}).json()["written"] == 0


def test_the_plan_that_would_be_sealed_is_shown(api: TestClient) -> None:
    shown = api.get(f"{ONE}/plan").json()

    assert shown["form"] == "splitrun.plan-view/1"
    assert api.get("/v1/schema/experiment").json()["title"]


@pytest.mark.requirement("R07")
def test_a_readout_over_http_records_its_look(tmp_path: Path) -> None:
    laid(tmp_path)
    applied(tmp_path)
    key = make_access_key("console", ["admin"], tmp_path).secret
    with TestClient(application(assembled(tmp_path, ("web",)))) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        assert client.post(f"{ONE}/register", json={"reason": "ready"}).status_code == 200
        assert client.post(f"{ONE}/start", json={"reason": "go"}).status_code == 200
        exposed(tmp_path)

        found = client.post(f"{ONE}/readout", json={"reason": "weekly"})

    assert found.status_code == 200, found.text
    assert found.json()["experiment"] == KEY
    assert any(one.verb == "look" and one.actor == "api-key/console" for one in log(tmp_path).entries)


def test_keys_are_made_and_taken_away(api: TestClient, shop: Path) -> None:
    made = api.post("/v1/api-keys", json={"name": "pipeline", "scopes": ["read"]}).json()
    reader = {"Authorization": f"Bearer {made['key']}"}

    eventually(lambda: api.get("/v1/experiments", headers=reader).status_code == 200)
    assert api.post(f"{ONE}/start", json={"reason": "go"}, headers=reader).status_code == 403
    assert api.get("/v1/api-keys", headers=reader).status_code == 403
    assert api.post("/v1/api-keys/pipeline/revoke", json={"reason": "done"}).json()["revoked"]
    assert api.post("/v1/keys", json={"name": "second"}).json()["keys"][0]["announced"]
    assert api.post("/v1/keys/first/retire", json={"reason": "old"}).json()["keys"][0]["retired"]
    assert made["key"] not in (shop / "state" / "access.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "says"),
    [
        ("GET", "/v1/experiments/none", None, 404, "holds no experiment 'none'"),
        ("GET", "/v1/experiments/..%2F..%2Fetc", None, 404, "no such address"),
        ("POST", "/v1/experiments/none/start", {"reason": "go"}, 404, "holds no experiment"),
        ("POST", f"{ONE}/start", {"reason": "go"}, 409, "register"),
        ("POST", f"{ONE}/start", {}, 400, "missing required field `reason`"),
        ("POST", f"{ONE}/start", {"reason": "go", "actor": "eve"}, 400, "unknown field `actor`"),
        ("POST", f"{ONE}/start", {"reason": 5}, 400, "Expected `str`"),
        ("POST", f"{ONE}/start", {"reason": " "}, 409, "no reason is given"),
        ("POST", f"{ONE}/start", {"reason": "a\x00b"}, 400, "matching regex"),
        ("POST", "/v1/api-keys", {"name": "a\x00b", "scopes": ["read"]}, 400, "matching regex"),
        ("GET", "/v1/experiments/one%00page", None, 404, "holds no experiment"),
        ("POST", f"{ONE}/register", {"reason": "x" * 70_000}, 413, "65,536 bytes"),
        ("POST", "/v1/api-keys", {"name": "a", "scopes": ["root"]}, 400, "root"),
        ("POST", "/v1/keys/none/retire", {"reason": "old"}, 404, "no key 'none'"),
        ("POST", "/v1/api-keys/none/revoke", {"reason": "old"}, 404, "no API key 'none'"),
        ("GET", "/v1/audit/log?limit=0", None, 400, "limit is '0'"),
        ("GET", "/v1/audit/log?limt=5", None, 400, "limit"),
        ("GET", "/v1/audit/log?limit=5&limit=6", None, 400, "stands twice"),
        ("GET", "/v1/schema/novel", None, 404, "no schema 'novel'"),
    ],
)
@pytest.mark.requirement("R62")
def test_what_cannot_be_done_is_refused_with_what_to_do(
    api: TestClient, method: str, path: str, sent: dict[str, object] | None, status: int, says: str
) -> None:
    found = api.request(method, path, json=sent)

    assert (found.status_code, says in found.text) == (status, True), found.text
    assert found.json()["form"] == "splitrun.error/1"


def test_refusals_name_fields_where_the_command_line_has_options(tmp_path: Path) -> None:
    laid(tmp_path)
    applied(tmp_path)
    exposed(tmp_path)
    key = make_access_key("console", ["admin"], tmp_path).secret
    with TestClient(application(assembled(tmp_path, ("web",)))) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        late = client.post(f"{ONE}/register", json={"reason": "ready"})
        sealed = client.post(f"{ONE}/register", json={"reason": "ready", "late": "it was forgotten"})
        blank = client.post(f"{ONE}/readout", json={"reason": " "})
        before = client.post(f"{ONE}/readout", json={"reason": "weekly"})

    assert (late.status_code, sealed.status_code) == (409, 200)
    assert "say why it is late with `late`, which every readout" in late.json()["mistakes"][0]["next"]
    assert [(one["path"], one["says"]) for one in blank.json()["mistakes"]] == [
        ("reason", "no reason is given")
    ]
    assert "`splitrun start one-page --reason TEXT`" in before.text  # what is for the command line stays


def test_whether_an_experiment_is_there_needs_no_definition_to_be_read(tmp_path: Path) -> None:
    laid(tmp_path)
    key = make_access_key("console", ["admin"], tmp_path).secret  # nothing was applied, so there is none
    with TestClient(application(assembled(tmp_path, ("web",)))) as client:
        found = client.get(ONE, headers={"Authorization": f"Bearer {key}"})

    assert (found.status_code, "see GET /v1/experiments" in found.text) == (404, True)


def test_a_body_must_be_json(api: TestClient) -> None:
    assert api.post(f"{ONE}/start", content=b"reason=go").status_code == 415
    sent = {"Content-Type": "application/json"}
    assert api.post(f"{ONE}/start", content=b"{", headers=sent).status_code == 400
    assert api.post(f"{ONE}/start", content=b"[" * 60_000, headers=sent).status_code == 400
    assert api.post(f"{ONE}/start", content=b'"\xff"', headers=sent).status_code == 400


def test_a_registry_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    laid(tmp_path)
    key = make_access_key("console", ["admin"], tmp_path).secret
    (tmp_path / "state" / "registry.db").unlink()
    with TestClient(application(assembled(tmp_path, ("web",)))) as client:
        found = client.get("/v1/experiments", headers={"Authorization": f"Bearer {key}"})

    assert found.status_code == 503
    assert int(found.headers["Retry-After"]) > 0


def test_every_error_of_ours_has_a_status() -> None:
    known = {one for one in SplitrunError.__subclasses__() if one.__module__ == "splitrun.errors"}

    assert known == set(STATUS)


def test_what_changes_something_asks_for_the_scope_admin() -> None:
    declared = (*experiments.ENDPOINTS, *definitions.ENDPOINTS, *records.ENDPOINTS)

    assert {one.scope for one in declared if one.method == "POST"} == {Scope.ADMIN}
    assert {one.method for one in declared if one.scope is Scope.READ} == {"GET"}
