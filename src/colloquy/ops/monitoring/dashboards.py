"""Who watches: a bounded queue for each dashboard, so that a slow or dead one holds up nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable

import msgspec

from ...model.errors import Unavailable
from ...model.monitoring import DashboardFigures, MonitoringEvent
from ...model.times import now_us, rfc3339

KEEP_ALIVE_S = 15.0
"""After so long without an event a dashboard is shown that the line still holds."""


class Dashboard:
    """One viewer. It gets what comes from here on; the oldest frames make room for new ones when it
    does not keep up, and it is told how many."""

    def __init__(self, hub: Hub, most: int) -> None:
        self._hub = hub
        self._most = most
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._missed = 0
        self._is_over = False

    def __enter__(self) -> Dashboard:
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.leave(self)

    @property
    def waiting(self) -> int:
        """Frames that wait to be taken."""
        return len(self._frames)

    def offer(self, frame: bytes) -> None:
        """Never waits."""
        if len(self._frames) >= self._most:
            self._frames.popleft()
            self._missed += 1
            self._hub.dropped += 1
        self._frames.append(frame)
        self._wake.set()

    def end(self) -> None:
        """No more frames."""
        self._is_over = True
        self._wake.set()

    async def frames(self) -> AsyncIterator[bytes | None]:
        """Each frame, JSON; None to keep the line alive. Before the frames that follow a gap comes
        one of type `dropped`."""
        while not self._is_over:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._wake.wait()
            except TimeoutError:
                yield None
                continue
            self._wake.clear()
            while self._frames and not self._is_over:
                if self._missed:
                    missed, self._missed = self._missed, 0
                    yield _gap(missed)
                yield self._frames.popleft()


def _gap(count: int) -> bytes:
    told = MonitoringEvent("dropped", rfc3339(now_us()), "", {"count": count})
    return msgspec.json.encode(told)


class Hub:
    """The dashboards of one adapter in one process."""

    def __init__(self, *, most: int, queue_size: int) -> None:
        self._most = most
        self._queue_size = queue_size
        self._dashboards: set[Dashboard] = set()
        self.dropped = 0

    def check(self) -> None:
        """Raises Unavailable when there are too many."""
        if len(self._dashboards) >= self._most:
            raise Unavailable(f"{self._most} dashboards are connected", retry_after_s=10.0)

    def join(self) -> Dashboard:
        """Use it as a context manager. Raises what `check` raises."""
        self.check()
        dashboard = Dashboard(self, self._queue_size)
        self._dashboards.add(dashboard)
        return dashboard

    def leave(self, dashboard: Dashboard) -> None:
        self._dashboards.discard(dashboard)

    def send(self, frames: Iterable[bytes]) -> None:
        """Hands frames to every dashboard; never waits."""
        for dashboard in self._dashboards:
            for frame in frames:
                dashboard.offer(frame)

    def end(self) -> None:
        for dashboard in self._dashboards:
            dashboard.end()

    @property
    def connected(self) -> int:
        return len(self._dashboards)

    def view(self) -> DashboardFigures:
        return DashboardFigures(len(self._dashboards), self.dropped)
