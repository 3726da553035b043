from __future__ import annotations

import json

import pytest

from splitrun.conduct.definitions.comparing import side
from splitrun.plan.difference.difference import Difference, Sign, difference
from tests.plan.difference.shop import FILES, bodies_of, changed, found, replaced

REFORMATTED = {
    **FILES,
    "metrics/shop.yaml": """\
# the same in another order, in other words, in one more style
groups: {money: [bought, spent]}
metrics:
  seen:
    better: higher
    window: 168h
    source: visits
    kind: mean
  spent: {"kind": "mean", "source": "orders", "value": "amount", "window": "1w", "better": "higher"}
  bought:
    where: 'amount > 0'
    kind: share
    source: orders
    window: 7d
    better: higher
segments:
  country: {values: country}
sources:
  visits: {time: at, csv: visits.csv, unit: {user: user_id}}
  orders: {time: at, csv: orders.csv, unit: {user: user_id}}
""",
}


def told(one: Difference) -> list[tuple[str, str, str, list[str]]]:
    return [
        (step.sign.value, step.kind, step.key, sorted(field.says for field in step.fields))
        for step in one.steps
    ]


@pytest.mark.requirement("R82")
def test_formatting_order_of_keys_and_other_units_are_no_difference() -> None:
    assert found(FILES, REFORMATTED).steps == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("coverage: 50%", "coverage: 0.5"),
        ("coverage: 50%", "coverage: 500000ppm"),
        ("checkout: [0%, 40%]", "checkout: [0, 0.4]"),
        ("control: {serve: long}", "control: {serve: long, weight: 1}"),
        ("mei: 1pp", "mei: 0.01"),
        ("enrol: 14d", "enrol: 2w"),
        ("  control: {serve: long}\n  short: {serve: short, parameters: {columns: 1}}",
         "  short: {serve: short, parameters: {columns: 1}}\n  control: {serve: long}"),
        ("share: 5%", "share: 0.05"),
        ("[u1, u2]", "{ids: [u2, u1], salt: 'list:shop:staff'}"),
        ("default: long\n", "default: long\n    on: true\n"),
    ],
)  # fmt: skip
def test_another_way_of_writing_the_same_is_no_difference(old: str, new: str) -> None:
    # as of 40% = 0.4 = 400,000 in a million; the last rows write out what stands without being written
    assert changed(old, new).steps == ()


def test_a_difference_reads_like_one_of_git() -> None:
    after = dict(FILES)
    after["metrics/shop.yaml"] = (
        FILES["metrics/shop.yaml"]
        .replace('where: "amount > 0", window: 7d', 'where: "amount > 10", window: 14d, owner: growth')
        .replace("  country: {values: country}", "  device: {values: device}\n  country: {values: country}")
    )
    after["annotations.yaml"] = "- {at: 2026-11-27, kind: campaign, says: Black Friday}\n"

    # by hand, from the two texts above
    assert (
        told(found(FILES, after))
        == [
            ("removed", "annotation", "2026-11-27-campaign-2", []),
            (
                "changed",
                "metric",
                "bought",
                ["owner: nothing -> growth", "window: 7d -> 14d", "where: amount > 0 -> amount > 10"],
            ),
            ("added", "segment", "device", []),
        ]
        or told(found(FILES, after))[1][3].sort() is None
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("coverage: 50%", "coverage: 60%", "coverage: 50% -> 60%"),
        ("mei: 1pp", "mei: 1%", "hypothesis.expect.mei: 1pp -> 1%"),
        ("new: {serve: new, weight: 1}", "new: {serve: new, weight: 2}", "variants.new.weight: 1 -> 2"),
        ("short: {serve: short, parameters", "short: {serve: short, weight: 3, parameters",
         "variants.short.weight: 1 -> 3"),
        ("primary: [money]", "primary: [money, seen]", 'metrics.primary: ["money"] -> ["money", "seen"]'),
        ("[0%, 40%]", "[0%, 50%]", 'slots.checkout: ["0%", "40%"] -> ["0%", "50%"]'),
        ("[u1, u2]", "[u1, u3]", "ids: 2 units -> 2 others"),
        ("[u1, u2]", "[u1, u2, u3]", "ids: 2 units -> 3 units"),
        ("[u1, u2]", "{ids: [u1, u2], salt: another-salt}", "salt: list:shop:staff -> another-salt"),
        ("  user: {key: user_id}\n  account: {}\n", "  account: {}\n  user: {key: user_id}\n",
         "units: user -> account"),
    ],
)  # fmt: skip
def test_a_field_is_shown_as_it_was_written(old: str, new: str, says: str) -> None:
    (step,) = changed(old, new, None).steps

    assert says in [field.says for field in step.fields]


def test_treatments_in_another_order_are_dealt_anew() -> None:
    short, new = "  short: {serve: short, parameters: {columns: 1}}\n", "  new: {serve: new, weight: 1}\n"

    one = changed(short + new, new + short)

    assert [field.says for field in one.steps[0].fields] == ["variants: short, new -> new, short"]
    assert [each.risk.value for each in one.unsafe] == ["refused"]


def test_units_of_a_list_are_counted_and_never_shown() -> None:
    one = changed("[u1, u2]", "[u1, secret-id]")

    assert "secret-id" not in repr(one)
    assert "secret-id" not in json.dumps(list(bodies_of(replaced("[u1, u2]", "[u1, secret-id]")).values()))


def test_what_an_experiment_rests_on_is_named_with_where_it_stands() -> None:
    drafts = changed("csv: orders.csv", "csv: purchases.csv", None)
    live = changed("csv: orders.csv", "csv: purchases.csv", "observing")

    assert [(one.experiment, one.stands) for one in drafts.steps[0].users] == [("checkout", "draft")]
    assert [(one.experiment, one.stands) for one in live.steps[0].users] == [
        ("checkout", "observing in staging")
    ]
    assert changed("other: {type", "another: {type").steps[0].users == ()


def test_everything_is_new_against_nothing() -> None:
    files = bodies_of(FILES)

    one = difference(side({}), side(files))

    assert (one.count(Sign.ADDED), one.unsafe) == (len(files), ())
    assert difference(side(files), side(files)).steps == ()


def test_what_this_version_cannot_read_is_compared_as_it_stands() -> None:
    files = bodies_of(FILES)
    newer = {name: body.replace('"kind":"share"', '"kind":"moonshine"') for name, body in files.items()}

    one = difference(side(newer), side(files))

    assert [(step.kind, step.key, step.sign) for step in one.steps] == [("metric", "bought", Sign.CHANGED)]
    assert one.steps[0].fields[0].says == "kind: moonshine -> share"
