"""Exposures as clients log them, spoiled one at a time: the audit names what was done to each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from msgspec.structs import replace
from pyarrow import parquet

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE, IdList, Override, Ruleset, Run, Serve
from splitrun.assign.slots import listed, slot
from splitrun.assign.transmission import sealed
from splitrun.conduct.audit import Audited, audit
from splitrun.conduct.rulesets import publish
from splitrun.errors import DataError, RulesetError, SpecError
from splitrun.measure.audit import EXPLAINED, Agreement
from splitrun.sdk.event import Alias, Batch, Event, Exposure, Unit
from tests.plan.shop import CHECKOUT, FLAGS, TEXTS, compiled_shop

KEY = "one-page-checkout"
AUDIENCE = "country in ('DE', 'FR') and tenure < 100"


def shop(coverage: str = "50%") -> dict[str, str]:
    """The project with an audience whose attributes exposures carry."""
    checkout = CHECKOUT.replace("coverage: 50%", f"coverage: {coverage}").replace(
        "dach and semver(app_version) >= semver('5.2.0')", AUDIENCE
    )
    flags = FLAGS.replace("default: off,", "default: on,")
    # exposures carry what neither of these asks
    flags = re.sub(r"      - \{serve: one-page, (when|audience).*\n", "", flags)
    return {**TEXTS, "experiments/checkout.yaml": checkout, "flags/shop.yaml": flags}


def context(number: int) -> dict[str, object]:
    return {"country": ("DE", "FR", "US")[number % 3], "tenure": number % 120, "extra": number % 2 == 0}


def exposure(ruleset: Ruleset, unit: str, variant: str, attributes: Mapping[str, object]) -> Exposure:
    experiment = ruleset.experiments[KEY]
    return Exposure(
        id=f"{abs(hash(unit)):032x}",
        time="2026-03-02T06:00:00.000000Z",
        unit=Unit("user", unit),
        flag="checkout-flow",
        experiment=KEY,
        version=experiment.version,
        phase=experiment.phase,
        variant=variant,
        ruleset=ruleset.version,
        reason="SPLIT",
        detail="variant",
        attributes=dict(attributes),
    )


@cache
def made(coverage: str = "50%", version: int = 1) -> Ruleset:
    return compiled_shop(shop(coverage), version=version)


LOGS: dict[tuple[int, int], tuple[Exposure, ...]] = {}


def exposed(ruleset: Ruleset, units: int = 3_000) -> list[Exposure]:
    """What a client logs: every unit is asked, those in the experiment are exposed."""
    key = ruleset.version, ruleset.experiments[KEY].coverage
    if key not in LOGS:
        evaluator, found = Evaluator(ruleset), []
        for number in range(units):
            answer = evaluator.evaluate("checkout-flow", f"unit-{number}", context(number))
            if answer.experiment == KEY:
                found.append(exposure(ruleset, f"unit-{number}", answer.variant or "", context(number)))
        LOGS[key] = tuple(found)
    return list(LOGS[key])


Write = Callable[..., Path]


@pytest.fixture
def files(tmp_path: Path) -> Write:
    def write(name: str, *events: Exposure | Event | Alias) -> Path:
        path = tmp_path / name
        path.write_bytes(b"\n".join(map(msgspec.json.encode, events)) + b"\n\n")
        return path

    return write


def ruleset_file(folder: Path, ruleset: Ruleset) -> Path:
    path = folder / f"ruleset-{ruleset.version}.json"
    path.write_bytes(sealed(ruleset))
    return path


def stands(done: Audited) -> dict[Agreement, int]:
    return dict(done.found.counts)


@pytest.fixture
def now(tmp_path: Path) -> Ruleset:
    ruleset = made("50%", 2)
    ruleset_file(tmp_path, ruleset)
    return ruleset


def place(folder: Path, version: int = 2) -> Path:
    return folder / f"ruleset-{version}.json"


def test_what_a_client_logs_agrees_to_the_last_exposure(now: Ruleset, files: Write, tmp_path: Path) -> None:
    log = exposed(now)

    done = audit(KEY, files("log.jsonl", *log), [place(tmp_path)])

    # 3,000 units, 2/3 x 100/120 in the audience, 40% of the layer, 95% not held out, half covered: 317 due
    assert 230 < len(log) < 400
    assert stands(done) == {Agreement.OK: len(log)}
    assert done.found.unexplained == 0
    assert done.unchecked == ()
    assert done.rulesets == (2,)


def test_other_variants_are_tampering_and_unheard_of_ones_are_unknown(
    now: Ruleset, files: Write, tmp_path: Path
) -> None:
    log = exposed(now)
    other = {"control": "one-page", "one-page": "control"}
    log[3] = replace(log[3], variant=other[log[3].variant])
    log[7] = replace(log[7], variant="two-page")

    done = audit(KEY, files("log.jsonl", *log), [place(tmp_path)])

    assert stands(done) == {
        Agreement.UNKNOWN_VARIANT: 1,
        Agreement.OK: len(log) - 2,
        Agreement.TAMPERING: 1,
    }
    assert done.found.unexplained == 2
    (example,) = done.found.examples[Agreement.TAMPERING]
    assert (example.row, example.unit, example.gate, example.ruleset) == (4, log[3].unit.id, "inside", 2)
    assert example.due == other[example.variant or ""]


def outsiders(ruleset: Ruleset) -> Iterator[tuple[Agreement, Exposure]]:
    """One exposure of the variant due for each place where a unit is turned away."""
    experiment = ruleset.experiments[KEY]
    found: dict[Agreement, Exposure] = {}
    for number in range(20_000):
        unit, fits = f"out-{number}", {"country": "DE", "tenure": 3}
        variant = "control" if slot(experiment.salt, unit) < experiment.arms[0].below else "one-page"
        held = slot("holdout:q4", unit) < ruleset.holdouts["q4"].below
        inside = slot("layer:checkout", unit) < experiment.slots[0][1]
        covered = slot(experiment.coverage_salt, unit) < experiment.coverage
        one = exposure(ruleset, unit, variant, fits)
        if held:
            found.setdefault(Agreement.HOLDOUT, one)
        elif not inside:
            found.setdefault(Agreement.LAYER, one)
        elif not covered:
            found.setdefault(Agreement.COVERAGE, one)
        else:
            found.setdefault(Agreement.AUDIENCE, replace(one, attributes={"country": "DE"}))
    yield from found.items()


def test_units_that_should_have_been_turned_away_are_named_by_where(
    now: Ruleset, files: Write, tmp_path: Path
) -> None:
    wrong = dict(outsiders(now))

    done = audit(KEY, files("log.jsonl", *exposed(now), *wrong.values()), [place(tmp_path)])

    assert {kind: count for kind, count in stands(done).items() if kind is not Agreement.OK} == dict.fromkeys(
        (Agreement.HOLDOUT, Agreement.LAYER, Agreement.AUDIENCE, Agreement.COVERAGE), 1
    )
    for kind, one in wrong.items():
        assert done.found.examples[kind][0].unit == one.unit.id


def test_a_stale_ruleset_is_told_from_tampering_when_it_is_handed_over(files: Write, tmp_path: Path) -> None:
    narrow, wide = made("10%", 1), made("50%", 2)
    places = [ruleset_file(tmp_path, narrow), ruleset_file(tmp_path, wide)]
    # a client that fell behind in memory, and says the version that it should have had
    late = [replace(one, ruleset=1) for one in exposed(wide)]
    outside = [
        one for one in late if slot(f"coverage:{KEY}:1", one.unit.id) >= narrow.experiments[KEY].coverage
    ]
    assert outside

    alone = audit(KEY, files("log.jsonl", *late), places[:1])
    both = audit(KEY, files("log.jsonl", *late), places)

    assert stands(alone) == {Agreement.OK: len(late) - len(outside), Agreement.COVERAGE: len(outside)}
    assert stands(both) == {Agreement.OK: len(late) - len(outside), Agreement.STALE_RULESET: len(outside)}
    assert both.found.unexplained == 0
    assert both.rulesets == (1, 2)


def test_exposures_of_each_ruleset_are_held_against_their_own(files: Write, tmp_path: Path) -> None:
    old, new = made("50%", 1), made("10%", 2)
    places = [ruleset_file(tmp_path, one) for one in (new, old)]

    done = audit(KEY, files("log.jsonl", *exposed(old), *exposed(new)), places)

    assert set(stands(done)) == {Agreement.OK}


def test_a_kept_variant_is_sticky_but_never_in_a_holdout_or_outside_the_layer(
    now: Ruleset, files: Write, tmp_path: Path
) -> None:
    wrong = {kind: replace(one, detail="sticky") for kind, one in outsiders(now)}

    done = audit(KEY, files("log.jsonl", *wrong.values()), [place(tmp_path)])

    assert stands(done) == {Agreement.STICKY: 2, Agreement.HOLDOUT: 1, Agreement.LAYER: 1}


def test_units_of_a_list_are_overrides(now: Ruleset, files: Write, tmp_path: Path) -> None:
    served = exposure(now, "u1", "one-page", {})
    refused = exposure(now, "u1", "control", {})

    done = audit(KEY, files("log.jsonl", served, refused), [place(tmp_path)])

    assert done.found.examples[Agreement.OVERRIDE][0].row == 1
    assert done.found.counts[Agreement.OVERRIDE] == 1
    assert done.found.unexplained == 1


def test_a_unit_of_a_list_is_never_ok_whatever_its_slot_says(files: Write, tmp_path: Path) -> None:
    log = exposed(made("100%"))[:60]
    everybody = IdList("list:all", tuple(listed("list:all", one.unit.id) for one in log))
    free = made("100%")
    flag = replace(free.flags["checkout-flow"], overrides=(Override("one-page", "all"),))
    ruleset = replace(
        free, flags={**free.flags, "checkout-flow": flag}, lists={**free.lists, "all": everybody}
    )

    done = audit(KEY, files("log.jsonl", *log), [ruleset_file(tmp_path, ruleset)])

    ours = sum(one.variant == "one-page" for one in log)
    assert 0 < ours < len(log)
    assert stands(done) == {Agreement.OVERRIDE: ours, Agreement.LISTED: len(log) - ours}
    assert done.found.unexplained == len(log) - ours


@pytest.mark.parametrize("changed", [{"on": False}, {"archived": True}, {"rules": ()}], ids=repr)
def test_no_exposure_is_ok_where_the_flag_is_off(
    changed: dict[str, object], files: Write, tmp_path: Path
) -> None:
    free = made("100%")
    log = exposed(free)[:60]
    log[0] = replace(log[0], detail="sticky")
    flag = replace(free.flags["checkout-flow"], overrides=(), **changed)
    ruleset = replace(free, flags={**free.flags, "checkout-flow": flag})

    done = audit(KEY, files("log.jsonl", *log), [ruleset_file(tmp_path, ruleset)])

    assert stands(done) == {Agreement.OFF: len(log)}
    assert done.found.unexplained == len(log)


HALF = WHOLE // 2
RUN = Run(KEY)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("holdout", "experiment 'one-page-checkout' asks holdout 'q4', which keeps units of type 'house'"),
        (
            "layer",
            "experiment 'one-page-checkout' asks layer 'checkout', which divides units of type 'house'",
        ),
        ("list", "flag 'checkout-flow' asks its lists for units of type 'house'"),
        ("rule", "flag 'checkout-flow' covers a share of units of type 'house'"),
    ],
)
def test_exposures_are_not_accused_where_something_asks_for_another_type_of_unit(
    part: str, says: str, files: Write, tmp_path: Path
) -> None:
    free = made("100%")
    log = exposed(free)[:60]
    units, flag = {**free.units, "house": "house_id"}, free.flags["checkout-flow"]
    ruleset = replace(free, units=units)
    match part:
        case "holdout":
            all_of = {name: replace(one, unit="house", below=WHOLE) for name, one in free.holdouts.items()}
            ruleset = replace(ruleset, holdouts=all_of)
        case "layer":
            layers = {name: replace(one, unit="house", salt="other") for name, one in free.layers.items()}
            ruleset = replace(ruleset, layers=layers)
        case "list":
            ruleset = replace(ruleset, flags={**free.flags, "checkout-flow": replace(flag, unit="house")})
        case _:
            rules = (Serve("three-page", coverage=HALF, salt="rule:x"), RUN)
            other = replace(flag, unit="house", overrides=(), rules=rules)
            ruleset = replace(ruleset, flags={**free.flags, "checkout-flow": other})

    done = audit(KEY, files("log.jsonl", *log), [ruleset_file(tmp_path, ruleset)])

    assert stands(done) == {Agreement.NOT_RECOMPUTABLE: len(log)}
    assert says in done.unknown


def test_a_variant_that_belongs_to_another_id_of_the_unit_is_identity(
    now: Ruleset, files: Write, tmp_path: Path
) -> None:
    first = exposed(now)[0]
    others = [f"id-{number}" for number in range(50)]
    salt, below = now.experiments[KEY].salt, now.experiments[KEY].arms[0].below
    changed = next(one for one in others if (slot(salt, one) < below) != (slot(salt, first.unit.id) < below))
    log = replace(first, unit=Unit("user", changed))
    time = "2026-03-02T07:00:00.000000Z"
    alias = Alias(id="a", time=time, unit=Unit("user", changed), was=Unit("user", first.unit.id))
    bought = Event(id="b", time=time, unit=Unit("user", changed), name="bought")

    told = audit(KEY, files("log.jsonl", first, log, alias, bought), [place(tmp_path)])
    silent = audit(KEY, files("log.jsonl", first, log, bought), [place(tmp_path)])

    assert stands(told) == {Agreement.OK: 1, Agreement.IDENTITY: 1}
    assert stands(silent)[Agreement.OK] == 1
    assert silent.found.unexplained == 1


def test_a_version_that_no_ruleset_holds_is_no_tampering(now: Ruleset, files: Write, tmp_path: Path) -> None:
    log = [replace(one, version=9, ruleset=9) for one in exposed(now)]

    done = audit(KEY, files("log.jsonl", *log), [place(tmp_path)])

    assert stands(done) == {Agreement.UNKNOWN_VERSION: len(log)}
    assert done.found.unexplained == len(log)


def test_an_audience_of_attributes_that_nobody_logged_is_not_recomputed(
    now: Ruleset, files: Write, tmp_path: Path
) -> None:
    log = [replace(one, attributes={"country": "US"}) for one in exposed(now)]

    done = audit(KEY, files("log.jsonl", *log), [place(tmp_path)])

    assert done.unchecked == ("tenure",)
    assert stands(done) == {Agreement.OK: len(log)}


def test_an_attribute_of_several_kinds_is_not_looked_at(now: Ruleset, files: Write, tmp_path: Path) -> None:
    log = exposed(now)
    log[0] = replace(log[0], attributes={"country": 49, "tenure": 3})

    done = audit(KEY, files("log.jsonl", *log), [place(tmp_path)])

    assert done.unchecked == ("country",)
    assert set(stands(done)) == {Agreement.OK}


def test_other_experiments_and_empty_ids(now: Ruleset, files: Write, tmp_path: Path) -> None:
    log = exposed(now)
    nobody = replace(log[0], unit=Unit("user", ""))
    elsewhere = replace(log[1], experiment="search")

    done = audit(KEY, files("log.jsonl", nobody, elsewhere, *log[2:]), [place(tmp_path)])

    assert stands(done) == {Agreement.NO_UNIT: 1, Agreement.OK: len(log) - 2}


def test_batches_parquet_and_csv_are_read_as_well(now: Ruleset, tmp_path: Path) -> None:
    log = exposed(now)
    batches = tmp_path / "log.ndjson"
    batches.write_bytes(msgspec.json.encode(Batch("2026-03-02T06:00:00Z", "splitrun-python/0", [*log])))
    wire = tmp_path / "wire.parquet"
    parquet.write_table(pa.Table.from_pylist([msgspec.to_builtins(one) for one in log]), wire)
    flat = tmp_path / "flat.parquet"
    rows = [{"unit": one.unit.id, "variant": one.variant, **one.attributes, "loose": [1]} for one in log]
    parquet.write_table(pa.Table.from_pylist(rows), flat)
    sheet = tmp_path / "sheet.csv"
    lines = [f"{one.unit.id},{one.time},{one.variant},{one.attributes['country']},7" for one in log]
    sheet.write_text("\n".join(["unit,time,variant,country,tenure", *lines, "unit-x,,,DE,7"]))

    for file in (batches, wire, flat):
        done = audit(KEY, file, [place(tmp_path)])
        assert stands(done) == {Agreement.OK: len(log)}, file
        assert done.unchecked == ()
    assert stands(audit(KEY, sheet, [place(tmp_path)])) == {
        Agreement.UNKNOWN_VARIANT: 1,
        Agreement.OK: len(log),
    }


def test_everybody_in_an_experiment_without_layer_audience_or_coverage(tmp_path: Path) -> None:
    whole = made()
    bare = replace(whole.experiments[KEY], layer=None, slots=(), audience=None, coverage=WHOLE, holdouts=())
    other = replace(whole.experiments["search"], layer=None, slots=())
    path = ruleset_file(tmp_path, replace(whole, experiments={KEY: bare, "search": other}, layers={}))
    sheet = tmp_path / "log.csv"
    units = [f"unit-{number}" for number in range(100)]
    due = ["control" if slot(bare.salt, unit) < bare.arms[0].below else "one-page" for unit in units]
    sheet.write_text("\n".join(["unit,variant", *map(",".join, zip(units, due, strict=True))]))

    assert stands(audit(KEY, sheet, [path])) == {Agreement.OK: 100}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("log.txt", "", "log.txt ends in '.txt'; name a file in .jsonl, .ndjson, .parquet, .csv"),
        ("log.csv", None, "there is no file log.csv; check its name"),
        ("log.csv", "user,variant\n1,a\n", "log.csv has no column 'unit'; it has user, variant"),
        ("log.csv", "unit,variant,version\nu,a,x\n", "log.csv cannot be read (In CSV column #2"),
        ("log.jsonl", '{"type": "click"}\n', "log.jsonl:1: the line is no event of splitrun ("),
        ("log.parquet", "no parquet", "log.parquet cannot be read ("),
        ("log.jsonl", "", "log.jsonl holds no exposure of experiment 'one-page-checkout'; name another file"),
    ],
)
def test_a_log_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ruleset_file(tmp_path, made("50%", 2))
    if content is not None:
        (tmp_path / name).write_text(content)

    with pytest.raises(DataError) as caught:
        audit(KEY, Path(name), [place(tmp_path)])

    assert str(caught.value).startswith(says)


def test_a_column_that_is_not_what_it_is_named_for_is_told(tmp_path: Path) -> None:
    ruleset_file(tmp_path, made("50%", 2))
    file = tmp_path / "log.parquet"
    parquet.write_table(pa.table({"unit": ["u"], "variant": ["control"], "version": ["first"]}), file)

    with pytest.raises(DataError) as caught:
        audit(KEY, file, [place(tmp_path)])

    assert "column 'version' does not hold what it is named for" in str(caught.value)


def test_an_experiment_that_no_ruleset_holds_is_told(now: Ruleset, files: Write, tmp_path: Path) -> None:
    log = files("log.jsonl", *exposed(now))

    with pytest.raises(SpecError) as caught:
        audit("one-page-chekout", log, [place(tmp_path)])
    with pytest.raises(RulesetError):
        audit(KEY, log, [log])

    assert str(caught.value) == (
        "no ruleset given holds an experiment 'one-page-chekout'; did you mean 'one-page-checkout'?"
    )


def test_a_projects_folder_is_a_ruleset_too(tmp_path: Path, files: Write) -> None:
    for name, text in shop().items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    published = publish(tmp_path / "shop").ruleset

    done = audit(KEY, files("log.jsonl", *exposed(published)), [tmp_path / "shop"])

    assert set(stands(done)) == {Agreement.OK}


def asked(flags: str) -> Ruleset:
    """The shop with other rules before the experiment, or another prerequisite."""
    texts = shop("100%")
    old, new = flags.split(" => ")
    assert old in texts["flags/shop.yaml"]
    return compiled_shop({**texts, "flags/shop.yaml": texts["flags/shop.yaml"].replace(old, new)})


BEFORE = "      - {experiment: one-page-checkout} => "
RULE = f"{BEFORE}      - {{serve: three-page, when: \"country = 'FR'\", coverage: 50%}}\n{BEFORE[:-4]}"
PREREQUISITE = 'default: on, => default: on, rules: [{serve: on, when: "tenure < 30"}, {serve: off}],'


@pytest.mark.parametrize(
    ("flags", "stands_there"),
    [(RULE, Agreement.RULE), (PREREQUISITE, Agreement.PREREQUISITE)],
    ids=["an earlier rule", "a prerequisite"],
)
def test_what_a_flag_asks_before_the_experiment_is_recomputed(
    flags: str, stands_there: Agreement, files: Write, tmp_path: Path
) -> None:
    ruleset, evaluator = asked(flags), Evaluator(asked(flags))
    free = exposed(made("100%"))
    due = {
        one.unit.id
        for one in free
        if evaluator.evaluate("checkout-flow", one.unit.id, one.attributes).experiment
    }
    log = [one for one in free if one.unit.id in due]
    assert 0 < len(log) < len(free)

    good = audit(KEY, files("log.jsonl", *log), [ruleset_file(tmp_path, ruleset)])
    all_of_them = audit(KEY, files("all.jsonl", *free), [ruleset_file(tmp_path, ruleset)])

    assert stands(good) == {Agreement.OK: len(log)}
    assert stands(all_of_them) == {Agreement.OK: len(log), stands_there: len(free) - len(log)}
    assert all_of_them.found.unexplained == len(free) - len(log)
    assert all_of_them.unknown == ()


def test_what_asks_more_than_exposures_carry_is_not_recomputable_and_says_why(
    files: Write, tmp_path: Path
) -> None:
    rule = f"{BEFORE}      - {{serve: three-page, when: beta}}\n{BEFORE[:-4]}"
    ruleset = asked(rule)
    log = exposed(made("100%"))
    log[0] = replace(log[0], unit=Unit("user", "somebody else"))

    done = audit(KEY, files("log.jsonl", *log), [ruleset_file(tmp_path, ruleset)])

    assert done.unknown == ("exposures do not carry 'beta', which flag 'checkout-flow' asks",)
    assert stands(done)[Agreement.NOT_RECOMPUTABLE] >= len(log) - 1
    assert Agreement.OK not in stands(done)
    assert Agreement.NOT_RECOMPUTABLE in EXPLAINED
