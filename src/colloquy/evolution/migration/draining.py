"""Emptying the outbox: what one database has is written to the other, as it is by now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from ...model.errors import ColloquyError
from ...telemetry import get_logger
from .comparing import Found
from .database import Operations
from .legacy import Key
from .outbox import Outbox, Waiting
from .putting import put_rows
from .sides import Side
from .tables import Tables

log = get_logger(__name__)

IDLE_S = 0.2
BATCH = 500


class Drained(Struct, frozen=True):
    """Messages that were written to the other side, and those that it did not take."""

    written: int = 0
    failed: int = 0


async def drain(tables: Tables, version: int, limit: int = BATCH) -> Drained:
    """Writes what is due in the outbox of one side to the other one, once.

    What fails comes again after a pause and is a row of the mismatch ledger, which is closed when
    it is written. Raises StoreUnavailable when the outbox itself cannot be reached.
    """
    side = Side(tables, version)
    waiting = await side.outbox.due(limit)
    if not waiting:
        return Drained()
    messages = await side.read([one.key for one in waiting])
    rows, failed = side.other.rows(messages)
    try:
        failed |= await put_rows(side.other.database, side.other.write, rows)
    except ColloquyError as error:
        failed |= dict.fromkeys(rows, error.detail)
    # What is no longer in the primary's table has nothing to be written.
    settled = [one for one in waiting if one.key not in failed]
    late = [one for one in waiting if one.key in failed]
    await side.database.transact(lambda: _settle(side.outbox, settled, late))
    await _tell(tables, [one.key for one in settled], failed)
    return Drained(len(rows.keys() - failed.keys()), len(failed))


def _settle(
    outbox: Outbox, settled: Sequence[Waiting], late: Sequence[Waiting]
) -> Operations[None]:
    if settled:
        found = yield outbox.versions([one.key for one in settled])
        now: dict[Key, int] = dict(found)
        yield outbox.done(settled)
        # Somebody wrote a newer one and took its row away: ours may have come after it.
        overtaken = [one.key for one in settled if one.key not in now]
        if overtaken:
            yield outbox.put(overtaken)
    if late:
        yield outbox.later(late)


async def _tell(tables: Tables, written: Sequence[Key], failed: dict[Key, str]) -> None:
    """Keeps the mismatch ledger. It may lie in the very database that is away: the outbox knows."""
    try:
        await tables.mismatches.repaired(written, ("failed_write",))
        for key, reason in failed.items():
            await tables.mismatches.note([Found(key, "", "failed_write")], reason)
    except ColloquyError as error:
        log.warning("migration_mismatch_not_recorded", detail=error.detail)


async def keep_draining(tables: Tables, *, may: Callable[[], bool] = lambda: True) -> None:
    """Empties both outboxes until cancelled, while it `may`: a task for whoever writes."""
    while True:
        done = Drained()
        for version in (1, 2):
            try:
                done = await drain(tables, version) if may() and not tables.is_shared else done
            except ColloquyError as error:
                log.warning("migration_outbox_waits", version=version, detail=error.detail)
        if done.written < BATCH:
            await asyncio.sleep(IDLE_S)
