"""Ratings and signals as rows of a file, one conversation after the other."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import msgspec

from ...feedback.log import Replied, said_of_replies
from ...feedback.naming import Naming
from ...feedback.signals import signals_of, within
from ...formats.csv import safe
from ...model.feedback import (
    FeedbackFormat,
    FeedbackKind,
    FeedbackRow,
    Signals,
    SignalsRow,
    score_of,
)
from .computing import Range
from .reading import Read, Reading

Row = FeedbackRow | SignalsRow
_SIGNALS = Signals.__struct_fields__
COLUMNS: dict[FeedbackKind, tuple[str, ...]] = {
    "ratings": FeedbackRow.__struct_fields__,
    "signals": (*SignalsRow.__struct_fields__[:-1], *_SIGNALS),
}


async def rows_of(
    reading: Reading, kind: FeedbackKind, asked: Range, naming: Naming, rest_s: float
) -> AsyncIterator[list[Row]]:
    """The rows of a range, in batches."""
    async for batch in reading.conversations(asked.since, asked.until, asked.channel):
        rows: list[Row] = []
        for read in batch:
            if kind == "ratings":
                rows += _ratings(read, asked, naming)
            else:
                rows += _signals(read, asked, naming, rest_s)
        yield rows


async def file_of(
    batches: AsyncIterator[list[Row]], kind: FeedbackKind, format: FeedbackFormat
) -> AsyncIterator[bytes]:
    """The rows as a JSON array or as CSV (RFC 4180) in which no cell is a formula."""
    if format == "csv":
        yield (",".join(COLUMNS[kind]) + "\r\n").encode()
        async for rows in batches:
            if rows:
                yield _csv(rows)
        return
    # What is there goes out at once: who waits sees that something comes.
    yield b"["
    between = b""
    async for rows in batches:
        if rows:
            yield between + b",\n".join(map(msgspec.json.encode, rows))
            between = b",\n"
    yield b"]\n"


def _ratings(read: Read, asked: Range, naming: Naming) -> Iterator[FeedbackRow]:
    head = read.head
    for rated, reply in said_of_replies(read.log):
        if not (asked.since <= rated.at < asked.until and asked.wanted.takes(reply)):
            continue
        context = reply.context if reply is not None else None
        yield FeedbackRow(
            at=naming.moment(rated.at),
            rating=str(rated.rating),
            score=score_of(rated.rating) if rated.rating != "" else None,
            category=rated.category,
            comment=naming.comment(rated.comment),
            reaction=rated.reaction or "",
            by=naming.rater(rated.by),
            person=naming.person(head.channel, head.account, head.key),
            conversation=naming.conversation(head.id),
            channel=head.channel,
            reply=naming.id(rated.reply_id),
            turn=naming.id(reply.turn) if reply is not None else "",
            handler=reply.handler if reply is not None else "",
            intent=reply.intent if reply is not None else "",
            confidence=reply.confidence if reply is not None else None,
            models=" ".join(reply.models) if reply is not None else "",
            context_position=context.position if context is not None else None,
            context_tokens=context.tokens if context is not None else None,
            context=naming.sources(context) if context is not None else "",
        )


def _signals(read: Read, asked: Range, naming: Naming, rest_s: float) -> Iterator[SignalsRow]:
    log = within(read.log, asked.since, asked.until)
    wanted = asked.wanted
    if not wanted.is_any and not any(isinstance(one, Replied) and wanted.takes(one) for one in log):
        return
    signals = signals_of(log, min(asked.now, asked.until), rest_s)
    if signals is not None:
        head = read.head
        yield SignalsRow(
            conversation=naming.conversation(head.id),
            person=naming.person(head.channel, head.account, head.key),
            channel=head.channel,
            signals=signals,
        )


def _csv(rows: Iterable[Row]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(map(_cells, rows))
    return out.getvalue().encode()


def _cells(row: Row) -> list[str]:
    values = msgspec.structs.asdict(row)
    if isinstance(row, SignalsRow):
        values.pop("signals")
        values |= msgspec.structs.asdict(row.signals)
    return [_cell(value) for value in values.values()]


def _cell(value: Any) -> str:
    """Numbers stay numbers: a sign before one makes no formula of it."""
    if value is None:
        return ""
    return safe(value) if isinstance(value, str) else str(value)
