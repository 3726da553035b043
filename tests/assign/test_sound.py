from __future__ import annotations

import pytest

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import (
    WHOLE,
    Arm,
    Flag,
    Holdout,
    IdList,
    Layer,
    Override,
    Requirement,
    Ruleset,
    Run,
    Serve,
    Type,
)
from splitrun.assign.sound import CHAIN, FLAGS
from splitrun.errors import RulesetError
from splitrun.terms.tree import And, Call, Column, Function, Not, Text, Tree
from tests.assign.rulesets import HALF, RULESETS, experiment, flag, ruleset, serve, switch


def on_flag(**more: object) -> Ruleset:
    return ruleset(flags={"f": switch(rules=(Run("e"),))}, experiments={"e": experiment("e", "f", **more)})


def chain(length: int) -> dict[str, Flag]:
    """Flags in a row, each the prerequisite of the one before."""
    last = {str(length - 1): switch(rules=(serve("on"),))}
    return last | {
        str(place): switch(requires=(Requirement(str(place + 1), ("on",)),), rules=(serve("on"),))
        for place in range(length - 1)
    }


def doubled(length: int) -> dict[str, Flag]:
    """Each flag requires the next twice: asking the first asks the last 2**length times."""
    last = {str(length): switch()}
    return last | {
        str(place): switch(requires=(Requirement(str(place + 1), ("off",)),) * 2) for place in range(length)
    }


def deep(levels: int) -> Tree:
    return Not(deep(levels - 1)) if levels else Column("p")


MATCH = Call(Function.REGEXP_MATCHES, (Column("v"), Text("(?=a)")))

REFUSED = {
    "the ruleset names no unit type": ruleset(units={}),
    "no time zone is called 'Mars'": ruleset(timezone="Mars"),
    "no time zone is called '../etc'": ruleset(timezone="../etc"),
    "flag 'f' names the unit type 'cat'": ruleset(flags={"f": switch(unit="cat")}),
    "flag 'f' names the variant 'maybe'": ruleset(flags={"f": flag(Type.BOOLEAN, "maybe", {})}),
    "flag 'f' names the variant 'x'": ruleset(flags={"f": switch(rules=(Serve("x"),))}),
    "flag 'f' names the list 'staff'": ruleset(flags={"f": switch(overrides=(Override("on", "staff"),))}),
    "flag 'f' names the variant 'z'": ruleset(flags={"f": switch(overrides=(Override("z", "staff"),))}),
    "flag 'f' names the flag 'g'": ruleset(flags={"f": switch(requires=(Requirement("g", ()),))}),
    "flag 'g' names the variant 'w'": ruleset(
        flags={"f": switch(), "g": switch(requires=(Requirement("f", ("w",)),))}
    ),
    "flag 'f' serves a int as 'on' and is of type boolean": ruleset(
        flags={"f": flag(Type.BOOLEAN, "on", {"on": 1})}
    ),
    "flag 'f' serves a bool as 'on' and is of type number": ruleset(
        flags={"f": flag(Type.NUMBER, "on", {"on": True})}
    ),
    "flag 'f' serves a NoneType as 'on' and is of type object": ruleset(
        flags={"f": flag(Type.OBJECT, "on", {"on": None})}
    ),
    "the ruleset has 5,001 flags and may have 5,000": ruleset(flags={str(n): switch() for n in range(5_001)}),
    "flag 'f' has more than 1,000 rules": ruleset(flags={"f": switch(rules=(Serve("on"),) * 1_001)}),
    "flag 'f' names the experiment 'e'": ruleset(flags={"f": switch(rules=(Run("e"),))}),
    "flag 'f' asks an experiment twice": ruleset(
        flags={"f": switch(rules=(Run("e"), Run("e")))}, experiments={"e": experiment("e", "f")}
    ),
    "flag 'f' asks the experiment 'e', which is not on it": ruleset(
        flags={"f": switch(rules=(Run("e"),))}, experiments={"e": experiment("e", None)}
    ),
    "flag 'f' has the threshold -1 after 0": ruleset(
        flags={"f": switch(rules=(Serve("on", None, -1, "s"),))}
    ),
    "flag 'f' covers a share of units and has no salt": ruleset(
        flags={"f": switch(rules=(Serve("on", None, HALF),))}
    ),
    "experiment 'e' leaves slots to no variant": on_flag(arms=(Arm("control", "off", HALF),)),
    "experiment 'e' leaves slots to no variant; ": on_flag(arms=()),
    "experiment 'e' has the threshold 2147483648 after 4294967296": on_flag(
        arms=(Arm("a", "off", WHOLE), Arm("b", "on", HALF), Arm("c", "on", WHOLE))
    ),
    "experiment 'e' has the threshold -1 after 0": on_flag(coverage=-1),
    "experiment 'e' covers a share of units and has no salt": on_flag(coverage=HALF, coverage_salt=""),
    "experiment 'e' on flag 'f' names the variant 'maybe'": on_flag(arms=(Arm("a", "maybe", WHOLE),)),
    "experiment 'e' names the unit type 'cat'": on_flag(unit="cat"),
    "experiment 'e' names the layer 'l'": on_flag(layer="l"),
    "experiment 'e' names the holdout 'h'": on_flag(holdouts=("h",)),
    "experiment 'e' names the flag 'g'": ruleset(experiments={"e": experiment("e", "g")}),
    "experiment 'e' has the threshold 5 after 10": on_flag(slots=((10, 5),)),
    "an expression is nested deeper than 250 levels": on_flag(audience=deep(300)),
    "is not one of RE2": on_flag(audience=MATCH),
    "parts and may have 50,000": on_flag(audience=And((Column("p"),) * 50_000)),
    "more than 50,000 rules and parts of rules": ruleset(
        flags={"f": switch(rules=(Run("e"),))},
        experiments={"e": experiment("e", "f", holdouts=("h",) * 50_000)},
        holdouts={"h": Holdout("user", "s", 1)},
    ),
    "holdout 'h' names the unit type 'cat'": ruleset(holdouts={"h": Holdout("cat", "s", 1)}),
    "holdout 'h' has the threshold 4294967296 after 4294967297": ruleset(
        holdouts={"h": Holdout("user", "s", WHOLE + 1)}
    ),
    "layer 'l' names the unit type 'cat'": ruleset(layers={"l": Layer("cat", "s")}),
    "layer 'l' names the experiment 'e', which the ruleset has not": ruleset(
        layers={"l": Layer("user", "s", {}, ("e",))}
    ),
    "layer 'l' names the experiment 'e', which is not in it": ruleset(
        experiments={"e": experiment("e", None)}, layers={"l": Layer("user", "s", {}, ("e",))}
    ),
    "layer 'l' gives slot 5 to 'a' and to 'b'": ruleset(
        experiments={
            "a": experiment("a", None, layer="l", slots=((0, 6),)),
            "b": experiment("b", None, layer="l", slots=((5, 9),)),
        },
        layers={"l": Layer("user", "s", {}, ("a", "b"))},
    ),
    "list 'l' has 'XYZ'": ruleset(lists={"l": IdList("s", ("XYZ",))}),
    "the prerequisites of flag 'f' go in a circle": ruleset(
        flags={"f": switch(requires=(Requirement("f", ("on",)),))}
    ),
    "the prerequisites of flag 'a' go in a circle": ruleset(
        flags={
            "a": switch(requires=(Requirement("b", ("on",)),)),
            "b": switch(requires=(Requirement("c", ("on",)),)),
            "c": switch(requires=(Requirement("a", ("on",)),)),
        }
    ),
    "or over more than 20 flags": ruleset(flags=chain(CHAIN + 1)),
    "asks more than 100 flags": ruleset(flags=doubled(10)),
}  # fmt: skip


@pytest.mark.parametrize("says", list(REFUSED))
def test_a_ruleset_that_does_not_hold_together_is_refused(says: str) -> None:
    with pytest.raises(RulesetError) as caught:
        Evaluator(REFUSED[says])

    assert says in str(caught.value)


@pytest.mark.parametrize("name", list(RULESETS))
def test_a_ruleset_that_holds_together_is_taken(name: str) -> None:
    assert Evaluator(RULESETS[name]).ruleset is RULESETS[name]


def test_a_chain_of_the_longest_is_walked_in_a_deep_stack() -> None:
    evaluator = Evaluator(ruleset(flags=chain(CHAIN)))

    assert evaluator.evaluate("0", "user-1", {}).value is True


def test_a_chain_of_as_many_flags_as_may_be_is_refused_without_recursion() -> None:
    with pytest.raises(RulesetError, match="over more than 20 flags"):
        Evaluator(ruleset(flags=chain(FLAGS)))
