"""A small project with an experiment that can be registered, and what it takes to apply its files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.applying import Wanted, apply
from splitrun.conduct.lifecycle.footing import Asked
from splitrun.conduct.registry.place import home
from splitrun.store.canonical import Json, canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, Writing
from splitrun.store.registry.documents import Kind

__all__ = ["KEY", "NOON", "TEXTS", "applied", "asked", "edited", "exposed", "laid", "look", "put"]

KEY = "one-page"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""

SETTINGS = """\
project: shop
environments: [production, staging]
units: {user: {key: user_id}}
"""

METRICS = """\
sources:
  orders: {csv: orders.csv, unit: {user: user_id}, time: at}
metrics:
  bought: {kind: share, source: orders, where: "amount > 0", window: 3d, better: higher}
segments:
  country: {values: country}
"""

FLAGS = """\
flags:
  checkout:
    type: string
    variants: {three: three, one: one}
    default: three
    rules: [{experiment: one-page}]
  search:
    type: boolean
    default: off
    rules: [{experiment: ranked}]
audiences:
  near: "country in ('DE', 'AT')"
"""

ONE_PAGE = """\
key: one-page
title: A checkout on one page
owner: payments
flag: checkout
unit: user
hypothesis:
  change: the checkout is one page instead of three
  because: carts are dropped between address and payment
  expect: {metric: bought, direction: higher, mei: 10pp}
audience: near
coverage: 50%
variants: {control: {serve: three}, one: {serve: one}}
exposures: {csv: exposures.csv, unit: user_id, variant: variant, time: at, pre_exposure: [country]}
metrics: {primary: [bought]}
segments: [country]
analysis: {method: fixed}
duration: {enrol: 14d}
baselines: {units_per_day: 400, metrics: {bought: {share: 30%}}}
"""

RANKED = """\
key: ranked
flag: search
unit: user
hypothesis:
  change: results are ranked by sales
  because: nobody scrolls
  expect: {metric: bought, direction: higher, mei: 10pp}
audience: near
variants: {control: {serve: off}, sales: {serve: on}}
metrics: {primary: [bought]}
analysis: {method: fixed}
duration: {enrol: 14d}
baselines: {units_per_day: 400, metrics: {bought: {share: 30%}}}
"""

TEXTS = {
    "splitrun.yaml": SETTINGS,
    "metrics/shop.yaml": METRICS,
    "flags/shop.yaml": FLAGS,
    "experiments/one-page.yaml": ONE_PAGE,
    "experiments/ranked.yaml": RANKED,
    "orders.csv": "user_id,amount,at\nu1,5,2026-03-03T12:00:00Z\n",
}


def laid(folder: Path) -> Path:
    """Write the files of the project."""
    for name, text in TEXTS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def edited(folder: Path, old: str, new: str, file: str = "experiments/one-page.yaml") -> None:
    """Change one text of a file."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def exposed(folder: Path, days: int = 20) -> None:
    """Write exposures, and orders of every third unit of control and every second of the treatment."""
    units = [(f"u{number}", number % 2, NOON + timedelta(hours=number)) for number in range(days * 24)]
    rows = [f"{unit},{'one' if treated else 'control'},DE,{at.isoformat()}\n" for unit, treated, at in units]
    (folder / "exposures.csv").write_text(f"user_id,variant,country,at\n{''.join(rows)}")
    orders = [
        f"{unit},5,{(at + timedelta(hours=1)).isoformat()}\n"
        for number, (unit, treated, at) in enumerate(units)
        if not number // 2 % (2 if treated else 3)
    ]
    (folder / "orders.csv").write_text(f"user_id,amount,at\n{''.join(orders)}")


def applied(folder: Path, actor: str = "ann") -> None:
    """Bring the registry to what the files say."""
    clock = Desk(now=lambda: next(CLOCK))
    apply(folder, lambda _: None, lambda: True, Wanted("as the files say", actor), clock)


def put(folder: Path, kind: Kind, key: str, value: Json) -> None:
    """Write one definition into the registry, as a colleague with other files would."""
    with home(folder).registry() as registry:
        known = registry.find("shop", kind, key)
        writing = Writing("shop", kind, key, canonical(value), None if known is None else known.digest)
        said = Remark("apply", f"{kind.value}/{key}", project="shop")
        registry.commit(Change(next(CLOCK), "cleo", (said,), writings=(writing,)))


def look(folder: Path, key: str = KEY, *, effects: bool = True, decision: str | None = None) -> str:
    """Record a look at the plan in force, as `splitrun readout` does; give the readout's digest."""
    with home(folder).registry() as registry:
        life = registry.state("shop", "production", key)
        assert life is not None
        last = registry.last()
        assert last is not None
        readout = f"sha256:{last.number:064x}"
        content = {
            "readout": readout,
            "plan": life.plan,
            "version": life.version,
            "effects": effects,
            "exposed": 480,
            "decision": decision,
        }
        said = Remark("look", f"experiment/{key}", None, "shop", "production", canonical(content))
        registry.commit(Change(next(CLOCK), "ann", (said,)))
    return readout


def ticking() -> Iterator[datetime]:
    """A clock that goes an hour at every look."""
    now = NOON
    while True:
        now += timedelta(hours=1)
        yield now


CLOCK = ticking()


def asked(folder: Path, reason: str = "because", actor: str = "ann", environment: str | None = None) -> Asked:
    """Ask for a step, each an hour after the one before."""
    return Asked(folder, reason, actor, environment, Desk(now=lambda: next(CLOCK)))
