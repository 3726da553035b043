"""The server's own OpenAPI document under schemathesis: no fault of it, no answer that it does not name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.openapi import from_url
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from splitrun.conduct.serving.access import make_access_key
from splitrun.serve.app import endpoints
from splitrun.store.access.keys import Scope
from tests.sdk.shop import eventually
from tests.serve.live import Served

OPEN = {("GET", "/livez"), ("GET", "/readyz")}
# the right key is sent besides the ones that are made up, which go into the other header
OTHER = [ignored_auth]
# no schema tells which experiments and types of units there are, nor what protobuf is
BEYOND_SCHEMA = {
    path: [positive_data_acceptance] for path in ("/v1/apply", "/v1/opt-outs", "/v1/logs", "/v1/traces")
}
ENDLESS = "/v1/ruleset/stream"


@pytest.fixture(scope="module")
def key(market: Path, served: Served) -> str:
    made = make_access_key("all", ["admin"], market).secret
    assert eventually(lambda: served.get("/metrics", Authorization=f"Bearer {made}").status == 200)
    return made


ROUTES = sorted((one.method, one.path) for one in endpoints() if one.path != ENDLESS)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_request_is_a_fault_of_the_server(served: Served, key: str, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    document = from_url(f"{served.url}/openapi.json")

    @given(case=document[path][method].as_strategy())
    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def holds(case: Case[Any]) -> None:
        case.headers.pop("Content-Encoding", None)  # the bodies that are drawn are not packed
        case.call_and_validate(headers=headers, excluded_checks=[*OTHER, *BEYOND_SCHEMA.get(path, [])])

    holds()


def test_no_route_is_open_by_accident() -> None:
    found = {(one.method, one.path): one.scope for one in endpoints()}

    assert {route for route, scope in found.items() if scope is None} == OPEN
    assert {scope for scope in found.values() if scope} <= set(Scope)
    assert len(found) == len(endpoints())
