"""A small shop that asks its flags through OpenFeature: `uvicorn shop:app` in this folder.

What the shop knows of Splitrun stands above the pages. Who visits is told by a cookie, which is given only to
who agreed; exposures and purchases are written to `seen.jsonl`, where they can be looked at.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse
from openfeature import api
from openfeature.track import TrackingEventDetails

from splitrun.sdk.asgi import SplitrunMiddleware
from splitrun.sdk.context import current
from splitrun.sdk.event import Accepted
from splitrun.sdk.openfeature import RequestContext, SplitrunProvider
from splitrun.sdk.settings import Answer

HERE = Path(__file__).parent
SEEN = Path(os.environ.get("SHOP_SEEN", HERE / "seen.jsonl"))


class Journal:
    """Takes what a server would be sent, and appends it to a file, one event per line."""

    def send(self, body: bytes, /) -> Answer:
        """Take a batch."""
        events = json.loads(body)["events"]
        with SEEN.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        return Answer(202, Accepted(len(events)))


def attributes(scope: MutableMapping[str, Any]) -> dict[str, object]:
    """Tell what flags and segments may ask about a visitor."""
    spoken = dict(scope["headers"]).get(b"accept-language", b"en").decode("latin-1")
    return {"language": spoken[:2].lower()}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Answer from the file that `splitrun ruleset` wrote, also when it is written again."""
    del app
    provider = SplitrunProvider(file=HERE / "ruleset.json", delivery=Journal(), release="1.0.0")
    api.set_provider_and_wait(provider)
    api.set_transaction_context_propagator(RequestContext())
    yield
    api.shutdown()


app = FastAPI(lifespan=lifespan)
# on a real site `secure` stays on: the cookie then travels over TLS only
app.add_middleware(SplitrunMiddleware, consent_cookie="consent", attributes=attributes, secure=False)
flags = api.get_client()

PRICE = 30


def page(*parts: str) -> HTMLResponse:
    """Show a page."""
    return HTMLResponse(f"<!doctype html><title>Teapots</title><main>{''.join(parts)}</main>")


def button(path: str, says: str) -> str:
    """Draw a button that posts."""
    return f'<form method="post" action="{path}"><button>{says}</button></form>'


@app.get("/")
async def teapots() -> HTMLResponse:
    """Sell a teapot, and ask whether the visit may be counted."""
    sale = "<p>Sale!</p>" if await flags.get_boolean_value_async("banner", default_value=False) else ""
    asks = ""
    if current().consent == "pending":
        asks = button("/consent/granted", "count my visit") + button("/consent/denied", "do not")
    return page(sale, f"<h1>Teapot, {PRICE} EUR</h1>", '<a href="/checkout">To the checkout</a>', asks)


@app.post("/consent/{said}")
def consent(said: str) -> RedirectResponse:
    """Remember what the visitor said."""
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie("consent", "granted" if said == "granted" else "denied", httponly=True, samesite="lax")
    return answer


@app.get("/checkout")
def checkout() -> HTMLResponse:
    """Show the checkout that the visitor was dealt; here the unit meets the change."""
    flow = flags.get_string_value("checkout-flow", "three-page")
    free_from = flags.get_integer_value("free-shipping-from", 50)
    shipping = "free" if free_from <= PRICE else "5 EUR"
    steps = ["Address, payment and review"] if flow == "one-page" else ["Address", "Payment", "Review"]
    listed = "".join(f"<li>{step}</li>" for step in steps)
    return page(f"<h1>Checkout</h1><ol>{listed}</ol><p>Shipping: {shipping}</p>", button("/buy", "Buy"))


@app.post("/buy")
def buy() -> HTMLResponse:
    """Sell, and log it."""
    flags.track("purchase", tracking_event_details=TrackingEventDetails(PRICE, {"currency": "EUR"}))
    return page("<h1>Thank you</h1>")
