from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from splitrun.sdk.outbox.plain import DEEP, UnfitError, finite, plain


def test_numbers_of_other_kinds_become_floats() -> None:
    assert finite(Decimal("9.99")) == 9.99
    assert finite(np.float64(2.5)) == 2.5
    assert finite(np.bool_(1)) == 1.0
    assert plain({"n": np.int64(3)})[0] == {"n": 3.0}


def test_a_copy_shares_nothing_that_could_change() -> None:
    inner = {"a": [1, 2, (3,)]}
    copy, text = plain({"inner": inner, "s": "text"})
    inner["a"].append(4)

    assert copy == {"inner": {"a": [1, 2, [3]]}, "s": "text"}
    assert text >= len("innerstexta")


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"x": {1, 2}}, "'x'"),
        ({"x": [float("nan")]}, "'x'"),
        ({"x": {"y": float("inf")}}, "'y'"),
        ({"x": {3: 1}}, "names are texts"),
        ({"x": b"bytes"}, "'x'"),
    ],
)
def test_what_cannot_be_sent_says_which_property(properties: dict[str, object], says: str) -> None:
    with pytest.raises(UnfitError, match=says):
        plain(properties)


def test_depth_is_bounded() -> None:
    value: object = 1
    for _ in range(DEEP + 5):
        value = [value]

    with pytest.raises(UnfitError, match="nested deeper"):
        plain({"x": value})
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(UnfitError, match="nested deeper"):
        plain({"x": circle})
