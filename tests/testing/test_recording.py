from __future__ import annotations

from pathlib import Path

import pytest

import splitrun.testing
from splitrun.testing import RecordingClient
from tests.sdk.shop import document, shop
from tests.sdk.test_client import ONE_PAGE


def test_what_is_recorded_can_be_looked_at() -> None:
    client = RecordingClient(document())

    client.variant("checkout", ONE_PAGE)
    client.track("purchase", ONE_PAGE, 12.5, currency="EUR")
    client.alias("anonymous", ONE_PAGE)

    (exposure,), (event,), (alias,) = client.exposures, client.events, client.aliases
    assert exposure.variant == "one-page"
    assert (event.name, event.value, event.properties) == ("purchase", 12.5, {"currency": "EUR"})
    assert (alias.was.id, alias.unit.id) == ("anonymous", ONE_PAGE)


def test_records_can_be_forgotten() -> None:
    client = RecordingClient(shop())
    client.track("purchase", ONE_PAGE)

    client.forget()

    assert client.events == []


def test_a_recording_client_reads_a_file_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "ruleset.json").write_bytes(document())

    client = RecordingClient(file=tmp_path / "ruleset.json")

    assert client.variant("checkout", ONE_PAGE) == "one-page"


def test_the_room_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        splitrun.testing.nonsense  # noqa: B018 - asking is the point
