from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.conduct.definitions.exporting import export
from splitrun.conduct.definitions.kept import written
from splitrun.conduct.definitions.paper import paper, papers
from splitrun.errors import SpecError
from splitrun.spec.written.document import Value
from splitrun.spec.written.text import UNPRINTABLE, document
from splitrun.store.registry.documents import Kind
from tests.plan.difference.shop import FILES, bodies_of

LETTERS = st.characters(exclude_categories=["Cs"]).filter(lambda one: not UNPRINTABLE.match(one))
TEXT = st.one_of(
    st.text(LETTERS, max_size=30),
    st.text("ab01.:-+eE_x'\"#{}[],&*!|>%@` \n\t~?<=", max_size=12),
    st.sampled_from(["", "null", "no", "True", "0x1F", "1e5", "1.", ".5", "1_000", "12:30", "2026-11-27"]),
    st.sampled_from(
        ["~", ".inf", "=", "<<", "---", "...", "- a", "a\nb\n", "a\n\n  b", "\n", " a", "a " * 80]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(TEXT, st.integers(-9, 9)), inner, max_size=4),
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.dictionaries(TEXT, VALUES, min_size=1), st.lists(VALUES, min_size=1).map(tuple)))
def test_what_is_put_on_paper_is_read_back(value: Value) -> None:
    assert document(paper(value), "a.yaml").value == value


WORDS = st.text(LETTERS, min_size=1, max_size=60).filter(lambda one: bool(one.strip()))


@settings(max_examples=25, deadline=None)
@given(WORDS, WORDS, st.lists(st.text("abc123-", min_size=1), min_size=1, max_size=150, unique=True))
def test_a_project_is_written_and_read_as_the_same_documents(title: str, says: str, ids: list[str]) -> None:
    files = {
        **FILES,
        "experiments/checkout.yaml": FILES["experiments/checkout.yaml"].replace(
            "A shorter checkout", json.dumps(title)
        ),
        "annotations.yaml": FILES["annotations.yaml"].replace("Black Friday in Austria", json.dumps(says)),
        "flags/shop.yaml": FILES["flags/shop.yaml"].replace("[u1, u2]", json.dumps(ids)),
    }
    before = bodies_of(files)

    texts = papers(before)

    lists = {name: text.encode() for name, text in texts.items() if name.startswith("lists/")}
    assert bodies_of({name: text for name, text in texts.items() if name not in lists}, lists) == before
    assert bool(lists) is (len(ids) > 100)


def test_a_list_of_many_hashes_has_a_file_of_its_own() -> None:
    ids = [f"u{number}" for number in range(150)]
    before = bodies_of(
        {**FILES, "flags/shop.yaml": FILES["flags/shop.yaml"].replace("[u1, u2]", json.dumps(ids))}
    )

    texts = papers(before)

    lists = {"lists/staff.txt": texts.pop("lists/staff.txt").encode()}
    assert lists["lists/staff.txt"].count(b"\n") == 150
    assert "file: lists/staff.txt" in texts["flags/flags.yaml"]
    assert bodies_of(texts, lists) == before


def test_many_definitions_are_divided_among_files() -> None:
    bodies = bodies_of(FILES)
    metric = bodies[Kind.METRIC, "bought"]
    many = bodies | {(Kind.METRIC, f"m{number:04}"): metric for number in range(2_000)}

    texts = papers(many)

    assert sorted(name for name in texts if name.startswith("metrics/"))[:2] == [
        "metrics/metrics-2.yaml",
        "metrics/metrics-3.yaml",
    ]
    assert bodies_of(texts) == many


def test_the_files_read_like_those_that_people_write() -> None:
    texts = papers(bodies_of(FILES))

    # by hand: in the order of the pages, on one line where it is short
    assert texts["splitrun.yaml"] == (
        "project: shop\nenvironments: [production, staging]\nunits:\n  user: {key: user_id}\n  account: {}\n"
        "policy:\n  alpha: {max: 0.05}\n"
    )
    assert texts["experiments/checkout.yaml"].startswith(
        "key: checkout\ntitle: A shorter checkout\nowner: payments\nunit: user\nflag: checkout-flow\n"
        "hypothesis:\n  change: the checkout is one page\n  because: carts are dropped\n"
        "  expect: {metric: bought, direction: higher, mei: 1pp}\n"
    )
    assert "  bought:\n    kind: share\n    source: orders\n" in texts["metrics/metrics.yaml"]


def test_files_that_are_there_are_not_written_over(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    for name, text in FILES.items():
        path = shop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("postgresql://ann:secret@db/registry", "sqlite:///a.db"))

    with pytest.raises(SpecError, match="nothing was applied to it yet"):
        export(tmp_path / "out", shop)
    assert not (tmp_path / "out").exists()
    assert written(shop) == bodies_of(FILES)
