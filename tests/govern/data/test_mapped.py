from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.begin import begin_project
from splitrun.conduct.data.mapping import data_map
from splitrun.conduct.demo.project import EXPERIMENT, FILES
from splitrun.conduct.lint import lint
from splitrun.errors import SpecError
from splitrun.report.data.forms import map_form, record_form
from splitrun.report.data.page import map_page, record_markdown

POLICY = "{holds: number, purpose: to add up sales, classification: internal, consumers: [shop]%s}"


def told(root: Path, settings: str) -> list[str]:
    (root / "splitrun.yaml").write_text(settings)
    try:
        lint([root])
    except SpecError as error:
        return str(error).splitlines()
    return []


@pytest.mark.requirement("R74")
def test_every_field_of_a_new_project_has_a_policy(tmp_path: Path) -> None:
    begin_project(tmp_path)

    found = data_map(tmp_path)

    # the stores as their own code makes them: a column that somebody adds without a policy is told here
    assert [(one.store, one.field) for one in found.gaps] == []
    stores = {one.store.partition("/")[0] for one in found.fields}
    beside = {"kills", "keys", "seen"}
    assert stores == {"lake", "spool", "registry", "access", "people", "log", "exports", *beside}
    lists = [
        None if one.policy is None else one.policy.classification
        for one in found.fields
        if one.store == "registry/documents" and one.field == "body"
    ]
    assert lists == ["personal"]  # salted hashes of ids of units stand there
    assert {one.retention for one in found.fields if one.store == "lake/events"} == {"13mo"}
    assert {one.retention for one in found.fields if one.store == "spool/letters"} == {"14d"}


@pytest.mark.requirement("R80")
def test_a_field_without_a_policy_fails_lint_with_its_name_and_a_remedy(tmp_path: Path) -> None:
    (said,) = told(tmp_path, "project: shop\nproperties: {amount: number}\n")

    assert "splitrun.yaml:2:" in said
    assert "'amount' is kept, and nothing says its purpose, classification, consumers" in said
    assert "(policy `data_policy`); write amount: {holds: number, purpose:" in said
    assert told(tmp_path, f"project: shop\nproperties: {{amount: {POLICY % ''}}}\n") == []


@pytest.mark.requirement("R80")
def test_the_rule_is_waived_with_a_reason_unless_it_binds(tmp_path: Path) -> None:
    settings = (
        "project: shop\nproperties: {amount: number}\nprivacy: {waivers: {data_policy: under review}}\n"
    )

    assert told(tmp_path, settings) == []
    assert data_map(tmp_path).waived == "under review"
    assert len(told(tmp_path, f"{settings}policy: {{binding: [data_policy]}}\n")) == 2


def test_a_field_is_not_kept_longer_than_its_policy_says(tmp_path: Path) -> None:
    settings = f"project: shop\nproperties: {{amount: {POLICY % ', retention: 90d'}}}\n"

    (said,) = told(tmp_path, settings)

    assert "'amount' may be kept for 90d, and events are kept for ever" in said
    assert told(tmp_path, f"{settings}privacy: {{retention: {{events: 13mo}}}}\n") != []
    assert told(tmp_path, f"{settings}privacy: {{retention: {{events: 60d}}}}\n") == []


def test_an_attribute_that_segments_need_is_not_dropped_unseen(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    whole = FILES["splitrun.yaml"]
    bare = whole[: whole.index("attributes:")]
    plan = tmp_path / "experiments" / f"{EXPERIMENT}.yaml"
    plan.write_text(f"{plan.read_text()}segments: [country]\n")

    assert told(tmp_path, whole) == []
    (said,) = told(tmp_path, bare)
    assert "are cut by 'country', which is not declared and would be dropped" in said


@pytest.mark.requirement("R74")
def test_the_record_of_processing_states_what_article_30_asks_for(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text(
        "project: shop\n"
        "privacy:\n"
        "  properties: declared\n"
        "  consent: required\n"
        "  retention: {events: 90d, exposures: 13mo}\n"
        "  controller: {name: Shop <Ltd>, contact: dpo@example.org, recipients: [a host], transfers: []}\n"
        "properties:\n"
        "  plan: {holds: text, purpose: to tell plans apart, classification: personal, consumers: [growth]}\n"
    )

    found = data_map(tmp_path)
    record, text, page = record_form(found), record_markdown(found), map_page(found)

    activities = {one["store"]: one for one in record["activities"]}  # type: ignore[attr-defined]  # plain JSON
    assert record["controller"]["contact"] == "dpo@example.org"  # type: ignore[index]  # plain JSON
    assert "p_plan" in activities["lake/events"]["categories"]
    assert "to tell plans apart" in activities["lake/events"]["purposes"]
    assert activities["lake/events"]["limit"] == "90d"
    assert activities["lake/exposures"]["limit"] == "13mo"
    assert "spool/counts" not in activities  # nothing of people is in them
    assert any("not known to have granted are not kept" in one for one in record["measures"])  # type: ignore[attr-defined]
    assert "a host" in text
    assert "Shop &lt;Ltd&gt;" in page
    assert "<script" not in page
    assert map_form(found)["without_policy"] == 0
