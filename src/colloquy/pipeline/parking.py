"""Parked turns: their handlers go on beside the batches (engine decision 17)."""

from __future__ import annotations

import asyncio
from functools import partial

from ..model.errors import TurnTimeout
from ..model.reply import Reply
from ..telemetry import Metrics
from .running import RunningFile
from .work import Work

FULL_PAUSE_S = 0.02
"""With too many parked turns, how often to look whether there is room again."""


class Parking:
    """At most `limit` turns, one of a conversation; each for at most `timeout_s`."""

    def __init__(
        self,
        running: RunningFile,
        metrics: Metrics,
        *,
        limit: int,
        timeout_s: float,
        wake: asyncio.Event,
    ) -> None:
        self._running = running
        self._metrics = metrics
        self._limit = limit
        self.timeout_s = timeout_s
        self._wake = wake
        self._parked: dict[bytes, Work] = {}
        self._ready: list[Work] = []
        self.closed = False

    def __len__(self) -> int:
        return len(self._parked)

    def __contains__(self, work: Work) -> bool:
        return self._parked.get(work.conversation) is work

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    async def has_room(self, task: asyncio.Task[list[Reply]]) -> bool:
        """Whether the turn of this handler may be parked. With too many parked (a batch's worth may
        be over the bound) the batch waits: that holds others up, but to begin handlers again would
        multiply what they do."""
        while not task.done() and not self.closed:
            if len(self._parked) < self._limit:
                return True
            await asyncio.wait([task], timeout=FULL_PAUSE_S)
        return False

    def enter(self, work: Work) -> None:
        self._parked[work.conversation] = work

    def leave(self, work: Work) -> bool:
        """Forgets a turn; False when it was not parked (any more)."""
        if work not in self:
            return False
        del self._parked[work.conversation]
        return True

    def drop(self, work: Work) -> None:
        """Forgets a turn and ends its handler."""
        if self.leave(work) and work.task is not None:
            work.task.cancel()

    def close(self) -> None:
        """Ends every handler: the turns stay in the inbox."""
        self.closed = True
        for work in self._parked.values():
            if work.task is not None:
                work.task.cancel()

    def watch(self, work: Work) -> None:
        """Waits for a parked handler beside the batches."""
        assert work.task is not None
        work.handle = self._running.begin(work.ids)
        self._metrics.parked.set(len(self._parked))
        timeout = asyncio.get_running_loop().call_later(
            self.timeout_s, partial(self._time_out, work)
        )

        def ready(task: asyncio.Task[object]) -> None:
            timeout.cancel()
            if work in self:
                self._ready.append(work)
                self._wake.set()

        work.task.add_done_callback(ready)

    def _time_out(self, work: Work) -> None:
        if work.task is not None and not work.task.done():
            seconds = self.timeout_s
            work.error = TurnTimeout(f"the handler did not finish within {seconds:g} s")
            work.task.cancel()

    def take(self, limit: int) -> list[Work]:
        """Turns whose handlers are done."""
        taken = self._ready[:limit]
        del self._ready[: len(taken)]
        return taken

    def settled(self, work: Work) -> None:
        """Its second commit is over, however it ended."""
        self.leave(work)
        self._running.end(work.handle)
        self._metrics.parked.set(len(self._parked))
