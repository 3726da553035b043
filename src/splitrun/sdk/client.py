"""The client of a product: `with Client("https://splitrun.example", key=...) as client: ...`."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from splitrun.sdk.surface import Surface

if TYPE_CHECKING:
    # for the type only: importing a client stays cheap
    from splitrun.sdk.settings import Options

__all__ = ["Client"]


class Client(Surface):
    """Answers from a ruleset in memory; what it saw is sent by a thread of its own.

    Making one reads the disk cache and waits for the first ruleset, at most `wait` seconds (0.5). From then
    on nothing blocks and nothing raises; where something is wrong, the default is served and `trouble` says
    why.

    Args:
        url: The server, like `https://splitrun.example`.
        options: See `splitrun.sdk.settings.Settings`: `key`, `file`, `ruleset`, `bootstrap`, `cache`,
            `spool`, `release`, `consent`, `opted_out`, `verify`, `wait`, ...

    Raises:
        SettingError: An option is not known, contradicts another, or is out of its range; all mistakes.
        RulesetError: The `ruleset` given cannot be used.
    """

    def __init__(self, url: str | None = None, **options: Unpack[Options]) -> None:
        super().__init__(url, **options)
        self._vouch()
        self._begin()
        self._await_ruleset()

    def flush(self, timeout: float = 2.0) -> bool:
        """Send what is queued now; True when all of it was taken within `timeout` seconds."""
        return self._guarded(lambda: self._drain(timeout), otherwise=False)

    def close(self, timeout: float = 2.0) -> bool:
        """Send what is queued and stop the threads; evaluations go on, nothing more is logged."""
        return self._guarded(lambda: self._stop(timeout), otherwise=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
