"""The client of a product: `with Client("https://splitrun.example", key=...) as client: ...`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import TracebackType

from splitrun.assign.ruleset import Ruleset
from splitrun.sdk.status import Consent
from splitrun.sdk.surface import Surface

__all__ = ["Client"]


class Client(Surface):
    """Answers from a ruleset held in memory, and sends what was seen from a thread of its own."""

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        file: str | None = None,
        ruleset: Ruleset | bytes | None = None,
        delivery: object = None,      # a Delivery: where batches go instead of url (in-memory, for tests)
        bootstrap: Ruleset | bytes | None = None,
        release: str = "",
        consent: Consent | str = Consent.GRANTED,
        opted_out: Collection[str] | Callable[[str], bool] | None = None,
        cache: str | None = None,
        spool: str | None = None,
        verify: Mapping[str, str] | None = None,
        wait: float = 0.5,
        # ... limits: see Settings
    ) -> None:
        raise NotImplementedError

    def explain(self, flag: str, unit: str, /, attributes: Mapping[str, object] | None = None, **named: object) -> object:
        """Explain the path that led to the answer."""
        raise NotImplementedError

    def flush(self, timeout: float = 2.0) -> bool:
        """Send what is queued; True when all of it was taken within `timeout` seconds."""
        raise NotImplementedError

    def close(self, timeout: float = 2.0) -> None:
        """Flush, stop the threads; answers go on, from the ruleset held."""
        raise NotImplementedError

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
