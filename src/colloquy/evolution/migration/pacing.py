"""The pace of long work: a rate that it keeps, and what is said of it on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct


class Standing(Struct, frozen=True, kw_only=True):
    """How far work is. `per_s`: messages per second since this run began; `eta_s`: seconds until it
    is done at that pace, None while nothing can be said."""

    done: int
    total: int
    per_s: float
    eta_s: float | None


class Pace:
    """Keeps a run at `rate` messages per second, on the average of the whole run."""

    def __init__(
        self,
        rate: float | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._sleep = sleep
        self._started = monotonic()
        self._count = 0

    async def keep(self, count: int) -> None:
        """After `count` messages: waits until so many may have been moved."""
        self._count += count
        if self._rate is not None:
            ahead = self._count / self._rate - (self._monotonic() - self._started)
            if ahead > 0:
                await self._sleep(ahead)

    def standing(self, done: int, total: int) -> Standing:
        spent = self._monotonic() - self._started
        per_s = self._count / spent if spent > 0 else 0.0
        eta = max(0, total - done) / per_s if per_s > 0 else None
        return Standing(done=done, total=total, per_s=per_s, eta_s=eta)
