"""How long the ledger keeps what: points until they expire, every position for some days, finished
operations and the audit trail for longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from ..model.counting import counted
from ..settings import LedgerSettings
from .audit import Entry
from .compaction import Compaction, Compactor
from .events import LedgerEvent
from .ledger import DAY_US, Ledger
from .pinned import count_pinned

LIMIT = 500
"""Rows deleted in one transaction."""


class Cleaned(Struct, frozen=True, kw_only=True):
    """What `Retention.clean` deleted."""

    points: list[str]
    compaction: Compaction
    operations: int
    audit: int


class Retention:
    """Forgetting, by the settings. All methods may raise StoreUnavailable, and may be called again
    after a crash at any moment. `forgotten` is given the horizon after each compaction, for tables
    with a past of their own; `sleep` is for tests."""

    def __init__(
        self,
        ledger: Ledger,
        settings: LedgerSettings,
        sleep: Callable[[float], Any] = asyncio.sleep,
        forgotten: Callable[[int], Awaitable[object]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._forgotten = forgotten
        self._store = ledger.store
        self._settings = settings
        self._compactor = Compactor(
            ledger.store, ledger.history, ledger.clock, settings.keep_days * DAY_US, sleep
        )

    async def clean(self) -> Cleaned:
        """All of it: what a process does now and then."""
        found = Cleaned(
            points=await self.sweep(),
            compaction=await self.compact(),
            operations=await self.forget_operations(),
            audit=await self.forget_audit(),
        )
        data = {"points": len(found.points), "rows": found.compaction.rows,
                "bytes": found.compaction.bytes, "operations": found.operations,
                "audit": found.audit, "horizon": found.compaction.upto}  # fmt: skip
        if found.points or found.compaction.rows or found.operations or found.audit:
            await self._ledger.audit.add(
                Entry(at=self._ledger.clock(), actor="colloquy", event="cleanup_performed",
                      message=f"{counted(found.compaction.rows, 'change')} forgotten", data=data)
            )  # fmt: skip
        self._ledger.listeners.tell(LedgerEvent(name="cleanup-completed", data=data))
        return found

    async def sweep(self) -> list[str]:
        """Deletes expired points that no operation uses; returns their ids."""
        gone: list[str] = []
        while part := await self._ledger.points.sweep(LIMIT):
            gone += part
            for point in part:
                self._ledger.listeners.tell(LedgerEvent(name="rollback-point-expired", point=point))
        return gone

    async def compact(self, upto: int | None = None) -> Compaction:
        """Up to a position; without one, up to what is older than `keep_days`. What points keep of
        it is counted afterwards."""
        if upto is None:
            before = self._ledger.clock() - self._settings.keep_days * DAY_US
            upto = await self._ledger.history.position_at(before)
        done = await self._compactor.compact(upto)
        await count_pinned(self._store, self._ledger.points, self._ledger.clock)
        if self._forgotten is not None:
            await self._forgotten(done.upto)
        return done

    async def forget_operations(self) -> int:
        """Deletes operations that finished before `keep_operations_days`, with what belongs to
        them; one that did not finish stays, whoever began it. Returns how many."""
        before = self._ledger.clock() - self._settings.keep_operations_days * DAY_US
        count = 0
        while found := await self._store.query("ledger_operations_old", before, LIMIT):
            for (number,) in found:
                for query in ("ledger_items_forget", "ledger_log_forget",
                              "ledger_conflicts_forget"):  # fmt: skip
                    while await self._store.change_one(query, number, LIMIT):
                        pass
                # Last: until then the rest is found again.
                await self._store.change_one("ledger_operation_forget", number)
                count += 1
        return count

    async def forget_audit(self) -> int:
        """Deletes entries older than `audit_days`; returns how many."""
        before = self._ledger.clock() - self._settings.audit_days * DAY_US
        count = 0
        while part := await self._ledger.audit.forget(before, LIMIT):
            count += part
        return count
