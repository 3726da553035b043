"""Ids joined over links."""

from __future__ import annotations

import numpy as np

from splitrun.measure.rows.linking import LARGEST, linked


def test_ids_are_joined_over_any_number_of_steps() -> None:
    chain = np.random.default_rng(4).permutation(np.arange(1, LARGEST))

    found = linked(np.append(chain + 1, 500), np.append(chain, 400)).to_pydict()

    assert dict(zip(found["was"], found["root"], strict=True)) == {
        **dict.fromkeys(range(1, LARGEST + 1), 1),
        400: 400,
        500: 400,
    }


def test_more_ids_than_a_person_has_are_not_joined() -> None:
    others = np.arange(1, LARGEST + 1)

    assert linked(others, np.zeros_like(others)).num_rows == 0


def test_without_links_nobody_is_joined() -> None:
    assert linked(np.array([], np.int64), np.array([], np.int64)).num_rows == 0
