from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from splitrun.conduct.collecting.assembled import committer_of, lake_of
from splitrun.conduct.collecting.retention import keeps, proof
from splitrun.conduct.collecting.upkeep import Schedule, turn_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import home
from splitrun.conduct.serving.access import make_access_key
from splitrun.conduct.workspace import workspace
from splitrun.spec.project import Project
from splitrun.store.lake.tables import Table
from tests.conduct.collecting.sending import TIME, event, put, send

SETTINGS = "project: shop\nprivacy: {retention: {events: 2w, exposures: 13mo}}\n"
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=15)


def settings(text: str) -> Project:
    return Project.model_validate({"project": "shop", "privacy": {"retention": json.loads(text)}})


@pytest.mark.requirement("R78")
def test_each_class_is_kept_as_long_as_the_settings_say(tmp_path: Path) -> None:
    both = keeps(settings('{"events": "13mo", "exposures": "2y"}'))
    one = keeps(settings('{"events": "10d"}'))

    # a month has 30 days and a year 365, as docs/policy.md says
    assert both == {
        ("shop", Table.EVENTS): 390,
        ("shop", Table.EXPOSURES): 730,
        ("shop", Table.ALIASES): 730,
        ("shop", Table.HEARTBEATS): 730,
    }
    assert one == {("shop", Table.EVENTS): 10}
    assert keeps(None) == {}
    assert tmp_path.is_dir()


def filled(root: Path) -> None:
    (root / "splitrun.yaml").write_text(SETTINGS)
    one = committer_of(root)
    at = round(OLD.timestamp() * 1e9)
    put(
        one,
        send(
            [event(1, time=OLD.isoformat()), event(2, time=OLD.isoformat())], at=at, sent_at=OLD.isoformat()
        ),
    )
    put(one, send([event(3)], at=round(NOW.timestamp() * 1e9), sent_at=TIME))
    one.flush()


@pytest.mark.requirement("R78")
def test_days_that_go_are_named_in_the_chain_with_their_rows_and_files(tmp_path: Path) -> None:
    filled(tmp_path)
    make_access_key("first", ("sdk",), tmp_path)  # so that there is a registry
    project = workspace(tmp_path, ("splitrun.yaml",)).says.project
    schedule = Schedule(keeps=keeps(project), hours=0)
    lake = lake_of(tmp_path)
    day = f"date={OLD.date().isoformat()}"
    (file,) = (tmp_path / "state" / "lake" / "shop" / "production" / "events" / day).glob("*.parquet")
    body = file.read_bytes()

    done = turn_of(lake, tmp_path / "state", schedule, proof(tmp_path, project, Desk()))()

    assert done is not None
    assert (done.dropped, done.removed) == (1, 1)
    with home(tmp_path).registry() as registry:
        (entry,) = [one for one in registry.entries(project="shop") if one.verb == "drop"]
    said = json.loads(entry.content)
    assert (entry.subject, entry.environment, entry.actor) == ("lake/events", "production", "splitrun")
    assert entry.reason == "privacy.retention: events 2w, exposures 13mo"
    assert said["rows"] == 2
    assert [(one["day"], one["rows"]) for one in said["days"]] == [(OLD.date().isoformat(), 2)]
    assert sha256(body).hexdigest() in said["days"][0]["files"][0]
    assert not file.exists()


def test_a_project_without_a_registry_lets_days_go_all_the_same(tmp_path: Path) -> None:
    filled(tmp_path)
    project = workspace(tmp_path, ("splitrun.yaml",)).says.project

    done = turn_of(
        lake_of(tmp_path), tmp_path / "state", Schedule(keeps=keeps(project)), proof(tmp_path, project)
    )()

    assert done is not None
    assert done.dropped == 1
    assert not home(tmp_path).there
