from __future__ import annotations

import inspect
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.cli.app import run
from splitrun.cli.designs import OPTIONS, SINGULAR, assign
from splitrun.plan.designs.design import DESIGNS

ROOT = Path(__file__).parents[2]
THORNTON = str(ROOT / "examples" / "thornton" / "thornton_hiv.csv")
BLOCKED = (
    "assign",
    THORNTON,
    "--design",
    "blocked",
    "--unit",
    "row",
    "--key",
    "voucher",
    "--stratum",
    "villnum",
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called


@pytest.mark.requirement("R16")
def test_assign_tells_counts_balance_and_what_to_mind(splitrun: Run) -> None:
    code, out, err = splitrun(*BLOCKED, "--covariate", "age", "--covariate", "distvct")

    assert (code, err) == (0, "")
    assert "control: 2,410 units, due 2,410.0" in out
    assert re.search(r"  age +treatment +[+-]0\.\d{3} \([+-]0\.\d{3}\)", out)
    assert "were pooled into one" in out
    # 126 levels of the village, the missing one among them, and two covariates: twelve are listed
    assert re.search(r"  and \d+ smaller ones\n", out)
    assert max(len(line) for line in out.splitlines()) <= 100


def test_assign_writes_the_table_and_its_report(splitrun: Run, tmp_path: Path) -> None:
    target = tmp_path / "voucher.csv"

    code, out, _ = splitrun(*BLOCKED, "--output", str(target))

    assert code == 0
    assert out.endswith(f"\nwritten: {target}, {tmp_path / 'voucher.json'}\n")
    assert target.read_text().startswith('"row","variant","stratum","villnum"\n"1",')
    assert json.loads((tmp_path / "voucher.json").read_text())["design"]["design"] == "blocked"
    code, _, err = splitrun(*BLOCKED, "--output", str(target))
    assert code == 3
    assert "write over it with --force" in err
    assert splitrun(*BLOCKED, "--output", str(target), "--force")[0] == 0


def test_the_frame_is_never_written_over(splitrun: Run, tmp_path: Path) -> None:
    frame = tmp_path / "people.csv"
    frame.write_text("id\na\nb\n")
    words = ("assign", str(frame), "--unit", "id", "--key", "k", "--output", str(frame), "--force")

    code, _, err = splitrun(*words)

    assert code == 3
    assert "this is the frame itself" in err
    assert frame.read_text() == "id\na\nb\n"


def test_assign_answers_in_documented_json(splitrun: Run) -> None:
    code, out, _ = splitrun(*BLOCKED, "--variant", "control=2", "--variant", "small", "--json")

    told = json.loads(out)
    assert code == 0
    assert told["form"] == "splitrun.assignment/1"
    assert told["design"]["variants"] == {"control": 2, "small": 1}
    # 4,820 x 2 / 3 and 4,820 / 3, to within one
    counts = {one["variant"]: one["after"] for one in told["counts"] if one["stratum"] is None}
    assert counts["control"] in {3_213, 3_214}
    assert counts["small"] == 4_820 - counts["control"]
    page = (ROOT / "docs" / "designs.md").read_text(encoding="utf-8")
    assert not [name for name in told if f"`{name}`" not in page]


def test_a_search_tells_its_scores_and_its_salt(splitrun: Run) -> None:
    code, out, _ = splitrun(
        "assign", THORNTON, "--design", "salt-search", "--unit", "row", "--key", "voucher",
        "--covariate", "age", "--candidates", "20", "--score", "mahalanobis",
    )  # fmt: skip

    assert code == 0
    assert re.search(r"  salt: variant:voucher:1:(\d+-\d+)\n.*write `salt: \1` into", out)
    assert "mahalanobis: best" in out
    assert "Morgan and" in out


def test_clusters_are_told_with_their_sizes(splitrun: Run, tmp_path: Path) -> None:
    frame = tmp_path / "shops.csv"
    frame.write_text("id,shop\n" + "".join(f"u{row},s{row % 30}\n" for row in range(90)))

    code, out, _ = splitrun(
        "assign", str(frame), "--design", "cluster", "--unit", "id", "--cluster", "shop", "--seed", "1"
    )

    assert code == 0
    assert "clusters: 30, of 3 to 3 units (median 3), as many as 30.0 of equal size" in out
    assert "control: 15 clusters, due 15.0" in out


def test_a_schedule_is_told_by_region(splitrun: Run) -> None:
    words = ("--start", "2026-12-07", "--zone", "Europe/Berlin", "--period", "2h", "--periods", "168")

    code, out, _ = splitrun("assign", "--design", "switchback", "--key", "fees", *words, "--burn-in", "20m")

    assert code == 0
    assert "all: control 84, treatment 84 periods, 2026-12-07T00:00:00+01:00" in out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--design", "bloked"), 3, "did you mean 'blocked'?"),
        (("--variant", "control", "--variant", "control"), 3, "the variant 'control' is given twice"),
        (("--variant", "control=half"), 3, "'half' is no weight of the variant 'control'"),
        (("--variant", "control", "--variant", "b=-1"), 3, "--variant.b: this must be at least 1, not -1"),
        (("--covariate", "agee"), 4, "did you mean 'age'?"),
        (
            ("--period", "1h"),
            3,
            "--period: the design 'simple' takes no `--period`; take it out, or choose the design switchback",
        ),
        (("--stratum", "age"), 3, "choose the design blocked or cluster"),
        (("--salt", "x"), 3, "says nothing to an exact draw; write `--draw hash`"),
        (("--draw", "hsh"), 3, "--draw: 'hsh' is not one of exact, hash; did you mean hash?"),
        (("--design", "blocked"), 3, "`--stratum` is missing; write `--stratum`: columns"),
    ],
)
def test_what_cannot_be_taken_leaves_with_its_exit_code(
    splitrun: Run, words: tuple[str, ...], code: int, says: str
) -> None:
    left, _, err = splitrun("assign", THORNTON, "--unit", "row", "--key", "voucher", *words)

    assert left == code
    assert says in err


def test_every_option_of_a_design_is_told_as_it_is_typed() -> None:
    known = set(inspect.signature(assign).parameters)

    assert {name for kind in DESIGNS.values() for name in kind.model_fields} == OPTIONS
    assert {SINGULAR.get(name, name) for name in OPTIONS} <= known


def blocks(kind: str) -> list[str]:
    page = (ROOT / "docs" / "designs.md").read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


def test_what_the_page_shows_runs(splitrun: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    commands = [block.replace("\\\n", " ") for block in blocks("console")]

    left = [splitrun(*shlex.split(command)[2:])[0] for command in commands]
    for program in blocks("python"):
        exec(compile(program, "designs.md", "exec"), {})  # noqa: S102 - our own page

    assert left == [0, 0]
    assert {path.name for path in tmp_path.iterdir()} == {
        "examples", "fees.csv", "fees.json", "voucher.csv", "voucher.json",
    }  # fmt: skip


def test_the_page_tells_every_option() -> None:
    page = (ROOT / "docs" / "designs.md").read_text(encoding="utf-8")

    told = set(re.findall(r"`(\w+)`", page.split("## Options")[1].split("## The report")[0]))
    assert {name for kind in DESIGNS.values() for name in kind.model_fields} - {"design"} <= told
