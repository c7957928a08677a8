"""The one executor: plans, checks, restores in batches, verifies, and undoes what went wrong.

Each step is one transaction that also stores how far the operation is, so that after a crash it
goes on exactly where it stood. What it writes are ledger rows with its id as their origin; each
record is compared, in that transaction, with what the plan saw, so that a change which somebody
else made meanwhile is a conflict and never lost.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from ...model.errors import ColloquyError, StaleLease
from ...telemetry.log import get_logger
from ..rows import OperationRow
from .applying import Applying
from .ending import Ending
from .preparing import Preparing
from .work import Cancelled, Tools

_log = get_logger("ledger")


class Executor:
    """Carries out operations of this process."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        # The lease tells processes apart, not two tasks of one.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, id_: str) -> OperationRow:
        """Drives an operation to its end, from wherever it stands; returns it as it is then.

        Waits for another `run` of it in this process, and goes on with what that one left. Does
        nothing for one that is finished or run by another process. Raises StoreUnavailable; the
        operation is then gone on with later.
        """
        turn = self._turns.setdefault(id_, asyncio.Lock())
        async with turn:
            await self._drive(id_)
        return await self.tools.operations.get(id_)

    async def _drive(self, id_: str) -> None:
        row = await self.tools.operations.get(id_)
        if not row.is_open or not await self.tools.operations.take(row):
            return
        try:
            await _Run(self.tools, await self.tools.operations.get(id_)).drive()
        except StaleLease:
            _log.info("ledger_operation_lost", operation=id_)


class _Run(Preparing, Applying, Ending):
    """One operation, from wherever it stands to its end."""

    async def drive(self) -> None:
        ((self._line,),) = await self._x.store.query("ledger_log_top", self.row.number)
        try:
            await self._settle_again()
            if self.row.phase == "undoing":
                await self._undo()
                return
            if self.row.status == "pending":
                await self._move(status="in_progress", started_at=self._x.clock())
                self._tell("rollback-started")
            elif self.row.status == "waiting":
                await self._move(status="in_progress")
            if self.row.phase == "planning":
                await self._plan()
            preset = self._preset()
            if self.row.phase == "checking":
                await self._check(preset)
                await self._move(phase="applying")
            if self.row.phase in ("applying", "deciding"):
                await self._restore(preset)
                while await self._carry_out_decisions():
                    await self._restore(preset)  # what changed since it was decided
                if await self._waits():
                    return
                await self._move(phase="stepping")
            if self.row.phase == "stepping":
                await self._run_steps()
                await self._move(phase="verifying")
            await self._verify(preset)
            await self._finish("completed")
        except Cancelled as reason:
            await self._fail("cancelled", str(reason) or "cancelled")
        except StaleLease:
            raise
        except (ColloquyError, ValueError, TypeError) as error:
            if getattr(error, "status", 0) == 503:
                raise
            code = error.code if isinstance(error, ColloquyError) else "internal_error"
            await self._fail(code, str(error))
