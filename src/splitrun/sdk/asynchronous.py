"""The client for asyncio: `async with AsyncClient("https://splitrun.example", key=...) as client: ...`.

Answers and records are plain calls that do no I/O; opening, flushing and closing are awaited.
"""

from __future__ import annotations

from types import TracebackType

from splitrun.sdk.surface import Surface

__all__ = ["AsyncClient"]


class AsyncClient(Surface):
    """Takes what `Client` takes; makes no file or socket call on the loop."""

    async def open(self) -> AsyncClient:
        """Load what is on disk, start the threads, wait for the first ruleset up to `wait` seconds."""
        raise NotImplementedError

    async def flush(self, timeout: float = 2.0) -> bool:
        """Send what is queued."""
        raise NotImplementedError

    async def close(self, timeout: float = 2.0) -> None:
        """Flush and stop."""
        raise NotImplementedError

    async def __aenter__(self) -> AsyncClient:
        return await self.open()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()
