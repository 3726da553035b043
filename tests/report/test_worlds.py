"""Whatever the data, a readout keeps to its schema and can be shown."""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from splitrun.check.doubts import doubts
from splitrun.check.evidence import Evidence
from splitrun.judge.reading import readout
from splitrun.judge.readout import Call, Decision
from splitrun.report.form import schema, written
from splitrun.report.html import html
from splitrun.report.markdown import markdown
from splitrun.report.page import page
from splitrun.report.table import table
from splitrun.report.text import text
from splitrun.spec.amount import Size
from tests.check.worlds import guardrail, measured, plan, primary, ratio, secondary
from tests.report.readouts import MADE_AT, rich

VALUES = st.lists(
    st.sampled_from([0.0, 1.0, -1.0, 2.5, 1e-9, 1e9, 1e150, -1e150, 1e-200]) | st.floats(-1e6, 1e6),
    max_size=6,
)
SIZES = st.builds(Size, value=st.floats(1e-6, 10), relative=st.booleans())
KEEPS_TO = Draft202012Validator(schema())


@settings(max_examples=60, deadline=None)
@given(
    means=st.lists(VALUES, min_size=4, max_size=4),
    pairs=st.lists(
        st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), max_size=5), min_size=4, max_size=4
    ),
    mei=SIZES,
    margin=SIZES,
)
def test_any_values_give_a_readout_without_a_number_that_is_none(
    means: list[list[float]], pairs: list[list[tuple[float, float]]], mei: Size, margin: Size
) -> None:
    of = plan(
        [primary(mei=mei), ratio("basket"), guardrail("load", margin), secondary("age")], segments=["near"]
    )
    values = [np.array(cell) for cell in means]
    orders = [np.array(cell, dtype=np.float64).reshape(-1, 2) for cell in pairs]
    world = measured(
        {"fetched": values, "basket": orders, "load": values, "age": values},
        segment="near",
        levels=("a", "b"),
    )

    found = readout(of, world, doubts(Evidence(of, world)), made_at=MADE_AT, versions={})

    KEEPS_TO.validate(json.loads(written(found)))
    for shown in (text(found), html(found), text(found, ascii_only=True)):
        assert " nan" not in shown
        assert "inf " not in shown
    assert table(found).num_rows == len(found.comparisons)


def test_every_form_shows_what_was_decided() -> None:
    says = "abandon (futile): every primary lies below its futility bound <& so on>"
    found = replace(rich(), decision=Decision(value=Call.ABANDON, says=says))

    shown = (text(found), html(found), page(found), markdown(found), written(found))

    # undo what each form escapes
    for form in shown:
        words = " ".join(unescape(form).replace("\\", "").split())
        assert "abandon (futile): every primary lies below its futility bound" in words
        assert "<& so on>" in words
    assert "Decision" not in html(rich()) + page(rich()) + markdown(rich())
