from __future__ import annotations

import pytest

from splitrun.plan.difference.consequences import Risk
from tests.plan.difference.shop import FILES, changed, found, replaced

REFUSED = [
    ("new: {serve: new, weight: 1}", "new: {serve: new, weight: 2}", "variants.new.weight: 1 -> 2"),
    ("  new: {serve: new, weight: 1}\n", "", "variants.new"),
    ("  short: {serve: short,", "  tiny: {serve: short,", "variants.tiny"),
    ("  control: {serve: long}", "  control: {serve: new}", "variants.control.serve: long -> new"),
    ("parameters: {columns: 1}", "parameters: {columns: 3}", "variants.short.parameters.columns: 1 -> 3"),
    ("title: A shorter", "salt: abc\ntitle: A shorter", "salt: nothing -> abc"),
    ("title: A shorter", "version: 2\ntitle: A shorter", "version: 1 -> 2"),
    ("title: A shorter", "weights: unknown\ntitle: A shorter", "weights"),
    ("layer: page\n", "", "layer: page -> nothing"),
    ("flag: checkout-flow\n", "flag: other\n", "flag: checkout-flow -> other"),
    ("unit: user\nflag", "unit: account\nflag", "unit: user -> account"),
    ("short: one-page", "short: two-page", "variant 'short' would serve something else"),
    ("type: string", "type: object", "type: string -> object"),
    ("    default: long\n", "    default: long\n    unit: account\n", "unit: nothing -> account"),
    ("      - {experiment: checkout}\n", "", "no rule of flag 'checkout-flow' asks it"),
    ("  checkout-flow:\n", "  checkout-flows:\n", "flag 'checkout-flow', which it runs on, is taken out"),
    ("[0%, 40%]", "[0%, 50%]", "slots.checkout"),
    ("slots: {checkout: [0%, 40%]}", "slots: {}", "slots.checkout"),
    ("columns: 2", "columns: 4", "its variants read it"),
    ("  page:\n", "  pages:\n", "layer 'page', which it runs in, is taken out"),
    ("  page:\n    unit: user", "  page:\n    unit: account", "unit: user -> account"),
    ("share: 5%", "share: 6%", "share: 5% -> 6%"),
    ("q4: {unit: user", "q4: {unit: account", "unit: user -> account"),
    ("q4:", "q5:", "units of holdout 'q4' would no longer be kept from it"),
    ("user: {key: user_id}\n  account", "user: {key: uid}\n  account", "would be known by another id"),
    ("  user: {key: user_id}\n  account: {}", "  account: {}\n  user: {key: user_id}", "another unit type"),
    ("[production, staging]", "[production]", "environment 'staging' is taken out"),
    ("  seen: {kind", "  looked: {kind", "metric 'seen' is taken out while it is used"),
    ("  country: {values", "  land: {values", "segment 'country' is taken out while it is used"),
    ("  money: [bought", "  cash: [bought", "group 'money' is taken out while it is used"),
]


@pytest.mark.requirement("R82")
@pytest.mark.parametrize(("old", "new", "says"), REFUSED, ids=[says for _, _, says in REFUSED])
@pytest.mark.parametrize("state", ["running", "paused", "observing"])
def test_what_would_move_units_is_refused_while_they_are_dealt(
    state: str, old: str, new: str, says: str
) -> None:
    try:
        one = changed(old, new, state)
    except AssertionError:
        # the files alone cannot say it: what is left names what is gone
        one = found(
            FILES,
            {**replaced(old, new), "experiments/checkout.yaml": loose()},
            ("checkout", "staging", state),
        )

    refused = [each for each in one.unsafe if each.risk is Risk.REFUSED]

    assert [each for each in refused if says in each.says], [each.says for each in one.unsafe]
    assert all(each.stands == f"{state} in staging" and each.remedy for each in refused)
    assert any("splitrun restart checkout" in each.remedy or "put it back" in each.remedy for each in refused)


def test_a_source_stays_while_an_experiment_is_measured_by_it() -> None:
    files = replaced("source: visits", "source: visit", replaced("  visits: {csv", "  visit: {csv"))

    one = found(FILES, files, ("checkout", "staging", "running"))

    assert [each.says for each in one.unsafe] == ["source 'visits' is taken out while it is used"]


def loose() -> str:
    """The experiment without what can be taken out of it."""
    text = FILES["experiments/checkout.yaml"]
    return text.replace("primary: [money]", "primary: [bought]").replace("  secondary: [seen]\n", "")


AMENDED = [
    ("coverage: 50%", "coverage: 60%"),
    ("audience: dach\n", ""),
    ("mei: 1pp", "mei: 2pp"),
    ("secondary: [seen]", "diagnostic: [seen]"),
    ("primary: [money]", "primary: [bought]"),
    ("segments: [country]\n", ""),
    ("method: fixed", "method: fixed, alpha: 0.01"),
    ("enrol: 14d", "enrol: 21d"),
    ("title: A", "assumptions: [no sale]\ntitle: A"),
]


@pytest.mark.parametrize(("old", "new"), AMENDED)
@pytest.mark.parametrize("state", ["running", "paused", "observing", "registered"])
def test_what_is_sealed_needs_an_amendment(state: str, old: str, new: str) -> None:
    one = changed(old, new, state)

    told = one.steps[0].consequences
    assert {(each.risk, each.blocks) for each in told} == {(Risk.AMENDMENT, state != "registered")}
    assert "splitrun amend checkout --reason TEXT" in told[0].remedy
    assert one.steps[0].risk is Risk.AMENDMENT


SAFE = [
    ("title: A shorter checkout", "title: One page"),
    ("owner: payments", "owner: growth"),
    ("other: {type: boolean", "other: {describe: more, type: boolean"),
    ("slots: {checkout: [0%, 40%]}", "slots: {checkout: [0%, 40%], search: [40%, 80%]}"),
    ("colour: red", "colour: blue"),
    ("new: no-page}", "new: no-page, more: ten-page}"),
    ("{alpha: {max: 0.05}}", "{alpha: {max: 0.01}}"),
    ("[u1, u2]", "[u1, u2, u3]"),
    ("experiments: [checkout]", "experiments: [checkout, search]"),
    ("says: Black Friday}", "says: Red Friday}"),
]


@pytest.mark.parametrize(("old", "new"), SAFE)
def test_what_no_unit_and_no_number_rests_on_passes_in_silence(old: str, new: str) -> None:
    one = changed(old, new)

    assert one.steps
    assert [each.says for step in one.steps for each in step.consequences] == []


NOTED = [
    ("window: 7d, better: higher}\n  spent", "window: 14d, better: higher}\n  spent", "stays in its plan"),
    ("csv: orders.csv", "csv: purchases.csv", "stays in its plan"),
    ("[bought, spent]", "[bought]", "stays in its plan"),
    ("values: country", "values: land", "stays in its plan"),
    ("default: long\n", "default: long\n    on: false\n", "may meet no units"),
    ("default: long\n", "default: long\n    archived: true\n", "may meet no units"),
    ("{serve: short, to: {list: staff}}", "{serve: short, when: beta}", "rules ahead of it"),
    ("'AT', 'CH'", "'AT'", "changes whom it meets"),
    ("project: shop\n", "project: shop\ntimezone: Europe/Berlin\n", "timezone it was sealed with"),
]


@pytest.mark.parametrize(("old", "new", "says"), NOTED)
def test_what_does_not_reach_a_running_experiment_is_told_and_passes(old: str, new: str, says: str) -> None:
    one = changed(old, new)

    notes = [each for step in one.steps for each in step.consequences]
    assert one.unsafe == ()
    assert [says in each.says for each in notes] == [True]


@pytest.mark.parametrize("state", ["draft", "archived", "invalid"])
def test_what_has_no_life_is_held_to_nothing(state: str) -> None:
    files = {name: text for name, text in FILES.items() if name != "experiments/checkout.yaml"}

    assert changed("weight: 1", "weight: 2", state).unsafe == ()
    assert changed("weight: 1", "weight: 2", None).unsafe == ()
    assert found(FILES, files, ("checkout", "staging", state)).unsafe == ()


@pytest.mark.parametrize(
    ("state", "remedy"), [("running", "splitrun stop"), ("registered", "archive"), ("stopped", "archive")]
)
def test_an_experiment_that_lives_is_not_taken_out(state: str, remedy: str) -> None:
    files = {name: text for name, text in FILES.items() if name != "experiments/checkout.yaml"}

    unsafe = found(FILES, files, ("checkout", "staging", state)).unsafe

    assert [each.risk for each in unsafe] == [Risk.REFUSED]
    assert remedy in unsafe[0].remedy


@pytest.mark.parametrize("state", ["stopped", "decided"])
def test_an_experiment_that_ended_is_read_as_it_was_sealed(state: str) -> None:
    one = changed("weight: 1", "weight: 2", state)

    assert one.unsafe == ()
    assert "it has ended and is read as it was sealed" in one.steps[0].consequences[0].says
    (note,) = changed("csv: orders.csv", "csv: purchases.csv", state).steps[0].consequences
    assert "stays in its plan" in note.says


def test_the_gravest_state_of_all_environments_counts() -> None:
    one = found(
        FILES,
        replaced("weight: 1", "weight: 2"),
        ("checkout", "production", "running"),
        ("checkout", "staging", "decided"),
    )

    assert [each.stands for each in one.unsafe] == ["running in production, decided in staging"]


def test_what_another_experiment_fills_is_held_to_the_same() -> None:
    base = FILES["experiments/checkout.yaml"].replace("key: checkout", "key: base")
    derived = "key: checkout\nextends: base\n"
    before = {**FILES, "experiments/base.yaml": base, "experiments/checkout.yaml": derived}
    after = {**before, "experiments/base.yaml": base.replace("weight: 1", "weight: 2")}

    one = found(before, after, ("checkout", "production", "running"))

    assert [(step.kind, step.key) for step in one.steps] == [("experiment", "base")]
    assert [(each.experiment, each.risk) for each in one.unsafe] == [("checkout", Risk.REFUSED)]


def test_what_its_flag_asks_first_is_told() -> None:
    asking = replaced("    default: long\n", "    default: long\n    requires: {other: true}\n")
    one = found(
        asking, replaced('default: "off"', 'default: "on"', asking), ("checkout", "staging", "running")
    )

    (note,) = one.steps[0].consequences
    assert (one.unsafe, note.says) == ((), "its flag asks flag 'other' first, which changes")


def test_what_is_triggered_by_a_source_or_cut_by_strata_rests_on_it() -> None:
    text = "segments: [country]\nanalysis: {method: fixed, adjust: {strata: [country]}}\n"
    more = replaced(
        "segments: [country]\nanalysis: {method: fixed}\n",
        text + 'trigger: {source: visits, where: "page = 1"}\n',
        replaced("audience: dach\n", "audience: dach and beta\n"),
    )

    one = found(more, replaced("csv: visits.csv", "csv: seen.csv", more), ("checkout", "staging", "paused"))

    assert [(each.experiment, each.stands) for each in one.steps[0].users] == [
        ("checkout", "paused in staging")
    ]
