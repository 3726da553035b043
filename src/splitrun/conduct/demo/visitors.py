"""Visitors of the made-up shop: a small product with the real client in it, whose truth is known."""

from __future__ import annotations

from random import Random

from splitrun.conduct.demo.project import FLAG
from splitrun.conduct.desk import Desk
from splitrun.errors import StoreError
from splitrun.sdk.client import Client

__all__ = ["BUYS", "FAILS", "visit"]

BUYS = {"three-page": 0.30, "one-page": 0.40}
"""How likely a visitor buys, by what the flag serves: the truth that the readout is to find."""
FAILS = 0.02
"""How likely a payment fails, whatever is served: the guardrail holds."""
COUNTRIES = ("DE", "FR", "US")
PARTS = 20
"""So many times it is told how far the visits are, and waited until the server has taken them."""
PATIENCE = 30.0
"""Seconds that the server has to take a part."""


def visit(url: str, key: str, visitors: int, seed: int, desk: Desk) -> int:
    """Let visitors come to the shop, one after the other.

    Args:
        url: The server.
        key: Its API key, for `sdk` and `ingest`.
        visitors: How many come.
        seed: Of what they do; what they are served follows from their ids.
        desk: Whom to tell how far it is.

    Returns:
        How many exposures and events the server has taken.

    Raises:
        StoreError: The server did not take them.
    """
    # a made-up crowd that comes again the same; nothing is kept secret with it
    dice = Random(seed)  # noqa: S311
    with Client(url=url, key=key, wait=PATIENCE, release="demo") as client:
        for part in range(PARTS):
            for number in range(part * visitors // PARTS, (part + 1) * visitors // PARTS):
                shop(client, f"visitor-{number:05}", dice)
            if client.trouble or not client.flush(PATIENCE):
                why = client.trouble or f"not within {PATIENCE:.0f} seconds"
                raise StoreError(
                    f"the server at {url} did not take the events of the demo: {why}; try it again"
                )
            bar = "█" * (part + 1) + "░" * (PARTS - part - 1)
            desk.progress(f"{bar} {(part + 1) * visitors // PARTS:,} of {visitors:,} visitors")
        return client.statistics.made


def shop(client: Client, unit: str, dice: Random) -> None:
    """One visit: see the checkout, perhaps buy, perhaps fail to pay."""
    country, wants, fails = dice.choice(COUNTRIES), dice.random(), dice.random()
    flow = client.value(FLAG, unit, "three-page", country=country)
    if wants < BUYS[flow]:
        client.track("purchase", unit)
    if fails < FAILS:
        client.track("payment-failed", unit)
