"""Lists that name a unit are told: those of files, and those of which the registry keeps hashes."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.applying import Wanted, apply
from splitrun.conduct.people.exporting import subject_export
from splitrun.conduct.people.forgetting import Forgotten, Why, forget
from splitrun.conduct.registry.upkeep import migrate_registry
from tests.conduct.people.shop import project, unit

GONE = "canary-8f3a61"
DESK = Desk(now=lambda: datetime(2026, 11, 22, 9, tzinfo=UTC))


def forgotten(root: Path, name: str = GONE) -> Forgotten:
    return forget([unit(name)], root, Why("request 7", "ann"), desk=DESK)


def test_lists_whose_hash_of_a_unit_the_registry_keeps_are_told(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "flags").mkdir()
    flags = root / "flags" / "flags.yaml"
    text = (
        "lists: {{staff: {0}, testers: [ada]}}\nflags:\n  new: {{type: boolean, "
        "variants: {{a: false, b: true}}, "
        "default: a, rules: [{{serve: b, to: {{list: staff}}}}]}}\n"
    )
    for ids in (f"[{GONE}]", "[bob]"):
        flags.write_text(text.format(ids))
        migrate_registry(root)
        apply(root, lambda _: None, lambda: True, Wanted(reason="r", actor="ann"))

    given = subject_export(unit(GONE), root, "request 6", desk=DESK)
    done = forgotten(root)

    assert (done.listed_in, given["lists"], done.named_in) == (("staff",), ["staff"], ())
    assert forgotten(root, "nobody").listed_in == ()


def test_hashes_and_ids_with_spaces_are_found_in_files(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "flags").mkdir()
    said = sha256(f"red-pepper-is-hot:{GONE}".encode()).hexdigest()[:32]
    (root / "flags" / "flags.yaml").write_text(
        f"lists:\n  staff: {{hashed: true, salt: red-pepper-is-hot, ids: [{said}]}}\n  other: ['ann b, jr']\n"
        "flags:\n  new: {type: boolean, variants: {a: false, b: true}, "
        "default: a, rules: [{serve: b, to: {list: staff}}]}\n"
    )

    assert forgotten(root).named_in == ("flags/flags.yaml",)
    assert forgotten(root, "ann b, jr").named_in == ("flags/flags.yaml",)
    assert forgotten(root, "bob").named_in == ()
