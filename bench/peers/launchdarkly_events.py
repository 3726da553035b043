"""LaunchDarkly as in `launchdarkly.py`, with events switched on, in a process of its own.

Its own threads write each evaluation and hand it to a connection that does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bench.evaluating import served
from bench.peers.launchdarkly import asking, made
from ldclient.impl.events.event_processor import DefaultEventProcessor


class Answer:
    """That of a server that took what it was sent."""

    status = 202
    headers: Mapping[str, str] = MappingProxyType({})


class Silent:
    """Takes requests and does nothing with them."""

    def request(self, *_what: object, **_how: object) -> Answer:
        """Take one."""
        return Answer()


def main() -> None:
    """Serve the ways."""
    client = made(
        diagnostic_opt_out=True,
        event_processor_class=lambda config: DefaultEventProcessor(config, http=Silent()),
    )

    def written() -> None:
        """Wait until events are handed over: their memory holds no more than two rounds."""
        client.flush()
        client._event_processor._wait_until_inactive()  # noqa: SLF001  # there is no other way to know

    asks = asking(client, "launchdarkly with events")
    served(asks, asks, between=written)
    client.close()


if __name__ == "__main__":
    main()
