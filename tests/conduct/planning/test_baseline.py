"""Baselines of a fixture history, against pandas on the same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from splitrun.conduct.desk import Desk
from splitrun.conduct.planning.baseline import baseline
from splitrun.conduct.planning.looking import Looking
from splitrun.conduct.reading.access import Access
from splitrun.errors import DataError, SpecError
from splitrun.plan.power.history import History
from splitrun.report.planning.history import history_yaml
from splitrun.spec.power.baselines import MeanBaseline, RatioBaseline, ShareBaseline
from tests.conduct.planning.worlds import EXPERIMENT, PAST, SHOP, project, visits_and_orders

NOW = Desk(now=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
FEBRUARY = (pd.Timestamp("2026-02-01", tz="Europe/Berlin"), pd.Timestamp("2026-02-15", tz="Europe/Berlin"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def february(shop: Path) -> History:
    days = (date(2026, 2, 1), date(2026, 2, 15))
    return baseline(shop, Looking(units="visits", since=days[0], until=days[1]), desk=NOW)


def units_of_february(where: str | None = None) -> pd.DataFrame:
    """By unit: its first visit of the stretch, what it bought in the week after and the fortnight before."""
    visits, orders = visits_and_orders()
    seen = visits[(visits["at"] >= FEBRUARY[0]) & (visits["at"] < FEBRUARY[1])]
    seen = seen if where is None else seen[seen["country"] == where]
    units = seen.groupby("user_id")["at"].min().rename("first").reset_index()
    joined = units.merge(orders, on="user_id", how="left")
    passed = joined["at"] - joined["first"]
    after = (passed >= pd.Timedelta(0)) & (passed < pd.Timedelta(days=7))
    before = (passed < pd.Timedelta(0)) & (passed >= -pd.Timedelta(days=14))
    for name, rows in (("after", after), ("before", before)):
        units[f"amount_{name}"] = (
            joined["amount"].where(rows, 0.0).groupby(joined["user_id"]).sum().to_numpy()
        )
        units[f"orders_{name}"] = rows.groupby(joined["user_id"]).sum().to_numpy()
    return units


@pytest.mark.requirement("R06")
def test_history_reproduces_what_pandas_counts(february: History) -> None:
    units = units_of_february()

    known = february.baselines
    bought, revenue, basket = (known.metrics[key] for key in ("bought", "revenue", "basket"))
    assert (february.units, february.days) == (len(units), 14)
    assert known.units_per_day == pytest.approx(len(units) / 14)
    assert isinstance(bought, ShareBaseline)
    assert bought.share == pytest.approx((units["orders_after"] > 0).mean())
    assert isinstance(revenue, MeanBaseline)
    assert revenue.mean == pytest.approx(units["amount_after"].mean())
    assert revenue.squared == pytest.approx(units["amount_after"].var())
    assert isinstance(basket, RatioBaseline)
    assert basket.over.mean / basket.under.mean == pytest.approx(
        units["amount_after"].sum() / units["orders_after"].sum()
    )
    assert basket.correlation == pytest.approx(units["amount_after"].corr(units["orders_after"]))


def test_what_the_time_before_explains_is_the_square_of_the_correlation(february: History) -> None:
    units = units_of_february()

    explained = {key: known.r2 for key, known in february.baselines.metrics.items()}
    assert explained["revenue"] == pytest.approx(units["amount_after"].corr(units["amount_before"]) ** 2)
    ever = (units["orders_after"] > 0).astype(float), (units["orders_before"] > 0).astype(float)
    assert explained["bought"] == pytest.approx(ever[0].corr(ever[1]) ** 2)


def test_a_quantile_is_said_to_be_unknown_and_why(february: History) -> None:
    assert [key for key, _ in february.unknown] == ["p90"]
    assert "say nothing of how much units differ" in february.unknown[0][1]


def test_rows_are_narrowed_to_eligible_units(shop: Path) -> None:
    looking = Looking(units="visits", where="country = 'FR'", since=date(2026, 2, 1), until=date(2026, 2, 15))

    found = baseline(shop, looking, desk=NOW)

    assert found.units == len(units_of_february("FR"))


def test_as_many_days_are_looked_at_as_will_be_enrolled_and_their_windows_have_passed(shop: Path) -> None:
    found = baseline(shop, Looking(units="visits"), desk=NOW)

    # the last visit is of 23 February in Berlin; a purchase counts for seven days
    last = visits_and_orders()[0]["at"].max().tz_convert("Europe/Berlin").date()
    assert found.until == last - pd.Timedelta(days=7)
    assert found.days == 14
    assert found.baselines.until == found.until.isoformat()
    assert found.measured_on == date(2026, 3, 1)


def test_rows_after_the_moment_of_reading_are_not_history(shop: Path) -> None:
    early = Desk(now=lambda: datetime(2026, 2, 1, tzinfo=UTC))

    found = baseline(shop, Looking(units="visits", days=7), desk=early)

    assert found.until <= date(2026, 2, 1)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Looking(units="visit"), "there is no source 'visit'; did you mean 'visits'"),
        (Looking(units="strange"), "names no column with the id of a user"),
    ],
)
def test_histories_that_are_none_are_refused(shop: Path, asked: Looking, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        baseline(shop, asked, desk=NOW)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Looking(units="timeless"), "its rows have no time"),
        (Looking(units="visits", days=90), "its rows begin on 2026-01-05"),
        (
            Looking(units="visits", since=date(2026, 2, 20), until=date(2026, 3, 20)),
            "its rows end on 2026-02-23",
        ),
        (Looking(units="visits", where="country = 'XX'"), "no row where country = 'XX' names a unit"),
    ],
)
def test_rows_that_hold_no_such_history_are_refused(shop: Path, asked: Looking, says: str) -> None:
    with pytest.raises(DataError, match=says):
        baseline(shop, asked, desk=NOW)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({}, "it is not said whose history tells"),
        ({"units": "visits", "past": "spring.yaml"}, "two histories are named"),
        ({"past": "spring.yaml", "days": 7}, "says itself who was in it"),
        ({"units": "visits", "days": 0}, "0 days hold nothing"),
        ({"units": "visits", "since": date(2026, 2, 2), "until": date(2026, 2, 2)}, "is not before"),
        (
            {"units": "visits", "since": date(2026, 2, 2), "until": date(2026, 2, 9), "days": 7},
            "say the same thing twice",
        ),
    ],
)
def test_a_history_is_named_once(words: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        Looking(**words)  # type: ignore[arg-type]  # the words are what is tested


def spring(shop: Path) -> pd.DataFrame:
    """A past experiment, two variants in twenty cities, in the second week of January."""
    rng = np.random.default_rng(4)
    units = pd.DataFrame({"user_id": np.arange(3_000), "city": rng.integers(0, 20, 3_000)})
    units["arm"] = np.where(units["city"] % 2, "green", "control")
    units["tenure"] = rng.integers(0, 400, 3_000)
    units["at"] = pd.Timestamp("2026-01-12", tz="UTC") + pd.to_timedelta(
        14 * 86_399 * rng.random(3_000), unit="s"
    )
    units["at"] = units["at"].dt.floor("s")
    units.to_csv(shop.parents[1] / "data" / "spring.csv", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    (shop.parent / "spring.yaml").write_text(PAST)
    return units


@pytest.mark.requirement("R06")
def test_a_past_experiment_tells_by_its_control_and_counts_all_its_units(shop: Path) -> None:
    units = spring(shop)

    found = baseline(shop, Looking(past=str(shop.parent / "spring.yaml")), desk=NOW)

    orders = visits_and_orders()[1]
    control = units[units["arm"] == "control"]
    joined = control.merge(orders, on="user_id", suffixes=("", "_order"))
    passed = joined["at_order"] - joined["at"]
    inside = joined[(passed >= pd.Timedelta(0)) & (passed < pd.Timedelta(days=7))]
    bought = found.baselines.metrics["bought"]
    assert isinstance(bought, ShareBaseline)
    assert bought.share == pytest.approx(inside["user_id"].nunique() / len(control))
    assert (found.units, found.control) == (3_000, len(control))
    days = (units["at"].max().tz_convert("Europe/Berlin").date() - date(2026, 1, 12)).days + 1
    assert found.baselines.units_per_day == pytest.approx(3_000 / days)
    # the analysis of variance of the same units, by scipy
    ever = control["user_id"].isin(inside["user_id"]).astype(float)
    groups = [each.to_numpy() for _, each in ever.groupby(control["city"])]
    f = stats.f_oneway(*groups).statistic
    sizes = np.array([len(each) for each in groups])
    usual = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    assert bought.clusters is not None
    assert bought.clusters.icc == pytest.approx(max(0.0, (f - 1) / (f + usual - 1)))
    assert bought.clusters.size == pytest.approx(sizes.mean())


LOOSE = "[{key: ever, kind: share, source: orders, better: higher}]"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PAST.replace("unit: user\n", "unit: device\n"), "'spring' was put to a device"),
        (
            PAST.replace(", time: at", "")
            .replace("[bought]", LOOSE)
            .replace("metric: bought", "metric: ever"),
            "'spring' says nothing of who was exposed when",
        ),
    ],
)
def test_a_past_experiment_that_says_too_little_is_refused(shop: Path, text: str, says: str) -> None:
    file = shop.parent / "spring.yaml"
    file.write_text(text)

    with pytest.raises(SpecError, match=says):
        baseline(shop, Looking(past=str(file)), desk=NOW)


def test_what_a_source_does_not_know_is_told(tmp_path: Path) -> None:
    shop = project(tmp_path)
    exposures = (
        "exposures: {csv: data/none.csv, unit: user_id, variant: arm, time: at, cluster: country, "
        "pre_exposure: [tenure]}\n"
    )
    text = EXPERIMENT.replace("flag: checkout-flow\n", f"{exposures}audience: \"country = 'DE'\"\n")
    text = (
        text.replace("{serve: three}", "{}").replace("{serve: one}", "{}").replace("[pre_period]", "[tenure]")
    )
    text = text.replace("secondary: [basket, p90]", "secondary: [own]")
    shop.write_text(text)
    own = "  own: {kind: mean, source: exposures, value: tenure, better: higher}\n"
    (tmp_path / "metrics" / "shop.yaml").write_text(SHOP + own)

    found = baseline(shop, Looking(units="visits"), desk=NOW)

    assert [key for key, _ in found.unknown] == ["own"]
    assert "tenure is not among the columns of visits" in found.notes[0]
    known = found.baselines.metrics["bought"]
    assert known.r2 is None
    # two countries are two clusters
    assert known.clusters is not None
    assert known.clusters.size == found.units / 2


def alone(shop: Path, **more: object) -> dict[str, object]:
    """An experiment without a project or a file, on the shop's data."""
    data = shop.parents[1] / "data"
    exposures = {"csv": "none.csv", "unit": "user_id", "variant": "arm", "time": "at"}
    bought = {"key": "bought", "kind": "share", "source": "orders", "window": "7d", "better": "higher"}
    return {
        "key": "lone",
        "unit": "user",
        "hypothesis": {
            "change": "one page",
            "because": "carts are dropped",
            "expect": {"metric": "bought", "direction": "higher", "mei": "5pp"},
        },
        "exposures": exposures,
        "variants": {"control": {}, "one": {}},
        "sources": {"orders": {"csv": str(data / "orders.csv"), "unit": "user_id", "time": "at"}},
        "metrics": {"primary": [bought]},
        "analysis": {"method": "fixed"},
        "duration": {"enrol": "14d"},
        **more,
    }


def test_an_experiment_in_python_is_measured_by_its_own_sources(shop: Path) -> None:
    access = Access(folders=(shop.parents[1] / "data",))

    found = baseline(alone(shop), Looking(units="orders", days=7), access=access, desk=NOW)

    # whoever orders within the week has ordered from the first moment on
    assert found.unknown[0][0] == "bought"
    assert found.baselines.metrics == {}
    assert "bought is not known" in history_yaml(found)
    assert "metrics: {}" in history_yaml(found)


def test_a_flag_whose_sources_do_not_name_the_unit_takes_the_project_s_column(tmp_path: Path) -> None:
    shop = project(tmp_path)
    (tmp_path / "metrics" / "shop.yaml").write_text(
        SHOP.replace("visits.csv, unit: {user: user_id}, ", "visits.csv, ")
    )

    found = baseline(shop, Looking(units="visits", days=7), desk=NOW)

    assert found.days == 7


def test_sums_that_were_made_elsewhere_say_nothing_of_the_time_before(shop: Path) -> None:
    moments = {
        "csv": "sums.csv",
        "variant": "arm",
        "n": "n",
        "metrics": {"bought": {"sum": "s", "sumsq": "q"}},
    }
    bought = {"key": "bought", "kind": "mean", "source": "moments", "better": "higher"}
    experiment = alone(shop, moments=moments, metrics={"primary": [bought]})
    for name in ("exposures", "sources", "duration"):
        del experiment[name]

    with pytest.raises(SpecError, match="sums that were made elsewhere"):
        baseline(experiment, Looking(units="orders"), desk=NOW)


def test_days_on_which_nobody_came_are_refused(tmp_path: Path) -> None:
    shop = project(tmp_path)
    rows = ["user_id,at", "1,2026-01-05T08:00:00Z", "2,2026-02-20T08:00:00Z"]
    (tmp_path / "data" / "visits.csv").write_text("\n".join(rows) + "\n")

    with pytest.raises(DataError, match="no unit has a row from 2026-01-10 until 2026-01-17"):
        baseline(shop, Looking(units="visits", since=date(2026, 1, 10), until=date(2026, 1, 17)), desk=NOW)


def test_a_past_experiment_in_which_nobody_was_exposed_is_refused(shop: Path) -> None:
    (shop.parents[1] / "data" / "spring.csv").write_text(
        "user_id,arm,city,tenure,at\n1,blue,a,1,2026-01-12T08:00:00Z\n"
    )
    (shop.parent / "spring.yaml").write_text(PAST)

    ever = {"key": "bought", "kind": "share", "source": "orders", "better": "higher"}
    experiment = alone(shop, metrics={"primary": [ever]})
    access = Access(folders=(shop.parents[1] / "data",))

    with pytest.raises(DataError, match="spring: nobody was exposed; name another"):
        baseline(experiment, Looking(past=str(shop.parent / "spring.yaml")), access=access, desk=NOW)
