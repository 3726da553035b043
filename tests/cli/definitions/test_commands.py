from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from splitrun.conduct.definitions.comparing import Compared
from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.applying import Wanted, apply
from splitrun.conduct.registry.place import home
from splitrun.errors import ConflictError
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, Move
from splitrun.store.registry.documents import Kind, State
from tests.cli.definitions.conftest import Run
from tests.store.places import NOON

WINDOW = "window: 7d, better: higher}\n  spent"


def silent(_: Compared) -> None:
    """Show it to nobody."""


def edit(shop: Path, name: str, old: str, new: str) -> None:
    text = (shop / name).read_text()
    assert old in text
    (shop / name).write_text(text.replace(old, new))


def live(shop: Path, state: State, environment: str = "production") -> None:
    with home(shop).registry(make=NOON) as registry:
        before = registry.state("shop", environment, "checkout")
        move = Move("shop", environment, "checkout", before, state, started=NOON)
        said = Remark("start", "experiment/checkout", "ready", "shop", environment)
        registry.commit(Change(NOON, "bob", (said,), moves=(move,)))


@pytest.mark.requirement("R82")
def test_files_are_applied_once_and_differ_no_more(splitrun: Run, shop: Path) -> None:
    code, out, _ = splitrun("diff", "--check")
    assert (code, "+ metric bought" in out, "18 to add, 0 to change, 0 to remove" in out) == (8, True, True)

    code, out, _ = splitrun("apply", "--yes", "--reason", "the first project")

    assert (code, out.splitlines()[-1]) == (0, "applied: entries 2 to 19 of the audit chain")
    assert splitrun("apply", "--yes") == (0, "nothing to do: the registry says what the files say\n", "")
    assert splitrun("diff", "--check") == (
        0,
        "no differences: the registry of 'shop' says what the files say\n",
        "",
    )
    entries = json.loads(splitrun("audit", "log", "--json")[1])["entries"]
    (metric,) = [one["entry"] for one in entries if one["entry"]["subject"] == "metric/bought"]
    assert (metric["actor"], metric["verb"], metric["reason"]) == ("ann", "apply", "the first project")
    assert metric["content"]["sign"] == "added"
    assert splitrun("audit", "verify")[0] == 0
    assert (shop / "state" / "head.json").exists()


def test_a_change_is_shown_and_then_kept_as_a_new_revision(splitrun: Run, shop: Path) -> None:
    splitrun("apply", "--yes")
    edit(shop, "metrics/shop.yaml", WINDOW, WINDOW.replace("7d", "14d"))
    edit(shop, "flags/shop.yaml", '  other: {type: boolean, default: "off"}\n', "")

    code, out, err = splitrun("diff")

    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert out.splitlines()[1:] == [
        "",
        "- flag other",
        "",
        "~ metric bought",
        "    window: 7d -> 14d",
        "    used by checkout (draft)",
        "",
        "0 to add, 1 to change, 1 to remove",
    ]
    assert splitrun("apply", "--yes", "--reason", "slow buyers", "--actor", "eve")[0] == 0
    with home(shop).registry() as registry:
        history = registry.history("shop", Kind.METRIC, "bought")
        assert [(one.revision, one.actor, '"14d"' in one.body) for one in history] == [
            (1, "ann", False),
            (2, "eve", True),
        ]
        assert registry.find("shop", Kind.FLAG, "other") is None


@pytest.mark.requirement("R82")
@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.OBSERVING])
def test_an_unsafe_change_fails_the_check_and_is_not_applied(splitrun: Run, shop: Path, state: State) -> None:
    splitrun("apply", "--yes")
    live(shop, state)
    edit(shop, "experiments/checkout.yaml", "weight: 1", "weight: 2")

    assert splitrun("diff")[0] == 0
    code, out, _ = splitrun("diff", "--check", "--markdown")
    assert code == 7
    assert out.startswith("### Splitrun: 0 to add, 1 to change, 0 to remove; 1 refused in `shop`\n")
    assert "**This will not be applied:**" in out
    assert f"checkout is {state.value} in production: variants.new.weight: 1 -\\> 2" in out
    assert "splitrun restart checkout" in out
    assert splitrun("diff", "--check", "--environment", "staging")[0] == 8
    code, out, err = splitrun("apply", "--yes")

    assert (code, "1 refused" in out, "splitrun restart checkout" in err) == (7, True, True)
    assert splitrun("diff", "--check")[0] == 7


def test_what_is_amended_or_restarted_next_may_be_applied(splitrun: Run, shop: Path) -> None:
    splitrun("apply", "--yes")
    live(shop, State.RUNNING)
    edit(shop, "experiments/checkout.yaml", "enrol: 14d", "enrol: 21d")
    assert "splitrun apply --amending checkout" in splitrun("apply", "--yes")[2]
    assert splitrun("apply", "--yes", "--amending", "search")[0] == 7
    assert splitrun("apply", "--yes", "--amending", "checkout")[0] == 0
    edit(shop, "experiments/checkout.yaml", "weight: 1", "weight: 2")
    assert splitrun("apply", "--yes", "--amending", "checkout")[0] == 7

    assert splitrun("apply", "--yes", "--restarting", "checkout")[0] == 0

    edit(shop, "splitrun.yaml", "[production, staging]", "[staging]")
    assert (
        "environment 'production' is taken out" in splitrun("apply", "--yes", "--restarting", "checkout")[2]
    )


def test_the_difference_is_told_to_programs(splitrun: Run, shop: Path) -> None:
    splitrun("apply", "--yes")
    live(shop, State.RUNNING, "staging")
    edit(shop, "metrics/shop.yaml", WINDOW, WINDOW.replace("7d", "14d"))
    edit(shop, "experiments/checkout.yaml", "coverage: 50%", "coverage: 60%")

    told = json.loads(splitrun("diff", "--json")[1])

    assert {name: told[name] for name in ("form", "project", "added", "changed", "removed", "unsafe")} == {
        "form": "splitrun.diff/1",
        "project": "shop",
        "added": 0,
        "changed": 2,
        "removed": 0,
        "unsafe": 1,
    }
    one, two = told["steps"]
    assert (one["risk"], one["fields"]) == (
        "needs amendment",
        [{"path": "coverage", "before": "50%", "after": "60%"}],
    )
    assert (two["risk"], two["used_by"]) == (
        "safe",
        [{"experiment": "checkout", "stands": "running in staging"}],
    )
    assert "stays in its plan" in two["consequences"][0]["says"]
    assert json.loads(splitrun("apply", "--json", "--yes")[1])["form"] == "splitrun.error/1"
    edit(shop, "experiments/checkout.yaml", "coverage: 60%", "coverage: 50%")
    done = json.loads(splitrun("apply", "--json", "--yes")[1])
    assert (done["form"], done["written"], done["changed"]) == ("splitrun.applied/1", 1, 1)


def test_what_is_exported_differs_from_nothing(splitrun: Run, shop: Path, tmp_path: Path) -> None:
    splitrun("apply", "--yes")

    code, out, _ = splitrun("export", str(tmp_path / "out"))

    assert (code, len(out.splitlines())) == (0, 5)
    assert splitrun("diff", "--check", "--folder", str(tmp_path / "out"))[:2] == (
        0,
        "no differences: the registry of 'shop' says what the files say\n",
    )
    code, _, err = splitrun("export", str(tmp_path / "out"))
    assert (code, err.count("--force")) == (3, 5)
    assert splitrun("export", str(tmp_path / "out"), "--force")[0] == 0
    code, _, err = splitrun("export", str(shop), "--force")
    assert (code, "would define things twice" in err) == (3, True)
    told = json.loads(splitrun("export", str(tmp_path / "more"), "--json", "--project", "shop")[1])
    assert (told["form"], len(told["files"])) == ("splitrun.files/1", 5)
    code, _, err = splitrun("export", str(tmp_path / "none"), "--project", "bank")
    assert (code, "it keeps shop" in err) == (3, True)
    (tmp_path / "file").write_text("")
    assert "nothing can be written here" in splitrun("export", str(tmp_path / "file" / "x"))[2]


def test_somebody_at_the_terminal_is_asked(splitrun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = splitrun("apply")
    assert (code, "18 to add" in out, "--yes" in err) == (3, True, True)

    for answer, told in (
        ("n\n", "nothing was written"),
        ("y\n", "applied: entries 2 to 19 of the audit chain"),
    ):
        typed = io.StringIO(answer)
        monkeypatch.setattr(typed, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", typed)
        code, out, _ = splitrun("apply")
        assert (code, out.splitlines()[-1].strip()) == (0, told)


def test_a_reason_says_something_and_files_are_sound(splitrun: Run, shop: Path) -> None:
    assert "the reason says nothing" in splitrun("apply", "--yes", "--reason", " ")[2]
    assert splitrun("diff", "--environment", "stagin")[2].strip().endswith("did you mean 'staging'?")
    edit(shop, "metrics/shop.yaml", "kind: share", "kind: shar")
    assert splitrun("diff")[0] == splitrun("apply", "--yes")[0] == 3


def test_another_project_of_the_registry_is_another_project(splitrun: Run, shop: Path) -> None:
    splitrun("apply", "--yes")
    edit(shop, "splitrun.yaml", "project: shop", "project: bank")

    code, out, _ = splitrun("diff")

    assert (code, "the registry keeps shop" in out, "0 to change, 0 to remove" in out) == (0, True, True)


@pytest.mark.requirement("R82")
def test_who_is_slower_writes_nothing_and_is_told(splitrun: Run, shop: Path) -> None:
    splitrun("apply", "--yes")
    edit(shop, "metrics/shop.yaml", WINDOW, WINDOW.replace("7d", "14d"))
    desk = Desk(now=lambda: NOON)

    def meanwhile() -> bool:
        assert apply(shop, silent, lambda: True, Wanted("faster", "eve"), desk).receipt is not None
        return True

    with pytest.raises(ConflictError, match=r"metric 'bought' by eve .*; run `splitrun diff`"):
        apply(shop, silent, meanwhile, Wanted("slower"), desk)

    def begun() -> bool:
        live(shop, State.RUNNING)
        return True

    edit(shop, "metrics/shop.yaml", WINDOW.replace("7d", "14d"), WINDOW.replace("7d", "21d"))
    with pytest.raises(ConflictError, match="the life of an experiment"):
        apply(shop, silent, begun, Wanted("slower"), desk)


def test_before_the_first_change_everything_is_new_to_programs_too(splitrun: Run) -> None:
    told = json.loads(splitrun("diff", "--json")[1])

    assert (told["form"], told["added"], told["steps"][0]["fields"]) == ("splitrun.diff/1", 18, [])


def test_colours_are_for_terminals(splitrun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in splitrun("diff")[1]
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    assert "\x1b[1;32m+ metric bought" in splitrun("diff")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in splitrun("diff")[1]
