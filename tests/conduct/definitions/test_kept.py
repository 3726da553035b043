from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.assign.transmission import sealed as transmitted
from splitrun.conduct.begin import begin_project
from splitrun.conduct.definitions.comparing import against, differing
from splitrun.conduct.definitions.kept import kept, opened, written
from splitrun.conduct.definitions.shelves import Name
from splitrun.conduct.experiment import plan_of
from splitrun.conduct.rulesets import ruleset_of
from splitrun.errors import SpecError, StoreError
from splitrun.plan.compile import compiled
from splitrun.plan.seal import digest, sealed
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, Writing
from splitrun.store.registry.documents import Kind
from splitrun.store.registry.memory import InMemory
from splitrun.store.registry.registry import Registry
from tests.plan.difference.shop import FILES
from tests.store.places import NOON


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "shop"


def keep(registry: Registry, bodies: dict[Name, str], project: str = "shop") -> None:
    writings = tuple(Writing(project, kind, key, body, None) for (kind, key), body in bodies.items())
    registry.commit(Change(NOON, "ann", (Remark("apply", "project/shop", "first", project),), writings))


@pytest.mark.requirement("R82")
def test_a_registry_gives_the_project_that_its_files_gave(shop: Path, registry: Registry) -> None:
    files = written(shop)
    keep(registry, files)
    keep(registry, {(Kind.PROJECT, "bank"): '{"project":"bank"}'}, "bank")

    says = kept(registry, "shop")

    assert says.mistakes == ()
    assert says.project is not None
    assert (says.project.policy.alpha is None, says.project.registry) == (False, None)
    made = compiled(says.project, says.experiments, says.board, says.library) if says.board else None
    assert made == ruleset_of(shop)
    assert against(registry, files, "here").difference.steps == ()


def test_what_is_written_otherwise_is_not_meant_otherwise(shop: Path) -> None:
    registry = InMemory()
    keep(registry, written(shop))
    path = shop / "experiments" / "checkout.yaml"
    path.write_text(path.read_text().replace("coverage: 50%", "coverage: 0.5"))
    assert differing(registry, written(shop)) == ()

    path.write_text(path.read_text().replace("coverage: 0.5", "coverage: 0.6"))

    assert differing(registry, written(shop)) == ((Kind.EXPERIMENT, "checkout"),)


def test_a_project_that_nobody_applied_is_empty() -> None:
    says = kept(InMemory(), "shop")

    assert (says.project, dict(says.experiments), says.mistakes) == (None, {}, ())


@pytest.mark.requirement("R17")
def test_a_plan_resolved_from_the_registry_is_the_one_resolved_from_files(tmp_path: Path) -> None:
    begin_project(tmp_path)
    (tmp_path / "experiments" / "first.yaml").write_text(
        (tmp_path / "experiments" / "first.yaml")
        .read_text()
        .replace("segments: [country]", "segments: {z: {values: country}, a: {when: country = 'DE'}}")
    )
    registry = InMemory()
    keep(registry, written(tmp_path))

    says = kept(registry, "shop")
    plan = sealed(says.experiments["first"], says.library, says.project, says.experiments)

    assert digest(plan) == digest(plan_of(tmp_path / "experiments" / "first.yaml"))


def test_ids_of_units_never_enter(shop: Path) -> None:
    (shop / "staff.txt").write_text("person-7\nperson-8\n")
    flags = shop / "flags" / "shop.yaml"
    flags.write_text(flags.read_text().replace("[u1, u2]", "{file: staff.txt}"))
    (shop / "splitrun.yaml").write_text(FILES["splitrun.yaml"])

    bodies = written(shop)

    # sha256("list:shop:staff:person-7"), first 32 digits, by sha256sum
    assert "person-7" not in "".join(bodies.values())
    assert "secret" not in "".join(bodies.values())
    assert '"hashed":true' in bodies[Kind.LIST, "staff"]
    assert bodies[Kind.LIST, "staff"].count("-") == 0


def test_a_list_of_hashes_is_the_list_it_was_made_of(shop: Path) -> None:
    before = written(shop)
    hashes = ruleset_of(shop).lists["staff"].hashes
    flags = shop / "flags" / "shop.yaml"
    flags.write_text(
        flags.read_text().replace(
            "[u1, u2]", f"{{hashed: true, salt: 'list:shop:staff', ids: [{', '.join(hashes)}]}}"
        )
    )

    assert written(shop) == before


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("{hashed: true, ids: [u1]}", "without the salt"),
        ("{hashed: true, salt: some-salt, ids: [u1]}", "'u1' is no hash of an id"),
        ("{hashed: true, salt: some-salt, file: ids.txt}", "'u9' is no hash of an id"),
    ],
)
def test_what_is_no_hash_is_refused_where_hashes_stand(shop: Path, said: str, says: str) -> None:
    (shop / "ids.txt").write_text("u9\n")
    flags = shop / "flags" / "shop.yaml"
    flags.write_text(flags.read_text().replace("[u1, u2]", said))

    with pytest.raises(SpecError, match=says):
        written(shop)


def test_files_with_mistakes_are_not_read(shop: Path, tmp_path: Path) -> None:
    (shop / "metrics" / "shop.yaml").write_text("metrics: {a: {kind: shar}}\n")

    with pytest.raises(SpecError, match="shar"):
        written(shop)
    with pytest.raises(SpecError, match=r"no splitrun\.yaml"):
        written(tmp_path / "elsewhere")


def test_what_is_kept_and_cannot_be_read_is_told() -> None:
    with pytest.raises(StoreError, match="audit verify"):
        opened({(Kind.METRIC, "a"): '{"=":3}'})


def test_known_events_have_a_day_a_kind_and_a_count(shop: Path) -> None:
    names = [key for kind, key in written(shop) if kind is Kind.ANNOTATION]

    assert names == ["2026-11-27-campaign", "2026-11-27-campaign-2"]


def test_the_same_ruleset_is_transmitted_from_files_and_registry(shop: Path) -> None:
    says = opened(written(shop))
    assert says.board is not None

    one = compiled(says.project, says.experiments, says.board, says.library)

    assert len(transmitted(one)) == len(transmitted(ruleset_of(shop)))
