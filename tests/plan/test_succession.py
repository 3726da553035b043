"""Rulesets in a row: what counts on, and what may not change under units that are dealt already."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from splitrun.assign.ruleset import Ruleset
from splitrun.errors import SpecError
from splitrun.plan.succession import succeeding
from tests.plan.shop import compiled_shop, spoiled

KEY = "one-page-checkout"


def changed(file: str, old: str, new: str) -> Ruleset:
    return compiled_shop(spoiled(file, old, new))


def test_nothing_new_is_the_same_ruleset() -> None:
    before = compiled_shop(version=7)

    assert succeeding(compiled_shop(), before) is before


def test_any_change_is_a_new_version() -> None:
    after = succeeding(
        changed("flags/shop.yaml", "plan = 'internal'", "plan = 'inner'"), compiled_shop(version=7)
    )

    assert after.version == 8
    assert after.experiments[KEY].phase == 1


@pytest.mark.requirement("R61")
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("experiments/checkout.yaml", "coverage: 50%", "coverage: 60%"),
        ("experiments/checkout.yaml", "dach and", "not dach and"),
        ("flags/shop.yaml", "'AT', ", ""),
    ],
)
def test_another_coverage_or_audience_is_a_new_phase(file: str, old: str, new: str) -> None:
    before = succeeding(changed("flags/shop.yaml", "plan", "plans"), compiled_shop())

    after = succeeding(changed(file, old, new), before)

    assert (after.version, after.experiments[KEY].phase) == (3, 2)
    assert after.experiments["search"].phase == 1


@pytest.mark.requirement("R62")
def test_a_restart_begins_with_phase_one_and_may_change_everything() -> None:
    before = succeeding(
        changed("experiments/checkout.yaml", "coverage: 50%", "coverage: 60%"), compiled_shop()
    )
    assert before.experiments[KEY].phase == 2

    restarted = changed(
        "experiments/checkout.yaml", "serve: three-page, weight: 2", "serve: three-page, weight: 1"
    )
    texts = spoiled(
        "experiments/checkout.yaml", "serve: three-page, weight: 2", "serve: three-page, weight: 1"
    )
    texts["experiments/checkout.yaml"] = f"version: 2\n{texts['experiments/checkout.yaml']}"
    after = succeeding(compiled_shop(texts), before)

    assert (after.experiments[KEY].version, after.experiments[KEY].phase) == (2, 1)
    with pytest.raises(SpecError):
        succeeding(restarted, before)


MOVED = (
    "changed while version 1 runs; take it back, or raise the experiment's `version`: "
    "all units are dealt afresh"
)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "experiments/checkout.yaml",
            "serve: three-page, weight: 2",
            "serve: three-page, weight: 3",
            f"experiments.one-page-checkout: the variants or their weights {MOVED}",
        ),
        (
            "flags/shop.yaml",
            "one-page-checkout: [0%, 40%]",
            "one-page-checkout: [0%, 30%]",
            f"experiments.one-page-checkout: the layer or its slots {MOVED}",
        ),
        (
            "flags/shop.yaml",
            "holdouts:\n",
            "holdouts:\n  q3: {unit: user, share: 1%, experiments: [search]}\n",
            f"experiments.search: the holdouts {MOVED}",
        ),
        (
            "flags/shop.yaml",
            "share: 5%",
            "share: 6%",
            (
                "holdouts.q4: the share of holdout 'q4' changed while one-page-checkout runs; "
                "take it back, or name a new holdout"
            ),
        ),
        (
            "experiments/checkout.yaml",
            "control: {serve: three-page, weight: 2}",
            "control: {serve: one-page, weight: 2}",
            f"experiments.one-page-checkout: what the variants serve {MOVED}",
        ),
        (
            "flags/shop.yaml",
            "three-page: three-page, one-page: one-page",
            "three-page: one-page, one-page: three-page",
            f"experiments.one-page-checkout: what the variants serve {MOVED}",
        ),
        (
            "experiments/checkout.yaml",
            "parameters: {columns: 1}",
            "parameters: {columns: 2}",
            f"experiments.one-page-checkout: the parameters of the variants {MOVED}",
        ),
        (
            # control reads the layer's default
            "flags/shop.yaml",
            "parameters: {columns: 3,",
            "parameters: {columns: 4,",
            f"experiments.one-page-checkout: the parameters of the variants {MOVED}",
        ),
        (
            "splitrun.yaml",
            "project: shop",
            "project: store",
            (
                "the ruleset that is there is of project 'shop', environment 'production'; "
                "this is of 'store', 'production'; name another file for it"
            ),
        ),
    ],
)
def test_what_would_move_units_is_refused(file: str, old: str, new: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        succeeding(changed(file, old, new), compiled_shop())

    assert str(caught.value) == says


def test_another_unit_type_is_refused() -> None:
    texts = {
        "flags/f.yaml": "flags:\n  f: {type: boolean, unit: user, default: off, rules: [{experiment: e}]}\n",
        "experiments/e.yaml": """\
key: e
unit: user
flag: f
hypothesis: {change: a, because: b, expect: {metric: m, direction: higher, mei: 1}}
variants: {control: {serve: off}, on: {serve: on}}
sources: {s: {csv: a.csv, unit: u}}
metrics: {primary: [{key: m, kind: mean, source: s, value: v, better: higher}]}
analysis: {method: fixed}
""",
    }
    devices = {name: text.replace("unit: user", "unit: device") for name, text in texts.items()}

    with pytest.raises(SpecError) as caught:
        succeeding(compiled_shop(devices), compiled_shop(texts))

    assert str(caught.value) == f"experiments.e: the unit type {MOVED}"


def test_an_older_version_does_not_come_back() -> None:
    before = changed("experiments/checkout.yaml", "key: one", "version: 2\nkey: one")

    with pytest.raises(SpecError) as caught:
        succeeding(compiled_shop(), before)

    assert str(caught.value) == (
        "experiments.one-page-checkout: version 1 is older than version 2, which was published; "
        "write version: 2 or more"
    )


def test_a_flags_variant_may_be_renamed_while_it_serves_the_same() -> None:
    texts = spoiled("experiments/checkout.yaml", "serve: three-page", "serve: old-page")
    texts["flags/shop.yaml"] = (
        texts["flags/shop.yaml"]
        .replace("three-page: three-page", "old-page: three-page")
        .replace("default: three-page", "default: old-page")
    )

    after = succeeding(compiled_shop(texts), compiled_shop())

    assert (after.version, after.experiments[KEY].phase) == (2, 1)


def taken_out() -> dict[str, str]:
    texts = spoiled("flags/shop.yaml", "      - {experiment: one-page-checkout}\n", "")
    texts["flags/shop.yaml"] = (
        texts["flags/shop.yaml"]
        .replace("one-page-checkout: [0%, 40%], ", "")
        .replace("  q4: {unit: user, share: 5%, experiments: [one-page-checkout]}", "  {}")
    )
    del texts["experiments/checkout.yaml"]
    return texts


def test_an_experiment_that_was_taken_out_comes_back_as_it_was_in_its_next_phase() -> None:
    before = compiled_shop()
    without = succeeding(compiled_shop(taken_out()), before)
    assert KEY not in without.experiments
    assert (without.ended[KEY].version, without.ended[KEY].phase) == (1, 1)
    assert succeeding(compiled_shop(taken_out()), without) is without

    back = succeeding(changed("experiments/checkout.yaml", "coverage: 50%", "coverage: 60%"), without)

    assert (back.version, back.experiments[KEY].phase, back.ended) == (3, 2, {})


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("experiments/checkout.yaml", "serve: three-page, weight: 2", "serve: three-page, weight: 3"),
        ("experiments/checkout.yaml", "serve: three-page, weight: 2", "serve: one-page, weight: 2"),
        ("flags/shop.yaml", "one-page-checkout: [0%, 40%]", "one-page-checkout: [0%, 30%]"),
        ("flags/shop.yaml", "share: 5%", "share: 6%"),
    ],
)
def test_an_experiment_that_was_taken_out_does_not_come_back_dealing_otherwise(
    file: str, old: str, new: str
) -> None:
    without = succeeding(compiled_shop(taken_out()), compiled_shop())

    with pytest.raises(SpecError) as caught:
        succeeding(changed(file, old, new), without)

    assert str(caught.value) == (
        "experiments.one-page-checkout: version 1 was dealt otherwise before it was taken out; put it back "
        "as it was, or raise the experiment's `version`: all units are dealt afresh"
    )


def test_an_experiment_that_was_taken_out_comes_back_with_a_new_version_and_never_an_old_one() -> None:
    second = changed("experiments/checkout.yaml", "key: one", "version: 2\nkey: one")
    third = changed(
        "experiments/checkout.yaml", "serve: three-page, weight: 2", "serve: three-page, weight: 3"
    )
    renewed = {**third.experiments, KEY: replace(third.experiments[KEY], version=3, salt="variant:x:3")}
    without = succeeding(compiled_shop(taken_out()), second)

    back = succeeding(replace(third, experiments=renewed), without)

    assert (back.experiments[KEY].version, back.experiments[KEY].phase, back.ended) == (3, 1, {})
    with pytest.raises(SpecError, match="version 1 is older than version 2, which was published"):
        succeeding(compiled_shop(), without)


def test_a_salt_that_was_found_deals_and_may_not_change_while_the_version_runs() -> None:
    salted = changed("experiments/checkout.yaml", "coverage: 50%", "coverage: 50%\nsalt: 4711-73")

    assert salted.experiments[KEY].salt == f"variant:{KEY}:1:4711-73"
    with pytest.raises(SpecError, match="the salt changed while version 1 runs"):
        succeeding(salted, compiled_shop())
