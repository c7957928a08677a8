"""The pulse of an event loop: how late it runs, and a beat that the watchdog listens for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any


class Pulse:
    """Measures how much later than asked the loop wakes up.

    `lag_s` is the largest lag of the last `WINDOW` beats: one long slice is seen by a scrape that
    comes seconds after it.
    """

    WINDOW = 10

    def __init__(
        self,
        interval_s: float = 0.5,
        *,
        beat: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        """`beat` is called at every beat: `Watchdog.beat`."""
        self._interval_s = interval_s
        self._beat = beat
        self._clock = clock
        self._pause = pause
        self._lags: list[float] = []

    @property
    def lag_s(self) -> float:
        """The largest lag lately, in seconds; 0 before the first beat."""
        return max(self._lags, default=0.0)

    async def run(self) -> None:
        """Beats for ever: a task for the supervisor."""
        while True:
            asked = self._clock()
            await self._pause(self._interval_s)
            self._lags.append(max(0.0, self._clock() - asked - self._interval_s))
            del self._lags[: -self.WINDOW]
            if self._beat is not None:
                self._beat()
