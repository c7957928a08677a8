"""What this process works on: the partitions it holds and the inbox rows the scheduler is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..model.errors import StoreUnavailable
from ..model.times import Clock
from ..storage.store import InboxHeader, Store
from ..telemetry import get_logger
from .scheduler import Scheduler

log = get_logger(__name__)

PAGE = 2000
"""Inbox headers read at a time."""
LEASE_RENEWALS = 3
"""Renewals per lease time."""


class Intake:
    """Keeps the scheduler fed. `lost` is called when partitions went to another worker."""

    def __init__(
        self,
        store: Store,
        scheduler: Scheduler,
        *,
        name: str,
        lease_s: float,
        wake: asyncio.Event,
        lost: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._store = store
        self.scheduler = scheduler
        self._name = name
        self._lease_s = lease_s
        self._wake = wake
        self._lost = lost
        self._clock = clock
        self.leases: dict[int, int] = {}
        """Partitions held, with the epoch of each."""
        self.is_behind = True
        """The inbox may hold rows that the scheduler has not seen."""
        self._read_up_to = 0
        self._from_start = False
        """What it has not seen may have lower numbers than what it has."""

    async def start(self) -> None:
        """Takes the leases."""
        self.leases = await self._store.hold_leases(self._name, self._lease_s)

    def offer(self, headers: list[InboxHeader]) -> None:
        """New rows that this process stored itself, in inbox order."""
        if self._store.shared:
            # Another process may have stored an earlier message of the same conversation: only
            # the inbox knows the order.
            self.is_behind = True
        elif self.is_behind or self.scheduler.is_full:
            self.is_behind = True
        elif headers:
            self._read_up_to = headers[-1].id
            self.scheduler.add(headers, self._clock())
        self._wake.set()

    def look(self) -> None:
        """Another process stored something, or a dead letter was put back: read the inbox."""
        self.is_behind = True
        self._from_start = True
        self._wake.set()

    async def read(self) -> None:
        """Shows the scheduler the rows it does not know (engine decision 9)."""
        if self._store.shared:
            await self._read_shared()
            return
        while self.is_behind and not self.scheduler.is_full:
            after = 0 if self._from_start else self._read_up_to
            self.is_behind = self._from_start = False
            while True:
                headers = await self._store.inbox_headers(after, PAGE)
                if not headers:
                    break
                after = headers[-1].id
                self.scheduler.add(headers, self._clock())
                if self.scheduler.is_full:
                    self.is_behind = True
                    break
            self._read_up_to = after

    async def _read_shared(self) -> None:
        """In one statement, and so as of one moment: page by page, a row of a page read already
        could become visible after that and a later one of its conversation be found before it."""
        if self.scheduler.is_full:
            return
        self.is_behind = False
        limit = PAGE + len(self.scheduler)
        while True:
            epochs = {part: epoch for part, epoch in self.leases.items() if self.is_open(part)}
            headers = await self._store.inbox_headers(0, limit)
            # A partition that was gained meanwhile waits for the next look.
            held = {part for part, epoch in epochs.items() if self.leases.get(part) == epoch}
            known = len(self.scheduler)
            mine = [header for header in headers if header.partition in held]
            self.scheduler.add(mine, self._clock())
            if len(headers) < limit:
                return
            if len(self.scheduler) > known:
                self.is_behind = True
                return
            limit *= 2

    async def keep_leases(self, renewed: Callable[[], Awaitable[object]]) -> None:
        """Renews the leases until cancelled, and calls `renewed` after each time.

        On SQLite there is nothing to renew.
        """
        while True:
            await asyncio.sleep(self._lease_s / LEASE_RENEWALS)
            if not self._store.shared:
                continue
            try:
                await self.renew()
                await renewed()
            except StoreUnavailable as error:
                log.warning("leases_not_renewed", detail=error.detail)

    async def renew(self) -> None:
        self._take_leases(await self._store.hold_leases(self._name, self._lease_s))

    def _take_leases(self, held: dict[int, int]) -> None:
        lost = {part for part, epoch in self.leases.items() if held.get(part) != epoch}
        gained = held.keys() - self.leases.keys()
        self.leases = held
        if lost:
            self.scheduler.forget(lost)
            self._lost()
        if gained or lost:
            log.info("leases", held=len(held), gained=len(gained), lost=len(lost))
            self.look()

    def is_open(self, partition: int) -> bool:
        """Held, and not about to be given up: nothing new is begun on what another worker takes."""
        return partition in self.leases and partition not in self._store.draining(self._name)

    def holds(self, partition: int) -> bool:
        return partition in self.leases

    def has_room(self, batch: int) -> bool:
        """Whether to read the inbox: on a shared store it is read from its start each time, so only
        when there is less at hand than one batch takes."""
        return not self._store.shared or self.scheduler.ready_lanes() < batch
