"""Backfill: the messages of one table that the other does not have, in batches.

The cursor is written in the transaction that writes a batch, so that a process that dies goes on
behind the last batch that is whole. A message that is there is left alone: done twice it is the
same, and what a dual write has written meanwhile is newer. Each batch is read back and compared by
a digest of every field; a batch that is not the same is compared message by message.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ...model.errors import ColloquyError
from ..v1 import V1Message
from .comparing import Found, compare, digests, text_of
from .database import Operations
from .legacy import Key
from .pacing import Pace, Standing
from .progress import Progress
from .putting import put_each, put_rows
from .sides import Read, Side
from .tables import Tables

Told = Callable[[Standing], None]


class Backfilled(Struct, frozen=True, kw_only=True):
    """What a run did: messages passed, those of them that were written, and those that the other
    side did not take or holds differently (rows of the mismatch ledger)."""

    passed: int
    written: int
    mismatched: int
    total: int
    resumed_after: str | None


def name_of(source: int) -> str:
    """The work's name in the journal."""
    return f"backfill_v{source}"


async def backfill(
    tables: Tables,
    *,
    source: int = 1,
    restart: bool = False,
    pace: Pace | None = None,
    told: Told = lambda standing: None,
) -> Backfilled:
    """Moves everything from the table of version `source` to the other one.

    One that was complete before goes on with what came behind it; `restart` begins at the first id.
    Raises StoreUnavailable: then it can be called again.
    """
    side = Side(tables, source)
    pace = pace or Pace(tables.plan.rate)
    name = name_of(source)
    progress = Progress() if restart else await tables.journal.read(name)
    now = tables.clock()
    progress.total = await side.count()
    progress.started_at = progress.started_at or now
    progress.moved_at = now
    progress.finished_at = 0
    start, written, mismatched = progress.done, progress.written, 0
    resumed = progress.cursor
    while True:
        read = await side.read_page(_key(progress), tables.plan.batch)
        if not read:
            break
        bad = await _batch(tables, side, name, read, progress)
        mismatched += bad
        told(pace.standing(progress.done, progress.total))
        await pace.keep(len(read))
    progress.finished_at = tables.clock()
    await tables.journal.put(name, progress)
    return Backfilled(
        passed=progress.done - start,
        written=progress.written - written,
        mismatched=mismatched,
        total=progress.total,
        resumed_after=None if resumed is None else str(resumed),
    )


async def _batch(tables: Tables, side: Side, name: str, read: Read, progress: Progress) -> int:
    """One page; returns how many of its messages are not the same on both sides."""
    other = side.other
    rows, failed = other.rows(read)
    there = await other.read(list(rows))
    news = {key: row for key, row in rows.items() if key not in there}
    progress.cursor = next(reversed(read))
    progress.done += len(read)
    progress.moved_at = tables.clock()
    if other.database is tables.journal.database:
        before = progress.written
        failed |= await other.database.transact(
            lambda: _together(tables, other, name, news, failed, progress, before)
        )
    else:
        # Written first: a crash in between leaves messages that are found to be there.
        refused = await put_rows(other.database, other.insert, news)
        failed |= refused
        progress.written += len(news) - len(refused)
        for key, reason in failed.items():
            await tables.mismatches.note([Found(key, "", "failed_write")], reason)
        await tables.journal.put(name, progress)
    different = await _verify(tables, side, read, failed)
    return len(failed) + different


def _together(
    tables: Tables,
    other: Side,
    name: str,
    news: dict[Key, tuple[object, ...]],
    failed: dict[Key, str],
    progress: Progress,
    before: int,
) -> Operations[dict[Key, str]]:
    """`before`: messages written before this batch; a transaction may run more than once."""
    refused = yield from put_each(other.insert, news)
    progress.written = before + len(news) - len(refused)
    for key, reason in {**failed, **refused}.items():
        yield tables.mismatches.record([Found(key, "", "failed_write")], reason)
    yield tables.journal.save(name, progress)
    return refused


async def _verify(tables: Tables, side: Side, read: Read, failed: dict[Key, str]) -> int:
    """Compares a batch as it is on the other side now."""
    sent = {
        key: message
        for key, message in read.items()
        if key not in failed and not isinstance(message, ColloquyError)
    }
    kept = await side.other.read(list(sent))
    good = {key: one for key, one in kept.items() if not isinstance(one, ColloquyError)}
    if digests(sent.items()) == digests(good.items()):
        return 0
    suspects = [key for key in sent if key not in good or compare(key, sent[key], good[key])]
    return len(await differences(tables, suspects))


async def differences(tables: Tables, keys: list[Key]) -> set[Key]:
    """Compares messages as they are now, on both sides, and records what differs.

    What looked different because it was just being written is the same by now.
    """
    if not keys:
        return set()
    one, other = await Side(tables, 1).read(keys), await Side(tables, 2).read(keys)
    found: set[Key] = set()
    for key in keys:
        rows, reason = judged(key, one.get(key), other.get(key))
        if rows:
            found.add(key)
            await tables.mismatches.note(rows, reason)
    return found


def judged(
    key: Key, v1: V1Message | ColloquyError | None, v2: V1Message | ColloquyError | None
) -> tuple[list[Found], str]:
    """How a message differs and, where a side has no message but a row that is none, why."""
    errors = [one for one in (v1, v2) if isinstance(one, ColloquyError)]
    if errors:
        values = ["" if isinstance(one, ColloquyError | None) else text_of(one) for one in (v1, v2)]
        return [Found(key, "", "different", *values)], f"{errors[0].code}: {errors[0].detail}"
    assert not isinstance(v1, ColloquyError) and not isinstance(v2, ColloquyError)
    return compare(key, v1, v2), ""


def _key(progress: Progress) -> Key | None:
    assert not isinstance(progress.cursor, tuple)
    return progress.cursor
