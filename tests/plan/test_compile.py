"""Rulesets from files: thresholds, salts and names by hand arithmetic; mistakes with their whole messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec import json
from ruamel.yaml import YAML

from splitrun.assign.ruleset import WHOLE, Arm, Override, Requirement, Run, Serve, Type
from splitrun.errors import SpecError
from splitrun.plan.compile import Publication, Standing, compiled
from splitrun.plan.folder import folder, lint
from splitrun.plan.seal import sealed
from splitrun.terms.parse import parse
from tests.plan.shop import CHECKOUT, FLAGS, TEXTS, compiled_shop, mistakes_of, spoiled


@dataclass(frozen=True, slots=True)
class Case:
    """One way to spoil the project."""

    name: str
    file: str
    old: str
    new: str
    says: tuple[str, ...]


def cases() -> list[object]:
    table = (Path(__file__).parent / "bad" / "switches.yaml").read_text(encoding="utf-8")
    read = YAML(typ="safe", pure=True).load(table)
    found = [Case(e["case"], e["file"], e["old"], e["new"], tuple(e["says"])) for e in read]
    return [pytest.param(case, id=case.name) for case in found]


def test_the_project_to_be_spoiled_is_good() -> None:
    assert mistakes_of(TEXTS) == []


@pytest.mark.parametrize("case", cases())
def test_what_does_not_fit_together_is_told_with_place_reason_and_remedy(case: Case) -> None:
    assert mistakes_of(spoiled(case.file, case.old, case.new)) == list(case.says)


def test_mistakes_of_several_files_are_told_at_once() -> None:
    texts = spoiled("flags/shop.yaml", "default: three-page", "default: two-page")
    texts["experiments/checkout.yaml"] = CHECKOUT.replace("layer: checkout", "layer: chekout")

    told = mistakes_of(texts)

    assert [line.split(" ")[0] for line in told] == [
        "flags/shop.yaml:8:14:",
        "flags/shop.yaml:18:32:",
        "experiments/checkout.yaml:14:8:",
    ]


def test_flags_that_cannot_be_read_hide_nothing_else_and_invent_nothing() -> None:
    told = mistakes_of(spoiled("flags/shop.yaml", "type: string", "type: strng"))

    assert told == [
        (
            "flags/shop.yaml:4:11: flags.checkout-flow.type: 'strng' is not one of boolean, string, number, "
            "object; did you mean string?"
        )
    ]


def test_an_experiment_that_cannot_be_read_is_known_by_name() -> None:
    told = mistakes_of(spoiled("experiments/checkout.yaml", "coverage: 50%", "coverage: 500%"))

    assert told == [
        (
            "experiments/checkout.yaml:10:11: coverage: 500% is no share of units; "
            "write a share above 0% and at most 100%, like 50%"
        )
    ]


def test_a_name_defined_in_two_files_is_refused() -> None:
    told = mistakes_of(
        {**TEXTS, "flags/z.yaml": "audiences: {dach: wet}\nlayers: {checkout: {unit: user}}\n"}
    )

    assert told == [
        (
            "flags/z.yaml:2:10: layers.checkout: 'checkout' is defined here again; it stands in "
            "flags/shop.yaml already; rename or drop one of them"
        ),
        (
            "flags/z.yaml:1:13: audiences.dach: 'dach' is defined here again; it stands in "
            "flags/shop.yaml already; rename or drop one of them"
        ),
    ]


@pytest.mark.requirement("R15")
def test_weights_become_whole_thresholds_and_the_last_variant_takes_what_is_left() -> None:
    arms = compiled_shop().experiments["one-page-checkout"].arms

    # control first, as in the plan: floor(2/3 * 4294967296) = floor(2863311530.67)
    assert arms == (
        Arm(variant="control", serve="three-page", below=2863311530),
        Arm(variant="one-page", serve="one-page", below=WHOLE, parameters={"columns": 1}),
    )


@pytest.mark.requirement("R15")
def test_a_share_of_a_hundred_thousandth_of_a_percent_is_exact() -> None:
    texts = spoiled("flags/shop.yaml", "coverage: 10%", "coverage: 0.1ppm")

    (_, serve, _) = compiled_shop(texts).flags["checkout-flow"].rules

    # floor(10^-7 * 2^32) = floor(429.4967...)
    assert type(serve) is Serve
    assert serve.coverage == 429


def test_an_experiment_says_all_that_clients_ask() -> None:
    made = compiled_shop().experiments["one-page-checkout"]

    assert (made.flag, made.unit, made.version, made.phase) == ("checkout-flow", "user", 1, 1)
    assert made.salt == "variant:one-page-checkout:1"
    assert made.coverage == 2**31
    assert made.coverage_salt == "coverage:one-page-checkout:1"
    assert made.layer == "checkout"
    assert made.slots == ((0, 1717986918),)  # floor(0.4 * 2^32) = floor(1717986918.4)
    assert made.holdouts == ("q4",)
    assert made.enrolling
    assert made.attributes == ("country", "tenure")


def test_audiences_are_written_out_as_trees() -> None:
    made = compiled_shop()

    asked = "country in ('DE', 'AT', 'CH') and semver(app_version) >= semver('5.2.0')"
    assert made.experiments["one-page-checkout"].audience == parse(asked)
    (_, serve, _) = made.flags["checkout-flow"].rules
    assert type(serve) is Serve
    assert serve.when == parse("country in ('DE', 'AT', 'CH') and beta")


def test_audiences_may_name_each_other_anywhere_in_a_condition() -> None:
    more = (
        'audiences:\n  shy: "not dach"\n  odd: "(case_count + -1) * 2 > abs(x) and y between low and high"\n'
        "  all: \"coalesce(shy, dach) or odd is not true or name like 'a%' or z in (1, two) "
        'or dach is null"\n'
    )
    texts = {
        **TEXTS,
        "flags/shop.yaml": FLAGS.replace("audiences:\n", more).replace("audience: dach", "audience: all"),
    }

    (_, serve, _) = compiled_shop(texts).flags["checkout-flow"].rules

    dach = "country in ('DE', 'AT', 'CH')"
    odd = "(case_count + -1) * 2 > abs(x) and y between low and high"
    assert type(serve) is Serve
    assert serve.when == parse(
        f"(coalesce(not ({dach}), {dach}) or ({odd}) is not true or name like 'a%' or z in (1, two) "
        f"or ({dach}) is null) and beta"
    )


def test_a_condition_that_grows_too_large_or_too_deep_is_refused() -> None:
    codes = ", ".join(f"'{number:03}'" for number in range(600))
    large = f'audiences:\n  big: "country in ({codes})"\n  more: big or not big\n  most: more or not more\n'
    steep = "".join(f"  d{n}: not (not (d{n - 1} or x{n} = 1) and y{n})\n" for n in range(1, 40))

    told = mistakes_of(spoiled("flags/shop.yaml", "audiences:\n", large))
    deep = mistakes_of(spoiled("flags/shop.yaml", "audiences:\n", f"audiences:\n  d0: w\n{steep}"))

    assert told == [
        (
            "flags/shop.yaml:25:9: audiences.most: written out with its audiences, the condition has more "
            "than 2,000 values and operators; split it, or use fewer audiences in it"
        )
    ]
    assert deep
    assert all("has brackets and operators deeper than 100" in line for line in deep)


def test_a_flag_says_all_that_clients_ask() -> None:
    made = compiled_shop().flags["checkout-flow"]

    assert (made.type, made.unit, made.default, made.on) == (Type.STRING, "user", "three-page", True)
    assert made.variants == {"three-page": "three-page", "one-page": "one-page"}
    assert made.overrides == (Override(serve="one-page", list="staff"),)
    assert made.requires == (Requirement(flag="new-cart", variants=("on",)),)
    internal, ring, run = made.rules
    assert internal == Serve(serve="one-page", when=parse("plan = 'internal'"))
    assert type(ring) is Serve
    assert (ring.coverage, ring.salt) == (429496729, "rollout:checkout-flow")  # floor(0.1 * 2^32)
    assert run == Run(experiment="one-page-checkout")


def test_a_variant_is_named_by_its_key_or_by_a_value_that_only_it_serves() -> None:
    flags = """\
flags:
  size: {type: number, variants: {small: 1, large: 10, huge: 10}, default: 1.0, rules: [{serve: large}]}
  dark: {type: boolean, default: false}
  bright: {type: boolean, variants: {yes: true, no: false}, default: true}
  menu:
    type: object
    variants: {none: {}, all: {items: [a, {b: true}]}}
    default: none
    requires: {size: [1, huge]}
"""

    made = compiled_shop({"flags/f.yaml": flags}).flags

    assert made["size"].default == "small"
    assert made["size"].rules == (Serve(serve="large"),)
    assert (made["dark"].default, made["dark"].variants) == ("off", {"on": True, "off": False})
    assert made["bright"].default == "yes"
    assert made["menu"].variants["all"] == {"items": ["a", {"b": True}]}
    assert made["menu"].requires == (Requirement(flag="size", variants=("small", "huge")),)


def test_a_layer_carries_its_parameters_and_experiments_in_the_order_of_slots() -> None:
    made = compiled_shop()

    layer = made.layers["checkout"]
    assert (layer.unit, layer.salt) == ("user", "layer:checkout")
    assert layer.experiments == ("one-page-checkout", "search")
    assert layer.parameters == {"columns": 3, "ranking": "clicks"}
    search = made.experiments["search"]
    assert search.flag is None
    assert search.arms == (
        Arm(variant="control", serve="", below=2**31),
        Arm(variant="ranked", serve="", below=WHOLE, parameters={"ranking": "sales"}),
    )
    assert search.slots == ((1717986918, 2**31), (2576980377, WHOLE))


def test_a_holdout_is_a_threshold_under_its_own_salt() -> None:
    made = compiled_shop().holdouts["q4"]

    assert (made.unit, made.salt, made.below) == ("user", "holdout:q4", 214748364)  # floor(0.05 * 2^32)


def test_lists_are_salted_hashes_in_an_order_that_tells_nothing() -> None:
    made = compiled_shop().lists

    def hashed(salt: str, *ids: str) -> tuple[str, ...]:
        return tuple(sorted(sha256(f"{salt}:{one}".encode()).hexdigest()[:32] for one in ids))

    assert made["staff"].salt == "list:shop:staff"
    assert made["staff"].hashes == hashed("list:shop:staff", "u1", "u2")
    assert made["beta"].hashes == hashed("list:shop:beta", "u3", "u4")


def test_the_salt_of_a_list_may_be_given() -> None:
    texts = spoiled("flags/shop.yaml", "staff: [u1, u2]", "staff: {ids: [u1], salt: 9f86d081884c}")

    made = compiled_shop(texts).lists["staff"]

    assert made.salt == "9f86d081884c"
    assert made.hashes == (sha256(b"9f86d081884c:u1").hexdigest()[:32],)


def test_a_file_of_ids_may_be_bytes_and_must_be_utf8_of_a_bounded_size() -> None:
    whole = folder(TEXTS)
    assert whole.board is not None

    def told(content: bytes) -> list[str]:
        files = Publication(files={"lists/beta.txt": content})
        try:
            assert whole.board is not None
            compiled(whole.project, whole.experiments, whole.board, whole.library, files)
        except SpecError as error:
            return str(error).splitlines()
        return []

    assert told("\ufeffü\n".encode()) == []
    assert told(b"u\n\xff\n") == ["lists/beta.txt:1:1: byte 0xff is not UTF-8; save the file as UTF-8"]
    assert told(b"u\n" * 20_001) == [
        (
            "lists/beta.txt:1:1: the file holds 20,001 ids; at most 20,000 are taken; "
            "tell such units by an attribute and `when`"
        )
    ]
    assert told(b"u" * 4_097) == [
        f"lists/beta.txt:1:1: the unit id '{'u' * 40}'… is longer than 4,096 bytes; give a shorter one"
    ]


def test_unit_types_name_the_attribute_of_their_id_and_the_first_is_the_targeting_keys() -> None:
    declared = compiled_shop()
    alone = compiled_shop({"flags/f.yaml": "flags: {a: {type: boolean, unit: device, default: off}}\n"})

    assert list(declared.units.items()) == [("user", "user_id"), ("account", "account")]
    assert alone.units == {"device": "device"}
    assert (alone.project, alone.environment) == ("", "production")


def test_an_environment_may_switch_a_flag() -> None:
    assert compiled_shop().flags["new-cart"].on
    assert not compiled_shop(environment="staging").flags["new-cart"].on
    assert compiled_shop(environment="staging").environment == "staging"
    with pytest.raises(SpecError) as caught:
        compiled_shop(environment="stagign")
    assert str(caught.value) == "there is no environment 'stagign' in splitrun.yaml; did you mean 'staging'?"


def test_a_ruleset_names_no_owner_and_no_hypothesis_and_no_id() -> None:
    sent = json.encode(compiled_shop()).decode()

    secrets = (
        "payments-team",
        "one page instead",
        "dropped",
        "how many pages",
        "ranked by sales",
        "nobody scrolls",
    )
    assert not [secret for secret in (*secrets, '"u1"', '"u2"', '"u3"', '"u4"') if secret in sent]


@pytest.mark.requirement("R17")
def test_the_same_files_give_the_same_bytes() -> None:
    assert json.encode(compiled_shop(dict(TEXTS))) == json.encode(
        compiled_shop(dict(reversed(TEXTS.items())))
    )


@pytest.mark.requirement("R62")
def test_a_new_version_has_new_salts_and_names_the_old_one() -> None:
    first = compiled_shop().experiments["one-page-checkout"]
    texts = spoiled("experiments/checkout.yaml", "flag: checkout-flow", "version: 2\nflag: checkout-flow")

    second = compiled_shop(texts).experiments["one-page-checkout"]

    assert second.version == 2
    assert (second.salt, second.coverage_salt) == (
        "variant:one-page-checkout:2",
        "coverage:one-page-checkout:2",
    )
    assert second.salt != first.salt
    whole = folder(texts)
    draft = whole.experiments["one-page-checkout"]
    plan = sealed(draft, whole.library, whole.project, whole.experiments, awaited=True)
    assert (plan.delivery.version, plan.delivery.follows) == (2, 1)


def test_what_is_kept_outside_the_file_wins_over_it() -> None:
    stands = {"one-page-checkout": Standing(version=3, phase=4, coverage=Fraction(1, 4), enrolling=False)}

    made = compiled_shop(version=17, standing=stands)

    assert made.version == 17
    assert list(made.experiments) == ["one-page-checkout"]
    experiment = made.experiments["one-page-checkout"]
    assert (experiment.version, experiment.phase, experiment.coverage) == (3, 4, 2**30)
    assert experiment.salt == "variant:one-page-checkout:3"
    assert not experiment.enrolling
    assert made.layers["checkout"].experiments == ("one-page-checkout",)


def test_an_experiment_that_does_not_run_is_not_asked() -> None:
    made = compiled_shop(standing={})

    assert made.experiments == {}
    assert [type(rule) for rule in made.flags["checkout-flow"].rules] == [Serve, Serve]


@pytest.mark.parametrize(
    ("written", "below"),
    [
        ("", WHOLE),
        ("ramp: [{coverage: 1%, hold: 1d}, {coverage: 50%}]\n", 42949672),
        ("coverage: 0.5\n", 2**31),
    ],
)
def test_coverage_is_what_is_written_else_the_first_step_of_the_ramp_else_all(
    written: str, below: int
) -> None:
    texts = spoiled("experiments/checkout.yaml", "coverage: 50%\n", written)

    assert compiled_shop(texts).experiments["one-page-checkout"].coverage == below


def test_a_ruleset_that_clients_would_refuse_is_refused_first() -> None:
    ids = "\n".join(f"unit-{number}" for number in range(19_000))
    lists = "lists:\n" + "".join(
        f"  l{number}: {{file: ids.txt, salt: salt-{number:04}}}\n" for number in range(4)
    )

    (told,) = mistakes_of({"flags/f.yaml": lists, "ids.txt": ids})

    # 4 lists of 19,000 hashes of 32 digits, two quotes and a comma each
    assert re.fullmatch(
        r"the ruleset has 2,660,\d{3} bytes; clients take at most 1,048,576; "
        "make the lists smaller; they are the largest part of it",
        told,
    )


def test_a_lone_ruleset_of_nothing_is_a_ruleset() -> None:
    assert compiled_shop({"flags/f.yaml": "{}\n"}).flags == {}
    assert lint({"flags/f.yaml": "{}\n"}) == ()


def test_what_stands_for_a_missing_id_is_on_no_list() -> None:
    lists = "lists:\n  a: [u1, 'null']\n  b: {ids: [None, ' u']}\n  c: {ids: []}\n"

    assert mistakes_of({"flags/f.yaml": lists}) == [
        "flags/f.yaml:2:11: lists.a[1]: the unit id 'null' stands for a missing one; give the id itself",
        "flags/f.yaml:3:13: lists.b.ids[0]: the unit id 'None' stands for a missing one; give the id itself",
        "flags/f.yaml:3:19: lists.b.ids[1]: the id begins or ends with a blank; take the blank out",
    ]


def test_a_chain_of_prerequisites_that_clients_would_refuse_is_refused_first() -> None:
    chain = "flags:\n  f0: {type: boolean, default: off}\n" + "".join(
        f"  f{n}: {{type: boolean, default: off, requires: {{f{n - 1}: on}}}}\n" for n in range(1, 25)
    )

    (told,) = mistakes_of({"flags/f.yaml": chain})

    assert told == (
        "the prerequisites of flag 'f20' go in a circle or over more than 20 flags; break the chain"
    )


def test_moments_are_read_in_the_projects_timezone() -> None:
    texts = spoiled("splitrun.yaml", "project: shop\n", "project: shop\ntimezone: Europe/Berlin\n")

    assert compiled_shop(texts).timezone == "Europe/Berlin"
    assert compiled_shop().timezone == "UTC"


@pytest.mark.parametrize("segments", ["", "segments: {tier: {values: tier}, old: {when: years > 3}}\n"])
def test_segments_of_the_experiments_own_file_name_attributes_too(segments: str) -> None:
    texts = spoiled("experiments/checkout.yaml", "segments: [country, new]\n", segments)

    made = compiled_shop(texts).experiments["one-page-checkout"].attributes

    assert made == (("tier", "years") if segments else ())


def test_an_experiment_with_slots_in_two_layers_is_refused() -> None:
    texts = spoiled(
        "flags/shop.yaml", "layers:\n", "layers:\n  other: {unit: user, slots: {search: [0%, 1%]}}\n"
    )

    assert mistakes_of(texts) == [
        (
            "flags/shop.yaml:16:39: layers.other.slots.search: experiment 'search' names layer 'checkout', "
            "and has slots in 'other'; write layer: other in experiments/search.yaml, or take the slots out"
        )
    ]
