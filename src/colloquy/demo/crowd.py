"""Many messages at once, and a look into the log afterwards: is every one there, once, in order?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ..client import AsyncClient
from ..formats import Item, guess, jsonl, open_source, openai, rows
from ..model.errors import ColloquyError, InvalidInput, NotFound, Overloaded, Unavailable
from ..model.message import MAX_TEXT, Message
from ..model.session import EventKind
from ..model.views import Receipt
from ..proof.server import Server
from . import script
from .feed import Feed, Line, understood
from .story import MessageBody, decode_message_body

BATCH = 50
RUSH_CONTACTS, RUSH_EACH, RUSH_PAUSE_S = 40, 15, 0.2
"""The busy hour: about 200 messages a second, each measured until its answer is here."""
CROWD_CONTACTS, CROWD_MESSAGES, KILL_AFTER = 200, 2000, 800
SEND_AGAIN_S = 0.1
SETTLE_S = 60.0
SETTLE_POLL_S = 0.2
ANSWER_S = 10.0
PAGE = 500
READERS = 8
"""Conversations that are read at the same time."""
SHOWN_OF_FILE = 12


class Audit(Struct):
    """What the log of some conversations holds of the messages that were accepted."""

    messages: int = 0
    answers: int = 0
    understood: int = 0
    missing: int = 0
    doubled: int = 0
    inverted: int = 0


async def rush(client: AsyncClient, feed: Feed, run: str) -> None:
    """A steady stream of messages, each one waiting for its answer."""
    started = asyncio.get_running_loop().time()
    receipts: list[Receipt] = []

    async def one(number: int) -> None:
        await asyncio.sleep(RUSH_PAUSE_S * number / RUSH_CONTACTS)
        texts = script.crowd(1, RUSH_EACH, seed=number, prefix=f"rush-{run}-{number}")
        for key, count, text in texts:
            due = started + RUSH_PAUSE_S * (number / RUSH_CONTACTS + count - 1)
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            sent = time.perf_counter()
            message = Message(conversation=key, id=f"{count}", text=text)
            answer = await client.send(message, wait_s=ANSWER_S)
            feed.figures.accepted += 1
            receipts.append(answer.receipt)
            if answer.replies:
                feed.figures.latencies_s.append(time.perf_counter() - sent)

    async with asyncio.TaskGroup() as group:
        for number in range(RUSH_CONTACTS):
            group.create_task(one(number))
    _count(feed, await settled(client, receipts))


async def crash(client: AsyncClient, server: Server, feed: Feed, run: str) -> None:
    """A crowd writes while the server is killed with SIGKILL and started again; then the log is
    compared with the receipts."""
    figures = feed.figures
    messages = [
        Message(conversation=key, id=f"{count}", text=text)
        for key, count, text in script.crowd(
            CROWD_CONTACTS, CROWD_MESSAGES, seed=7, prefix=f"crowd-{run}"
        )
    ]
    restarted: asyncio.Task[None] | None = None
    receipts: list[Receipt] = []
    started = time.perf_counter()
    for start in range(0, len(messages), BATCH):
        if len(receipts) >= KILL_AFTER and restarted is None:
            restarted = asyncio.create_task(_kill_and_restart(server, feed))
            await asyncio.sleep(0)
        receipts += await send_until_accepted(client, messages[start : start + BATCH])
        figures.accepted = figures.accepted + min(BATCH, len(messages) - start)
    if restarted is not None:
        await restarted
    audit = await settled(client, receipts)
    figures.crowd_per_s = len(messages) / (time.perf_counter() - started)
    _count(feed, audit)
    feed.note(
        f"{len(receipts):,} accepted, {audit.messages:,} in the log: {audit.missing} lost, "
        f"{audit.doubled} doubled, {audit.inverted} out of order"
    )


async def _kill_and_restart(server: Server, feed: Feed) -> None:
    feed.note(f"kill -9 {server.pid}: the server is gone in the middle of its work")
    gone = time.perf_counter()
    server.kill_group()
    assert server.process is not None
    await server.process.wait()
    await server.start()
    feed.figures.kills += 1
    feed.figures.away_s += time.perf_counter() - gone
    feed.note(
        f"it is back after {time.perf_counter() - gone:.1f} s; clients send again what failed"
    )


async def play_file(client: AsyncClient, feed: Feed, run: str, file: Path) -> None:
    """What people say in a chat log, sent as new messages and answered."""
    messages = people_in(file, run)
    if not messages:
        raise InvalidInput(f"{file} has no message by a person", field="file")
    feed.note(f"{len(messages):,} messages of {file.name} come in")
    receipts: list[Receipt] = []
    started = time.perf_counter()
    for start in range(0, len(messages), BATCH):
        receipts += await send_until_accepted(client, messages[start : start + BATCH])
        feed.figures.accepted = feed.figures.accepted + min(BATCH, len(messages) - start)
    audit = await settled(client, receipts, feed)
    took = time.perf_counter() - started
    _count(feed, audit)
    share = audit.understood / max(1, audit.messages)
    feed.note(
        f"{file.name}: {audit.messages:,} handled in {took:.1f} s "
        f"({audit.messages / took:,.0f}/s); {share:.0%} had an intent of this assistant's subject"
    )


def people_in(file: Path, run: str) -> list[Message]:
    """What people said in a log of either format, as live messages. Raises InvalidInput."""
    with open_source(file) as stream:
        name, found = guess(rows(stream))
        if name is None:
            raise InvalidInput(
                f"{file}: its rows are neither V2 messages nor OpenAI-form logs", field="file"
            )
        items = list((openai if name == "openai" else jsonl).read(found))
    messages: list[Message] = []
    for item in items:
        if not isinstance(item, Item):
            continue
        message = item.message
        if message.sender is not None and message.sender.kind != "person":
            continue
        text = message.full_text[:MAX_TEXT]
        if text.strip():
            key = f"{message.conversation[:200]}-{run}"
            messages.append(Message(conversation=key, id=message.id, text=text))
    return messages


async def send_until_accepted(client: AsyncClient, messages: Sequence[Message]) -> list[Receipt]:
    """Receipts for all of them: what fails is sent again under the same ids.

    Raises the error of a message that will never be accepted.
    """
    while True:
        try:
            results = await client.send_many(messages)
        except (Unavailable, Overloaded) as error:
            await asyncio.sleep(error.retry_after_s or SEND_AGAIN_S)
            continue
        receipts = [result for result in results if isinstance(result, Receipt)]
        if len(receipts) == len(messages):
            return receipts
        for result in results:
            if isinstance(result, ColloquyError) and not isinstance(result, Overloaded):
                raise result
        await asyncio.sleep(SEND_AGAIN_S)


async def settled(
    client: AsyncClient, receipts: Sequence[Receipt], feed: Feed | None = None
) -> Audit:
    """The audit once every message is in the log and answered, or SETTLE_S have passed."""
    wanted: dict[str, list[str]] = {}
    for receipt in receipts:
        wanted.setdefault(receipt.conversation_id, []).append(receipt.message_id)
    audits: dict[str, Audit] = {}
    deadline = time.monotonic() + SETTLE_S
    shown = 0
    while True:
        open_ones = [key for key in wanted if key not in audits or audits[key].missing]
        for start in range(0, len(open_ones), READERS):
            some = open_ones[start : start + READERS]
            logs = await asyncio.gather(*(_log(client, key) for key in some))
            for key, log in zip(some, logs, strict=True):
                audits[key] = audit_log(log, wanted[key])
                if feed is not None and not audits[key].missing and shown < SHOWN_OF_FILE:
                    shown += _show(feed, log)
        if not any(audit.missing for audit in audits.values()) or time.monotonic() > deadline:
            break
        await asyncio.sleep(SETTLE_POLL_S)
    return total(audits.values())


def audit_log(events: Iterable[tuple[str, str | None, Any]], accepted: Sequence[str]) -> Audit:
    """Compares one conversation's log, (kind, turn, body) in order, with its receipts in order.

    A message counts as missing until it is there and its turn has said something or was passed on.
    """
    places: dict[str, list[int]] = {}
    turns: dict[str, str | None] = {}
    answers: dict[str | None, int] = {}
    audit = Audit()
    passed_on = False
    dead: set[str] = set()
    for place, (kind, turn, body) in enumerate(events):
        if kind == EventKind.MESSAGE:
            said: MessageBody = body
            places.setdefault(said.message_id, []).append(place)
            turns[said.message_id] = turn
            if said.understanding is not None and said.understanding.intent is not None:
                audit.understood += 1
        elif kind == EventKind.REPLY:
            answers[turn] = answers.get(turn, 0) + 1
        elif kind == EventKind.OWNER_CHANGED:
            passed_on = True
        elif kind == EventKind.DEAD_LETTERED:
            dead.add(body["message_id"])
    former = -1
    for message_id in dict.fromkeys(accepted):
        found = places.get(message_id, [])
        if not found:
            audit.missing += message_id not in dead
            continue
        answered = answers.get(turns[message_id], 0)
        audit.messages += 1
        audit.doubled += len(found) - 1 + max(0, answered - 1)
        audit.missing += not answered and not passed_on
        audit.inverted += found[0] < former
        former = max(former, found[0])
    audit.answers = sum(answers.values())
    return audit


def total(audits: Iterable[Audit]) -> Audit:
    """The sum of all."""
    result = Audit()
    for audit in audits:
        for name in Audit.__struct_fields__:
            setattr(result, name, getattr(result, name) + getattr(audit, name))
    return result


async def _log(client: AsyncClient, conversation_id: str) -> list[tuple[str, str | None, Any]]:
    found: list[tuple[str, str | None, Any]] = []
    with contextlib.suppress(NotFound):  # nothing was committed yet
        async for event in client.events(conversation_id, limit=PAGE):
            if event.kind == EventKind.MESSAGE:
                found.append((event.kind, event.turn_id, decode_message_body(event.body)))
            else:
                found.append((event.kind, event.turn_id, msgspec.json.decode(event.body)))
    return found


def _show(feed: Feed, log: Sequence[tuple[str, str | None, Any]]) -> int:
    """Shows the first exchange of a conversation; returns the number of lines."""
    shown = 0
    for kind, _, body in log:
        if kind == EventKind.MESSAGE:
            if shown:
                break
            text = " ".join(body.message.full_text.split())
            feed.add(
                Line("in", body.message.conversation[:8], text, understood(body.understanding))
            )
            shown += 1
        elif kind == EventKind.REPLY and shown:
            feed.add(Line("out", "Colloquy", body.get("text") or ""))
            shown += 1
            break
    return shown


def _count(feed: Feed, audit: Audit) -> None:
    figures = feed.figures
    figures.answered += audit.answers
    figures.understood += audit.understood
    figures.lost += audit.missing
    figures.doubled += audit.doubled
    figures.inverted += audit.inverted
