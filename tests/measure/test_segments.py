from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.errors import DataError
from splitrun.measure.segments import shown
from splitrun.spec.segment import Segment
from tests.measure.plans import exposures, mean, over, plan, share


def by_level(folder: Path, segment: Segment, cells: list[str]) -> dict[str, int]:
    rows = "user,variant,c,x\n" + "".join(f'{i},control,"{cell}",1\n' for i, cell in enumerate(cells))
    planned = plan({"m": mean("x")}, exposures(), segments={"s": segment})
    measured = over(folder, planned, exposures=rows)
    return dict(zip(measured.cells.segments["s"].labels, measured.units("s")[0].tolist(), strict=True))


def test_levels_that_are_not_kept_are_other_and_null_is_missing(tmp_path: Path) -> None:
    found = by_level(tmp_path, Segment(values="c", keep=("DE", "FR")), ["DE", "DE", "FR", "US", "", "IT"])

    assert found == {"DE": 2, "FR": 1, "(missing)": 1, "other": 2}


def test_twenty_levels_are_shown_by_size(tmp_path: Path) -> None:
    cells = [f"c{i:02}" for i in range(30) for _ in range(40 - i)] + [""]

    found = by_level(tmp_path, Segment(values="c"), cells)

    assert len(found) == 22
    assert found["c00"] == 40
    assert found["other"] == sum(40 - i for i in range(20, 30))
    assert found["(missing)"] == 1


def test_numbers_as_levels_have_one_form(tmp_path: Path) -> None:
    assert by_level(tmp_path, Segment(values="c"), ["1", "1.0", "2"]) == {"1": 2, "2": 1}


def test_a_condition_cuts_into_true_false_and_missing(tmp_path: Path) -> None:
    found = by_level(tmp_path, Segment(when="c < 3"), ["1", "2", "5", ""])

    assert found == {"true": 2, "false": 1, "(missing)": 1}


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("DE", "DE"),
        ("a\x00b\x1b[31m\n", "ab[31m"),
        ("a\u202eb", "ab"),
        ("x" * 200, "x" * 79 + "…"),
        ("x" * 80, "x" * 80),
    ],
)
def test_labels_are_shown_without_control_characters_and_cut(raw: str, clean: str) -> None:
    assert shown(raw) == clean


def test_labels_that_look_the_same_once_cleaned_stay_two_levels(tmp_path: Path) -> None:
    assert by_level(tmp_path, Segment(values="c"), ["a\tb", "ab", "c"]) == {"ab": 1, "ab #2": 1, "c": 1}


@pytest.mark.parametrize(
    "hostile",
    [
        "'; DROP TABLE exposures; --",
        "' OR 1=1 --",
        "\\'; SELECT getenv('HOME'); --",
        "$$; ATTACH '/tmp/x'; $$",
        "/* */ UNION SELECT 1",
        "a\x00b",
        "%s{0}:c?",
        "=cmd()",
        "${jndi:x}",
        "🙂\u202e",
    ],
)
def test_hostile_labels_are_labels(tmp_path: Path, hostile: str) -> None:
    found = by_level(tmp_path, Segment(values="c"), [hostile, hostile, "plain"])

    assert found == {shown(hostile): 2, "plain": 1}


@pytest.mark.parametrize(
    "name", ['x"; DROP TABLE exposures; --', "x'y", "select", 'a "b" c', "x;y", "a.b", ":c"]
)
def test_hostile_column_names_are_names(tmp_path: Path, name: str) -> None:
    header = '"' + name.replace('"', '""') + '"'
    rows = f"user,variant,{header}\n1,control,DE\n2,treatment,FR\n"
    past_the_spec = Segment.model_construct(values=name, keep=None, when=None)
    planned = plan({"m": share()}, exposures(), segments={"s": past_the_spec})

    measured = over(tmp_path, planned, exposures=rows)

    assert sorted(measured.cells.segments["s"].labels) == ["DE", "FR"]


def test_a_column_that_is_not_there_is_named_with_a_suggestion(tmp_path: Path) -> None:
    planned = plan({"m": share()}, exposures(), segments={"s": Segment(values="contry")})

    with pytest.raises(
        DataError, match=r"no column 'contry', which segments.s names; did you mean 'country'\?"
    ):
        over(tmp_path, planned, exposures="user,variant,country\n1,control,DE\n")


def test_levels_that_are_numbers_stand_in_their_own_order(tmp_path: Path) -> None:
    rows = "user,variant,age\n" + "".join(
        f"{i},{'control' if i % 2 else 'treatment'},{age}\n"
        for i, age in enumerate([10] * 4 + [9] * 2 + [-1] * 3)
    )
    planned = plan({"m": share()}, exposures(), segments={"s": Segment(values="age")})

    measured = over(tmp_path, planned, exposures=rows)

    assert measured.cells.segments["s"].labels == ("-1", "9", "10")


def test_labels_that_would_be_shown_alike_stay_two(tmp_path: Path) -> None:
    long = "x" * 85
    cells = [f"{long}a"] * 3 + [f"{long}b"] * 2 + ["DE\x1b"] * 2 + ["DE"] + ["(mis\x00sing)", ""]

    found = by_level(tmp_path, Segment(values="c"), cells)

    cut = "x" * 79 + "…"
    assert found == {cut: 3, f"{cut} #2": 2, "DE #2": 2, "DE": 1, "(missing) #2": 1, "(missing)": 1}
