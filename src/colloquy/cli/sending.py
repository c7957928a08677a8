"""Messages of an import on their way into the engine: batches, patience, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from ..formats import Guess, Item, Problem
from ..model.errors import ColloquyError, NotFound, Overloaded, Unavailable
from ..model.message import encode
from ..model.views import Receipt
from .checkpoint import Checkpoint
from .output import Advance, note, shortened
from .target import Local

if TYPE_CHECKING:
    from ..client import AsyncClient

BATCH = 500
"""Messages in one request or transaction."""
BATCH_BYTES = 2 * 1024 * 1024
"""Text in one request: half of the largest body a server takes by default."""
PATIENCE_S = 60.0
"""How long one batch is offered again to a server that is busy."""
WATCHED = 200
"""Conversations that are looked at in the end: the ones before them are done long since."""
LOOK_AGAIN_S = 0.02
SHOWN_PROBLEMS = 20
KEPT_PROBLEMS = 1000


class Imported(Struct, kw_only=True):
    """What an import did. `duplicates` were there before: nothing was changed for them.

    `resumed_at`: so many messages were known to be there from an import that was interrupted.
    """

    format: str
    conversations: int = 0
    messages: int = 0
    stored: int = 0
    spooled: int = 0
    duplicates: int = 0
    refused: int = 0
    bad_rows: int = 0
    resumed_at: int = 0
    guesses: list[Guess] = []
    problems: list[Problem] = []

    def add(self, problem: Problem) -> None:
        if len(self.problems) < SHOWN_PROBLEMS:
            note(told(problem))
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(problem)


async def send(
    target: Local | AsyncClient,
    read: Iterable[Item | Problem],
    result: Imported,
    checkpoint: Checkpoint,
    advance: Advance,
) -> None:
    """Offers all messages in batches, and counts in `result` what became of them.

    The first `result.resumed_at` are passed over. Raises what the engine raises for a whole batch,
    Overloaded and Unavailable only after a while.
    """
    batch: list[Item] = []
    size = 0
    latest: dict[str, str] = {}

    async def offer() -> None:
        receipts = await _offer(target, batch, result)
        _remember(latest, receipts)
        checkpoint.save(result.messages, receipts)
        advance(len(batch))

    for item in read:
        if isinstance(item, Problem):
            result.bad_rows += 1
            result.add(item)
            continue
        if result.messages < result.resumed_at:
            result.messages += 1
            result.duplicates += 1
            advance(1)
            continue
        message = item.message
        # Text is nearly all of a message; parts are measured as they are written.
        length = len(message.text or "") + (len(encode(message.parts)) if message.parts else 0)
        if batch and (len(batch) == BATCH or size + length > BATCH_BYTES):
            await offer()
            batch, size = [], 0
        result.messages += 1
        batch.append(item)
        size += length
    if batch:
        await offer()
    await _recorded(target, list(latest.values()))


async def _offer(
    target: Local | AsyncClient, batch: list[Item], result: Imported
) -> list[Receipt | ColloquyError]:
    """Sends a batch, again if the engine is busy: repeats do no harm."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while True:
        try:
            receipts = await target.import_messages([item.message for item in batch])
            break
        except (Overloaded, Unavailable) as error:
            pause = min(error.retry_after_s or 0.5, 5.0)
            if loop.time() + pause > end:
                raise
            await asyncio.sleep(pause)
    for item, receipt in zip(batch, receipts, strict=True):
        if isinstance(receipt, ColloquyError):
            result.refused += 1
            result.add(Problem.of(item.line, receipt))
        elif receipt.status == "stored":
            result.stored += 1
        elif receipt.status == "spooled":
            result.spooled += 1
        else:
            result.duplicates += 1
    return receipts


def _remember(latest: dict[str, str], receipts: list[Receipt | ColloquyError]) -> None:
    """Keeps the last message of those conversations that were written to last."""
    for receipt in receipts:
        if isinstance(receipt, Receipt):
            latest.pop(receipt.conversation_id, None)
            latest[receipt.conversation_id] = receipt.message_id
    for old in list(latest)[:-WATCHED]:
        del latest[old]


async def _recorded(target: Local | AsyncClient, message_ids: list[str]) -> None:
    """Waits until these messages are in the log, so that an export finds what came in before it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    for message_id in message_ids:
        while not await _is_done(target, message_id):
            if loop.time() > end:
                note("The engine has everything and is still busy writing it into its log.")
                return
            await asyncio.sleep(LOOK_AGAIN_S)


async def _is_done(target: Local | AsyncClient, message_id: str) -> bool:
    try:
        return (await target.message(message_id)).state in ("done", "dead")
    except NotFound:
        return False  # it lies in the spool while the database is away


def told(problem: Problem) -> str:
    """A problem as one line."""
    field = f"{problem.field}: " if problem.field else ""
    sample = f" ({shortened(problem.sample)})" if problem.sample else ""
    return f"line {problem.line}: {problem.code}: {field}{problem.detail}{sample}"
