from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from splitrun.cli.designs import DESIGNS as TOLD
from splitrun.errors import SpecError
from splitrun.plan.designs.design import DESIGNS, Switchback, moment, read_design
from splitrun.plan.designs.dice import Dice, seed_of

SIMPLE: dict[str, object] = {"key": "tried", "unit": "id"}
BACK: dict[str, object] = {
    "design": "switchback", "key": "tried", "start": "2026-05-04T00:00", "zone": "UTC", "period": "1h",
    "periods": 336,
}  # fmt: skip


def test_the_command_line_tells_every_design() -> None:
    assert tuple(DESIGNS) == TOLD


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({**SIMPLE, "design": "bloked"}, r"there is no design 'bloked'; did you mean 'blocked'\?"),
        ({**SIMPLE, "covariate": ["age"]}, r"covariate: .* did you mean `covariates`\?"),
        ({"key": "tried"}, r"`unit` is missing; write `unit`: the column with the unit's id"),
        ({"unit": "id"}, r"neither `key` nor `seed` is written.*; write the experiment's key, or a seed"),
        ({**SIMPLE, "variants": {"a": 1, "b": 1}}, r"no variant is `control` among a, b"),
        ({**SIMPLE, "variants": {"control": 0, "b": 1}}, r"variants.control: this must be at least 1, not 0"),
        ({**SIMPLE, "variants": {"control": 1}}, r"at least 2"),
        ({**SIMPLE, "seed": -1}, r"seed: this must be at least 0, not -1"),
        ({**SIMPLE, "seed": object()}, r"seed: a value of type object stands where"),
        ({**SIMPLE, "salt": "s"}, r"a salt \('s'\) says nothing to an exact draw"),
        ({"unit": "id", "seed": 1, "draw": "hash"}, r"a draw by hash needs a salt"),
        ({**SIMPLE, "draw": "hsh"}, r"did you mean hash\?"),
        ({**SIMPLE, "covariates": ["age", "age"]}, r"the column 'age' is named twice"),
        ({**SIMPLE, "covariates": ["id"]}, r"the column 'id' is named twice"),
        ({**SIMPLE, "design": "blocked"}, r"`strata` is missing"),
        ({**SIMPLE, "design": "blocked", "strata": []}, r"at least 1"),
        ({**SIMPLE, "design": "blocked", "strata": ["a"], "covariates": ["a"]}, r"'a' is named twice"),
        ({**SIMPLE, "design": "cluster", "cluster": "a", "strata": ["a"]}, r"'a' is named twice"),
        ({**SIMPLE, "design": "salt-search"}, r"`covariates` is missing"),
        ({"unit": "i", "seed": 1, "design": "salt-search", "covariates": ["a"]}, r"write `key`"),
        ({**BACK, "zone": "Mars/Base"}, r"'Mars/Base' is no time zone"),
        ({**BACK, "zone": "../etc"}, r"is no time zone"),
        ({**BACK, "start": "soon"}, r"'soon' is no moment; write it like 2026-12-07T00:00"),
        ({**BACK, "start": 5}, r"5 is no moment"),
        ({**BACK, "burn_in": "1h"}, r"a burn-in of 1:00:00 leaves nothing of a period of 1:00:00"),
        ({**BACK, "most_in_row": 2, "variants": {"control": 1, "b": 2}}, r"unequal weights \(control 1, b 2"),
        ({**BACK, "covariates": ["age"]}, r"'switchback' takes no `covariates`; take it out"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_said_with_what_to_do(said: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        read_design(said)


def test_a_schedule_keeps_what_was_written() -> None:
    read = read_design({**BACK, "burn_in": "15m"})

    assert isinstance(read, Switchback)
    assert read.burnt == timedelta(minutes=15)
    assert read.model_dump(mode="json")["start"] == "2026-05-04T00:00:00"
    assert moment(datetime(2026, 5, 4, tzinfo=UTC)) == datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.requirement("R17")
def test_the_seed_of_a_key_and_the_numbers_of_a_seed_never_change() -> None:
    # coreutils: printf 'design:tried:blocked' | sha256sum begins with these twelve digits
    assert seed_of("tried", "blocked") == 0x9D334E3A4C66
    assert Dice(7).order("deal", 10).tolist() == Dice(7).order("deal", 10).tolist()
    assert Dice(7).order("deal", 10).tolist() != Dice(8).order("deal", 10).tolist()
    assert sorted(Dice(7).order("deal", 10).tolist()) == list(range(10))
