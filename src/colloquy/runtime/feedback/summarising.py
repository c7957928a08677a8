"""What is known of conversations for figures: kept in the database, else read from their logs.

A summary is of a conversation up to its newest event, so that one in which nothing happened since
is read once and never again. Whoever computes figures fills in what is missing; a task fills in
conversations that have come to rest, so that figures seldom find anything missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from ...feedback.counting import Conversation, Tally
from ...feedback.log import MAX_EVENTS, Happened, log_of
from ...feedback.summaries import (
    Summary,
    decode_summary,
    encode_summary,
    summary_of,
    version_of,
)
from ...model.errors import Unavailable
from ...storage.commit import Rows
from ...storage.store import Store, StoreEvent
from ...telemetry import get_logger
from .reading import PAUSE_S, together

log = get_logger(__name__)

SLICE = 1_000
"""Numbers of conversations that one query looks at."""
AT_REST = 500
"""Conversations at rest that one query brings."""


class _Head(NamedTuple):
    """A conversation whose log is to be read. `is_kept`: all of it is known, but not how it went
    within a window that it reaches out of."""

    number: int
    channel: str
    last_seq: int
    is_kept: bool = False


class Progress(NamedTuple):
    """How far a count is, in conversations."""

    done: int
    total: int


class Summaries:
    """All methods may raise StoreUnavailable."""

    def __init__(self, store: Store, *, implicit: bool) -> None:
        self._store = store
        self._implicit = implicit
        self._version = version_of(implicit=implicit)

    async def count(
        self, since: int, until: int, channel: str, tallies: Sequence[Tally]
    ) -> AsyncIterator[Progress]:
        """Counts all conversations in which something may have happened between two times, beside
        the event loop; yields how far it is, now and then.

        What happens in between moves no conversation from one range of numbers to another.
        """
        ((top,),) = await self._store.query("session_top")
        yield Progress(0, top)
        for after in range(0, top, SLICE):
            end = min(after + SLICE, top)
            rows = await self._store.scan("feedback_summaries", after, end, since, until, channel)
            heads = await asyncio.to_thread(self._count_known, rows, tallies)
            for batch in together(heads):
                await self._read(batch, tallies)
                yield Progress(batch[-1].number, top)
                await asyncio.sleep(PAUSE_S)
            yield Progress(end, top)
            await asyncio.sleep(PAUSE_S)

    async def fill(self, until: int) -> int:
        """Keeps what is missing of conversations in which nothing happened since `until`; returns
        of how many."""
        mark = (0, 0)
        filled = 0
        while True:
            rows = await self._store.scan("feedback_unknown", *mark, until, self._version, AT_REST)
            if not rows:
                return filled
            heads = [_Head(number, "", last_seq) for number, last_seq, _ in rows]
            for batch in together(heads):
                await self._read(batch, ())
                await asyncio.sleep(PAUSE_S)
            filled += len(heads)
            number, _, updated_at = rows[-1]
            mark = (updated_at, number)

    def _count_known(self, rows: Rows, tallies: Sequence[Tally]) -> list[_Head]:
        """Counts what is kept; returns whose log is to be read."""
        heads: list[_Head] = []
        for number, channel, last_seq, kept_seq, version, body in rows:
            if kept_seq != last_seq or version != self._version:
                heads.append(_Head(number, channel, last_seq))
                continue
            summary = decode_summary(body)
            if summary is None:
                continue
            found: list[Tally] = []
            for tally in tallies:
                if tally.window.holds(summary):
                    found.append(tally)
                elif not tally.window.misses(summary):
                    heads.append(_Head(number, channel, last_seq, True))
                    found.clear()
                    break
            for tally in found:
                tally.count(number, channel, summary)
        return heads

    async def _read(self, heads: Sequence[_Head], tallies: Sequence[Tally]) -> None:
        """Reads logs, counts them, and keeps what was not kept."""
        numbers = msgspec.json.encode([head.number for head in heads]).decode()
        rows = await self._store.scan("feedback_events_of", numbers, MAX_EVENTS)
        fresh = await asyncio.to_thread(self._count_logs, heads, rows, tallies)
        if not fresh:
            return
        try:
            await self._store.change("feedback_summary_put", fresh)
        except Unavailable as error:
            # The figures are right all the same; the next ones cost this work again.
            log.warning("feedback_summaries_not_kept", detail=error.detail)

    def _count_logs(self, heads: Sequence[_Head], rows: Rows, tallies: Sequence[Tally]) -> Rows:
        """Returns the rows to keep. What happened since `heads` were read is in the logs, and a
        summary marked with their numbers of events will be made anew."""
        events = (StoreEvent(*row) for row in rows)
        logs: dict[int, list[Happened]] = {
            number: log_of(some) for number, some in groupby(events, key=lambda one: one.session)
        }
        fresh: Rows = []
        for head in heads:
            found = logs.get(head.number, [])
            summary = summary_of(found, implicit=self._implicit)
            if not head.is_kept:
                body = encode_summary(summary)
                fresh.append((head.number, head.last_seq, self._version, body))
            _count(Conversation(head.number, head.channel, found), summary, tallies)
        return fresh


def _count(conversation: Conversation, summary: Summary | None, tallies: Iterable[Tally]) -> None:
    if summary is None:
        return
    for tally in tallies:
        if tally.window.holds(summary):
            tally.count(conversation.number, conversation.channel, summary)
        elif not tally.window.misses(summary):
            tally.add(conversation)
