"""Random exposures and events, and the same questions answered by pandas and plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from splitrun.moments import Moments
from splitrun.spec.source import Exposures, Source

START = datetime(2026, 3, 1, tzinfo=UTC)
VARIANTS = ("control", "treatment")
SHOP = Source(frame="shop", unit="user", time="at")
SEEN = Exposures(
    frame="seen",
    unit="user",
    variant="variant",
    time="at",
    cluster=None,
    pre_exposure=("age", "country", "visits"),
)
IN_VILLAGES = SEEN.model_copy(update={"cluster": "village"})

Numbers = Callable[[pd.DataFrame], float]


@dataclass(frozen=True)
class World:
    """What happened."""

    seen: pd.DataFrame
    shop: pd.DataFrame

    def frames(self) -> dict[str, object]:
        return {"seen": self.seen, "shop": self.shop}

    @property
    def as_of(self) -> datetime:
        """The latest moment in the data."""
        latest: datetime = max(self.seen["at"].max(), self.shop["at"].max())
        return latest

    def after(self, of: Numbers, begin: timedelta, end: timedelta | None, column: str = "x") -> pd.DataFrame:
        """Ask every unit for a number of its rows in [exposure + begin, exposure + end)."""
        rows = self.shop.merge(self.seen[["user", "at"]], on="user", suffixes=("", "_seen"))
        inside = rows["at"] >= rows["at_seen"] + begin
        if end is not None:
            inside &= rows["at"] < rows["at_seen"] + end
        rows = rows[inside]
        units = self.seen.copy()
        found = {user: of(group) for user, group in rows.groupby("user")}
        nothing = of(rows.iloc[:0])
        units[column] = [found.get(user, nothing) for user in units["user"]]
        return units

    def matured(self, units: pd.DataFrame, window: timedelta | None) -> pd.DataFrame:
        """Only the units whose window has passed, and whose number is known."""
        if window is not None:
            units = units[units["at"] + window <= self.as_of]
        return units[units["x"].notna()]


def world(seed: int = 1, units: int = 300) -> World:
    """A shop in which half of the visitors never buy, some values are missing and some are large."""
    rng = np.random.default_rng(seed)
    users = [f"u{i}" for i in range(units)]
    at = [START + timedelta(seconds=int(s)) for s in rng.integers(0, 10 * 86_400, units)]
    seen = pd.DataFrame(
        {
            "user": users,
            "variant": rng.choice(VARIANTS, units),
            "at": at,
            "age": np.where(rng.random(units) < 0.1, np.nan, rng.integers(18, 80, units)),
            "visits": rng.poisson(3, units),
            "country": rng.choice(["DE", "FR", "IT"], units, p=[0.6, 0.3, 0.1]),
            "village": [None if v == 0 else f"v{v}" for v in rng.integers(0, 25, units)],
        }
    )
    rows = units * 8
    buyers = rng.integers(0, units // 2, rows)
    shop = pd.DataFrame(
        {
            "user": [users[i] for i in buyers],
            "at": [START + timedelta(seconds=int(s)) for s in rng.integers(-15 * 86_400, 22 * 86_400, rows)],
            "value": np.round(rng.lognormal(2, 1.2, rows), 2),
            "item": rng.choice(np.array(["cup", "pan", "pot", None], dtype=object), rows),
        }
    )
    shop.loc[rng.random(rows) < 0.004, "value"] = np.nan
    return World(seen, shop)


def total(rows: pd.DataFrame) -> float:
    """What a unit spent; unknown where a value is."""
    return float(rows["value"].sum(skipna=False)) if len(rows) else 0.0


def moments(columns: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Moments:
    """Moments of one cell, by numpy's own covariance."""
    n, width = columns.shape
    spread = np.cov(columns, rowvar=False, ddof=0).reshape(width, width) * n
    cubes = np.sum((columns[:, 0] - columns[:, 0].mean()) ** 3, keepdims=True)
    mixed = None
    if width > 1:
        x, y = (columns[:, :2] - columns[:, :2].mean(axis=0)).T
        mixed = np.array([[np.sum(x * x * y), np.sum(x * y * y), np.sum(y**3)]])
    return Moments(np.array([float(n)]), columns.mean(axis=0)[None], spread[None], cubes, mixed)


def agree(ours: Moments, theirs: Moments) -> None:
    """Check that two moments are the same to 1e-9 of their own size."""
    size = np.maximum(1.0, np.abs(theirs.m2).max())
    np.testing.assert_array_equal(ours.n, theirs.n)
    np.testing.assert_allclose(ours.mean, theirs.mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.m2, theirs.m2, rtol=1e-10, atol=1e-12 * size)
    if ours.m3 is not None and theirs.m3 is not None:
        scale = np.maximum(1.0, size**1.5)
        np.testing.assert_allclose(ours.m3, theirs.m3, rtol=1e-9, atol=1e-12 * scale)
        if ours.mixed is not None and theirs.mixed is not None:
            np.testing.assert_allclose(ours.mixed, theirs.mixed, rtol=1e-9, atol=1e-12 * scale)
