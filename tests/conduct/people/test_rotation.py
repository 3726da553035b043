"""A key is rotated while a server runs: what is dealt and what is measured is as if it had not been."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from msgspec.json import encode

from splitrun.conduct.analyze import analyze
from splitrun.conduct.collecting.assembled import spool_of
from splitrun.sdk.client import Client
from splitrun.sdk.event import Batch
from splitrun.store.spool.file import SpoolFile
from tests.conduct.people import test_epochs as worlds
from tests.conduct.reading.checkouts import FIRST
from tests.faults.process import Process, new_key
from tests.sdk.shop import eventually, shop

FLAG = "checkout"
NOW = datetime.now(UTC)
SHIFT = NOW - FIRST - timedelta(days=20)
"""The same history, so late that a server takes it."""


def moved(sent: list[tuple[datetime, Any]]) -> list[tuple[datetime, Any]]:
    from msgspec.structs import replace  # noqa: PLC0415 - only here

    return [(at + SHIFT, replace(one, time=(at + SHIFT).strftime(worlds.FORM))) for at, one in sent]


def post(server: Process, key: str, sent: list[tuple[datetime, Any]]) -> None:
    """Send events, now, as a client does that kept them."""
    for first in range(0, len(sent), 100):
        now = datetime.now(UTC).strftime(worlds.FORM)
        body = encode(Batch(now, "test/1", [one for _, one in sent[first : first + 100]]))
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{server.port}/v1/events"
        assert urllib3.request("POST", url, body=body, headers=headers, retries=False).status == 202


def emptied(spool: SpoolFile) -> bool:
    return spool.waiting() == 0


def lived(root: Path, *, rotates: bool) -> Path:
    """Let a server take a whole history in, with or without a rotation in its middle."""
    file = worlds.world(root)
    key, sent = new_key(root), moved(worlds.history(worlds.WHOLE))
    half = len(sent) // 2
    with Process(root) as server:
        post(server, key, sent[:half])
        assert eventually(lambda: emptied(spool_of(root)), 60)
        if rotates:
            words = [
                "keys",
                "rotate-pseudonyms",
                "--reason",
                "a year is over",
                "--lead",
                "0",
                "--folder",
                str(root),
            ]
            subprocess.run([sys.executable, "-m", "splitrun", *words], check=True, capture_output=True)
        post(server, key, sent[half:])
        assert server.end()
    return file


@pytest.mark.requirement("R75")
def test_a_rotation_under_a_running_server_changes_no_value(tmp_path: Path) -> None:
    still = lived(tmp_path / "still", rotates=False)
    turned = lived(tmp_path / "turned", rotates=True)

    values = [worlds.values(analyze(file, as_of=NOW)) for file in (still, turned)]

    assert {row["epoch"] for row in worlds.rows(tmp_path / "still", "exposures")} == {1}
    assert {row["epoch"] for row in worlds.rows(tmp_path / "turned", "exposures")} == {1, 2}
    assert values[0] == values[1]
    assert [count["exposed"] for count in values[1]["units"]] == [200, 200]


@pytest.mark.requirement("R75")
def test_a_rotation_moves_no_unit(tmp_path: Path) -> None:
    worlds.world(tmp_path)

    def dealt() -> list[object]:
        with Client(ruleset=shop()) as client:
            return [client.variant(FLAG, f"u{number}", expose=False) for number in range(2_000)]

    before = dealt()
    worlds.rotated(tmp_path)

    assert dealt() == before
    assert len(set(before)) > 1
