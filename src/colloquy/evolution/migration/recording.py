"""The messages of the V2 table as history of their conversations: recorded in the engine's log.

A message that the log has is left alone, so that this can be done again after a crash or when more
have come. Messages go in the order in which they were said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec import Struct

from ...model.errors import ColloquyError, Overloaded, Unavailable
from ...model.message import Message
from ...model.views import Receipt
from .comparing import Found
from .pacing import Pace, Standing
from .progress import Progress
from .tables import Tables

RECORD = "record"
PATIENCE = 60
"""Times that one batch is offered to an engine that is busy."""
LONGEST_PAUSE_S = 5.0

Offer = Callable[[Sequence[Message]], Awaitable[list[Receipt | ColloquyError]]]
_message = msgspec.json.Decoder(Message)


class Recorded(Struct, kw_only=True):
    """Messages that were new to the log, that it had, and that it refused (rows of the mismatch
    ledger, of the field `log`)."""

    stored: int = 0
    known: int = 0
    refused: int = 0


async def record(
    tables: Tables,
    offer: Offer,
    *,
    restart: bool = False,
    pace: Pace | None = None,
    told: Callable[[Standing], None] = lambda standing: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Recorded:
    """Offers everything behind the place that was reached before; `restart` begins at the first.

    Raises Overloaded or Unavailable after a while, and can be called again.
    """
    pace = pace or Pace(tables.plan.rate)
    await tables.new.run(tables.current.order_by_time())
    progress = Progress() if restart else await tables.journal.read(RECORD)
    progress.total = await tables.current.count()
    progress.started_at = progress.started_at or tables.clock()
    done = Recorded()
    while True:
        place = progress.cursor if isinstance(progress.cursor, tuple) else None
        rows = await tables.current.by_time(place, tables.plan.batch)
        if not rows:
            break
        receipts = await _offered(offer, [_message.decode(body) for _, _, body in rows], sleep)
        for (_, key, _), receipt in zip(rows, receipts, strict=True):
            if isinstance(receipt, ColloquyError):
                done.refused += 1
                reason = f"{receipt.code}: {receipt.detail}"
                await tables.mismatches.note([Found(key, "log", "failed_write")], reason)
            elif receipt.status in ("stored", "spooled"):
                done.stored += 1
            else:
                done.known += 1
        progress.cursor = (rows[-1][0], rows[-1][1])
        progress.done += len(rows)
        progress.moved_at = tables.clock()
        await tables.journal.put(RECORD, progress)
        told(pace.standing(progress.done, progress.total))
        await pace.keep(len(rows))
    progress.finished_at = tables.clock()
    await tables.journal.put(RECORD, progress)
    return done


async def _offered(
    offer: Offer, messages: Sequence[Message], sleep: Callable[[float], Awaitable[None]]
) -> list[Receipt | ColloquyError]:
    """Again while the engine is busy: repeats do no harm."""
    for _ in range(PATIENCE - 1):
        try:
            return await offer(messages)
        except (Overloaded, Unavailable) as error:
            await sleep(min(error.retry_after_s or 0.5, LONGEST_PAUSE_S))
    return await offer(messages)
