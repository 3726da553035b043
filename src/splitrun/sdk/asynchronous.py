"""The client for asyncio: `async with AsyncClient("https://splitrun.example", key=...) as client: ...`.

Answers and records are plain calls that do no I/O; opening, flushing and closing are awaited.
"""

from __future__ import annotations

from asyncio import to_thread
from types import TracebackType
from typing import Self

from splitrun.sdk.surface import Surface

__all__ = ["AsyncClient"]


class AsyncClient(Surface):
    """Takes what `Client` takes, and makes no file or socket call on the loop.

    Until it is opened it answers with the defaults of the code, unless `ruleset` was given.
    """

    async def open(self) -> Self:
        """Load what is on disk, start the threads, wait for the first ruleset at most `wait` seconds.

        Raises:
            SettingError: The `certificates` cannot be used.
        """
        await to_thread(self._vouch)
        await to_thread(self._guarded, self._begin, None)
        await to_thread(self._await_ruleset)
        return self

    async def flush(self, timeout: float = 2.0) -> bool:  # noqa: ASYNC109 - events stay where they are when it is over
        """Send what is queued now; True when all of it was taken within `timeout` seconds."""
        return await to_thread(self._guarded, lambda: self._drain(timeout), otherwise=False)

    async def close(self, timeout: float = 2.0) -> bool:  # noqa: ASYNC109 - as above
        """Send what is queued and stop the threads; evaluations go on, nothing more is logged."""
        return await to_thread(self._guarded, lambda: self._stop(timeout), otherwise=False)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
