"""The notifier: a bounded queue and a task for each sink, which tries again what may work later.

Whoever tells something is never held up and never sees an error: what a sink would not take is
logged and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from ...model.alerts import SinkTrial
from ...settings import AlertSettings
from ...telemetry import Metrics, get_logger
from ..tasks import Supervisor
from .notices import Notice

log = get_logger(__name__)

DETAIL_CHARACTERS = 300
LONGEST_RETRY_AFTER_S = 300.0
"""A receiver may ask for patience; others wait behind it."""
HIDDEN = "***"


class Attempt(NamedTuple):
    """What one attempt met. `again`: the same may work later."""

    is_success: bool
    detail: str = ""
    again: bool = False
    retry_after_s: float | None = None


class Sink(Protocol):
    """Where notices go."""

    @property
    def name(self) -> str: ...

    @property
    def secrets(self) -> Sequence[str]:
        """Texts that must not appear in a log, such as a password."""
        ...

    async def send(self, notice: Notice) -> Attempt:
        """Tries once. May take its time: it is cancelled at the time-out."""
        ...

    async def close(self) -> None: ...


class Lane:
    """One sink with what waits for it. `pause` (sleeping) is for tests."""

    def __init__(
        self,
        sink: Sink,
        settings: AlertSettings,
        metrics: Metrics,
        pause: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self.sink = sink
        self._settings = settings
        self._counts = metrics.notifications.of(sink.name)
        self._pause = pause
        self._queue: deque[Notice] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_closed = False

    def offer(self, notice: Notice) -> None:
        """Puts it into the queue; when that is full, or closed, it is dropped. Never raises."""
        if self._is_closed or len(self._queue) >= self._settings.queue_size:
            self._counts.of("dropped").inc()
            log.warning("notice_dropped", sink=self.sink.name, type=notice.type, name=notice.name)
            return
        self._queue.append(notice)
        self._idle.clear()
        self._work.set()

    def hold_back(self) -> None:
        """Counts a notice that was not to go out."""
        self._counts.of("suppressed").inc()

    async def run(self) -> None:
        """Sends until cancelled: a task for the supervisor."""
        while True:
            while not self._queue:
                self._idle.set()
                self._work.clear()
                await self._work.wait()
            try:
                await self._deliver(self._queue.popleft())
            except asyncio.CancelledError:
                self._counts.of("dropped").inc()
                raise

    async def settle(self, grace_s: float) -> None:
        """Waits until nothing waits any more, at most so long; what is left is dropped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        self._is_closed = True
        if self._queue:
            self._counts.of("dropped").inc(len(self._queue))
            log.warning("notices_dropped", sink=self.sink.name, count=len(self._queue))
            self._queue.clear()
        await self.sink.close()

    async def try_once(self, notice: Notice) -> SinkTrial:
        """Sends it now, past the queue, once."""
        started = time.perf_counter()
        attempt = await self._attempt(notice)
        outcome = "delivered" if attempt.is_success else "failed"
        self._counts.of(outcome).inc()
        duration_ms = round((time.perf_counter() - started) * 1000)
        return SinkTrial(self.sink.name, outcome, attempt.detail, duration_ms)

    async def _deliver(self, notice: Notice) -> None:
        delays = self._settings.retry_delays_s
        for number in range(len(delays) + 1):
            attempt = await self._attempt(notice)
            if attempt.is_success:
                self._counts.of("delivered").inc()
                return
            is_last = not attempt.again or number == len(delays)
            self._counts.of("failed" if is_last else "retry").inc()
            (log.error if is_last else log.info)(
                "notice_failed" if is_last else "notice_waits",
                sink=self.sink.name,
                type=notice.type,
                name=notice.name,
                detail=attempt.detail,
            )
            if is_last:
                return
            asked_s = min(attempt.retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)
            await self._pause(max(delays[number], asked_s))

    async def _attempt(self, notice: Notice) -> Attempt:
        timeout_s = self._settings.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                attempt = await self.sink.send(notice)
        except TimeoutError:
            attempt = Attempt(False, f"no answer within {timeout_s:g} s", again=True)
        except Exception as error:
            # A fault of ours in one sink must not keep the others from telling.
            log.error("sink_broken", sink=self.sink.name, kind=type(error).__name__)
            attempt = Attempt(False, f"{type(error).__name__}: {error}")
        return attempt._replace(detail=self._without_secrets(attempt.detail))

    def _without_secrets(self, text: str) -> str:
        for secret in self.sink.secrets:
            text = text.replace(secret, HIDDEN)
        return text[:DETAIL_CHARACTERS]


class Notifier:
    """All sinks together."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self.listeners: list[Callable[[Notice], None]] = []
        """Told of each notice at once; they must not wait or raise."""

    def start(self, tasks: Supervisor) -> None:
        for lane in self._lanes:
            tasks.start(f"notify-{lane.sink.name}", lane.run)

    async def settle(self, grace_s: float) -> None:
        await asyncio.gather(*(lane.settle(grace_s) for lane in self._lanes))

    def tell(self, notice: Notice) -> None:
        """Hands it to every sink. Never raises, never waits."""
        for lane in self._lanes:
            lane.offer(notice)
        for listener in self.listeners:
            listener(notice)

    def hold_back(self) -> None:
        """Counts a notice that was not to go out."""
        for lane in self._lanes:
            lane.hold_back()

    async def try_each(self, notice: Notice) -> list[SinkTrial]:
        """Sends it to each sink now, once, and says what came of it."""
        return list(await asyncio.gather(*(lane.try_once(notice) for lane in self._lanes)))
