"""Files of flags: what is read, and what is said of what cannot be."""

from __future__ import annotations

from fractions import Fraction

import pytest

from splitrun.errors import SpecError
from splitrun.spec.amount import exact, written_share
from splitrun.spec.flag import ByList, FlagType, ListOfIds, RunRule, ServeRule, Switchboard
from splitrun.spec.reading import read_flags

GOOD = """\
flags:
  a:
    type: string
    variants: {x: one, y: two}
    default: x
    rules:
      - {serve: y, to: {list: staff}}
      - {serve: y, audience: all, coverage: 33.333333333333333%}
      - {experiment: e}
    requires: {b: [true, false], c: 1}
    environments: {staging: {on: false}}
layers:
  l: {unit: user, slots: {e: [0%, 0.4], f: [[400000ppm, 50%], [60%, 1]]}, parameters: {n: 3, o: {k: [1]}}}
lists:
  staff: [u1]
  more: {file: ids.txt, salt: abcdefgh}
"""


def told(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read_flags(text, "f.yaml")
    return str(caught.value).splitlines()


def test_everything_that_may_be_written_is_read() -> None:
    said = read_flags(GOOD, "f.yaml").value

    flag = said.flags["a"]
    assert (flag.type, flag.default, flag.on, flag.archived) == (FlagType.STRING, "x", True, False)
    listed, served, run = flag.rules
    assert listed == ServeRule(serve="y", to=ByList(list="staff"))
    assert type(served) is ServeRule
    assert served.coverage == Fraction("33.333333333333333") / 100
    assert run == RunRule(experiment="e")
    assert flag.requires == {"b": (True, False), "c": 1}
    assert not flag.environments["staging"].on
    layer = said.layers["l"]
    assert layer.slots["e"] == (Fraction(0), Fraction(2, 5))
    assert layer.slots["f"] == ((Fraction(2, 5), Fraction(1, 2)), (Fraction(3, 5), Fraction(1)))
    assert layer.parameters == {"n": 3, "o": {"k": (1,)}}
    assert said.lists == {"staff": ("u1",), "more": ListOfIds(file="ids.txt", salt="abcdefgh")}


def test_what_was_read_is_taken_as_it_is() -> None:
    said = read_flags(GOOD, "f.yaml").value

    parts = {name: getattr(said, name) for name in Switchboard.model_fields}
    assert Switchboard.model_validate(parts) == said
    assert '"2/5"' in said.model_dump_json()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "type: string",
            "type: strng",
            "3:11: flags.a.type: 'strng' is not one of boolean, string, number, object; did you mean string?",
        ),
        ("    default: x\n", "", "2:3: flags.a: `default` is missing; write `default`: the variant of those"),
        (
            "{serve: y, to:",
            "{serv: y, to:",
            "7:10: flags.a.rules[0].serv: this key is not known here; did you mean",
        ),
        (
            "{experiment: e}",
            "3",
            "9:9: flags.a.rules[2]: 3 stands where a mapping of keys to values belongs;",
        ),
        (
            "{experiment: e}",
            "{experiment: e, coverage: 5%}",
            "9:25: flags.a.rules[2].coverage: this key is not known here; take it out; known are experiment",
        ),
        (
            "audience: all",
            "when: x in",
            "8:30: flags.a.rules[1].when: a list in round brackets has to follow `in`",
        ),
        (
            "33.333333333333333%",
            "101%",
            "8:45: flags.a.rules[1].coverage: 101% is no share; write a share from",
        ),
        (
            "33.333333333333333%",
            "5pp",
            "8:45: flags.a.rules[1].coverage: '5pp' is no share; write a share from 0%",
        ),
        (
            "33.333333333333333%",
            "true",
            "8:45: flags.a.rules[1].coverage: true is no share; write a share from 0%",
        ),
        (
            "33.333333333333333%",
            "-0.5",
            "8:45: flags.a.rules[1].coverage: -0.5 is no share; write a share from 0%",
        ),
        (
            "[true, false]",
            "[]",
            "10:19: flags.a.requires.b: nothing is written where at least 1 must be; write at",
        ),
        (
            "{on: false}",
            "{on: 0}",
            "11:34: flags.a.environments.staging.on: 0 stands where true or false belongs;",
        ),
        (
            "[0%, 0.4]",
            "[0%]",
            "13:30: layers.l.slots.e: 1 is written where at least 2 must be; write at least 2",
        ),
        (
            "[0%, 0.4]",
            "[0%, 1%, 2%]",
            "13:30: layers.l.slots.e: 3 are written where at most 2 may be; write at",
        ),
        ("[0%, 0.4]", "40%", "13:30: layers.l.slots.e: '40%' stands where a list belongs; write a list"),
        ("[u1]", "[7]", "15:11: lists.staff[0]: 7 stands where text belongs; write text"),
        (
            "[u1]",
            "['']",
            "15:11: lists.staff[0]: nothing is written where text belongs; write it, or take it out",
        ),
        ("[u1]", "all", "15:10: lists.staff: 'all' stands where a list belongs; write a list"),
        ("file: ids", "fil: ids", "16:10: lists.more.fil: this key is not known here; did you mean `file`?"),
        ("salt: abcdefgh", "salt: a b", "16:31: lists.more.salt: 'a b' is no name"),
        ("lists:", "list:", "14:1: list: this key is not known here; did you mean `lists`?"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place_and_remedy(old: str, new: str, says: str) -> None:
    assert old in GOOD

    (line,) = told(GOOD.replace(old, new, 1))

    assert line.startswith(f"f.yaml:{says}")


def test_a_number_is_the_decimal_that_was_written() -> None:
    assert exact(0.1) == Fraction(1, 10)
    assert exact(1e-05) == Fraction(1, 100_000)
    assert exact(1) == 1


def test_a_share_is_shown_the_way_people_write_it() -> None:
    assert [written_share(Fraction(share)) for share in ("0", "2/5", "1/3", "1", "1/1000000")] == [
        "0%",
        "40%",
        "33.333333%",
        "100%",
        "0.0001%",
    ]
