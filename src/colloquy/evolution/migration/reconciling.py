"""Comparing the two tables as a whole, and repairing what differs.

A message that one side lacks is written there from the other, whichever side is primary: nothing is
ever deleted. Where both have it and say different things the primary of the stage is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from ..stage import Stage
from .backfill import differences, judged
from .database import Operations
from .legacy import Key
from .pacing import Pace, Standing
from .progress import Progress
from .putting import put_each, put_rows
from .sides import Read, Side
from .tables import Tables

VERIFY = "verify"
REPAIR = "reconcile"


class Verified(Struct, frozen=True, kw_only=True):
    """`compared` messages in all, `mismatched` of them not the same (and not ignored)."""

    compared: int
    mismatched: int
    repaired: int
    parity: float


class Repaired(Struct, frozen=True, kw_only=True):
    """Messages with open rows, those that are the same now, and those that are not."""

    looked_at: int
    repaired: int
    left: int


async def verify(
    tables: Tables,
    *,
    pace: Pace | None = None,
    told: Callable[[Standing], None] = lambda standing: None,
) -> Verified:
    """Compares every message of both tables. Each difference is looked at twice before it counts,
    because messages are being written meanwhile; what is the same again is closed as repaired.

    It begins anew each time: parity is a statement about the whole. Raises StoreUnavailable.
    """
    pace = pace or Pace(tables.plan.rate)
    started = tables.clock()
    total = await Side(tables, 1).count() + await Side(tables, 2).count()
    progress = Progress(total=total, started_at=started, moved_at=started)
    repaired = 0
    for version in (1, 2):
        side, cursor = Side(tables, version), None
        while read := await side.read_page(cursor, tables.plan.batch):
            cursor = next(reversed(read))
            repaired += await _compared(tables, side, read, progress)
            progress.done += len(read)
            progress.moved_at = tables.clock()
            told(pace.standing(progress.done, max(progress.done, progress.total)))
            await pace.keep(len(read))
    progress.finished_at = tables.clock()
    await tables.journal.put(VERIFY, progress)
    return Verified(
        compared=progress.compared,
        mismatched=progress.compared - progress.matched,
        repaired=repaired,
        parity=progress.parity,
    )


async def _compared(tables: Tables, side: Side, read: Read, progress: Progress) -> int:
    """Compares a page with the other side; returns how many rows of the ledger that closed.

    V1's pages are compared with V2; of V2's only what V1 does not have is new.
    """
    there = await side.other.read(list(read))
    if side.version == 2:
        read = {key: message for key, message in read.items() if key not in there}
    suspects = []
    for key, message in read.items():
        pair = (message, there.get(key)) if side.version == 1 else (there.get(key), message)
        if judged(key, *pair)[0]:
            suspects.append(key)
    bad = await differences(tables, suspects)
    same = [key for key in read if key not in bad]
    closed = await tables.mismatches.repaired(same)
    unsettled = await tables.mismatches.open_among(list(bad))
    progress.compared += len(read)
    progress.matched += len(read) - len(unsettled)
    return closed


async def reconcile(
    tables: Tables,
    stage: Stage,
    *,
    pace: Pace | None = None,
    told: Callable[[Standing], None] = lambda standing: None,
) -> Repaired:
    """Repairs what the mismatch ledger has open. What cannot be repaired stays open, and says why.

    Raises StoreUnavailable: then it can be called again.
    """
    pace = pace or Pace(tables.plan.rate)
    total = await tables.mismatches.open_messages()
    looked_at = repaired = 0
    after = 0
    while True:
        names, after = await tables.mismatches.open_page(after, tables.plan.batch)
        if not names:
            break
        keys = [tables.legacy.key(name) for name in names]
        looked_at += len(keys)
        repaired += len(await _repair(tables, stage, keys))
        told(pace.standing(looked_at, max(total, looked_at)))
        await pace.keep(len(keys))
    now = tables.clock()
    await tables.journal.put(
        REPAIR,
        Progress(done=looked_at, total=looked_at, written=repaired, moved_at=now, finished_at=now),
    )
    return Repaired(looked_at=looked_at, repaired=repaired, left=looked_at - repaired)


async def _repair(tables: Tables, stage: Stage, keys: Sequence[Key]) -> set[Key]:
    """Returns those that are the same on both sides afterwards."""
    primary = Side(tables, stage.primary)
    if tables.is_shared:
        refused = await tables.old.transact(lambda: _at_once(primary, keys))
    else:
        refused = await _apart(primary, keys)
    for key, reason in refused.items():
        await tables.mismatches.explain(key, reason)
    one, other = await primary.read(keys), await primary.other.read(keys)
    same = {
        key
        for key in keys
        if key not in refused and not judged(key, one.get(key), other.get(key))[0]
    }
    # Both sides without it: it was deleted, and there is nothing to be repaired.
    await tables.mismatches.repaired(sorted(same, key=str))
    return same


def _at_once(primary: Side, keys: Sequence[Key]) -> Operations[dict[Key, str]]:
    """Reads and writes in one transaction: no write comes in between."""
    secondary = primary.other
    one = primary.messages((yield primary.by_key(keys)))
    other = secondary.messages((yield secondary.by_key(keys)))
    forth, back, refused = _wanted(primary, one, other)
    refused |= yield from put_each(secondary.write, forth)
    refused |= yield from put_each(primary.insert, back)
    return refused


async def _apart(primary: Side, keys: Sequence[Key]) -> dict[Key, str]:
    """In two databases; a write that comes in between leaves a row in the outbox, which is emptied
    after this and has the last word."""
    secondary = primary.other
    one, other = await primary.read(keys), await secondary.read(keys)
    forth, back, refused = _wanted(primary, one, other)
    refused |= await put_rows(secondary.database, secondary.write, forth)
    refused |= await put_rows(primary.database, primary.insert, back)
    return refused


def _wanted(
    primary: Side, one: Read, other: Read
) -> tuple[dict[Key, tuple[object, ...]], dict[Key, tuple[object, ...]], dict[Key, str]]:
    """(rows for the secondary, rows that the primary lacks, key → why nothing can be done)."""
    forth = {
        key: message for key, message in one.items() if judged(key, message, other.get(key))[0]
    }
    back = {key: message for key, message in other.items() if key not in one}
    forth_rows, refused = primary.other.rows(forth)
    back_rows, unable = primary.rows(back)
    return forth_rows, back_rows, refused | unable
