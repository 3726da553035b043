"""The published document of OFREP under schemathesis: what it asks is taken, what it forbids is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from ruamel.yaml import YAML
from schemathesis import Case
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi.checks import ignored_auth

from tests.serve.live import Served

DOCUMENT = Path(__file__).parent / "openapi.yaml"
# the right key is sent besides the ones that are made up, which go into the other header
OTHER = [ignored_auth]
SINGLE, BULK = "/ofrep/v1/evaluate/flags/{key}", "/ofrep/v1/evaluate/flags"


def told() -> dict[str, object]:
    """Read the document.

    Its answers could never hold: under `oneOf` a value matches its own type and also `codeDefaultFlag`, which
    every object matches, a whole number `floatFlag` besides, and every failure a success. They are held as
    `anyOf`.
    """
    text = DOCUMENT.read_text()
    for name in ("booleanFlag", "evaluationSuccess"):
        for deep in range(20):
            inner = f'{" " * deep}- $ref: "#/components/schemas/{name}"'
            text = text.replace(f"oneOf:\n{inner}", f"anyOf:\n{inner}")
    found: dict[str, object] = YAML(typ="safe", pure=True).load(text)
    return found


@pytest.mark.parametrize("path", [SINGLE, BULK])
def test_the_document_of_the_protocol_holds(served: Served, path: str) -> None:
    headers = {"Authorization": f"Bearer {served.key}"}

    @given(case=from_dict(told())[path]["POST"].as_strategy())
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def holds(case: Case[Any]) -> None:
        case.call_and_validate(base_url=served.url, headers=headers, excluded_checks=OTHER)

    holds()


def test_every_flag_there_is_is_answered_as_the_document_has_it(served: Served) -> None:
    headers = {"Authorization": f"Bearer {served.key}"}
    operation = from_dict(told())[SINGLE]["POST"]

    for flag in ("checkout", "search", "limit", "theme", "nix"):
        case = operation.Case(
            path_parameters={"key": flag},
            body={"context": {"targetingKey": "u1", "country": "DE"}},
            media_type="application/json",
        )
        answer = case.call_and_validate(base_url=served.url, headers=headers, excluded_checks=OTHER)
        assert answer.status_code == (404 if flag == "nix" else 200)
