"""Signals between the processes on one PostgreSQL database: LISTEN and NOTIFY on one channel.

The store's own news ("rows came into partition 7") leave after the commit and not inside it. A
transaction that notifies takes a lock over the whole server until it is on disk, so that no two of
them share a flush (PostgreSQL, `PreCommit_Notify` in async.c). Sent from here they also come
together: whatever was committed while one message was under way is in the next.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import asyncpg
import msgspec

from ..model.errors import ColloquyError, StoreUnavailable
from .postgres_connections import OUTAGES

CHANNEL = "colloquy"
PAYLOAD_BYTES = 7900
"""PostgreSQL refuses 8,000 and more."""
_NUMBERS_BYTES = 7000
_NUMBERS_KEPT = 5000
"""Of one topic while there is no connection: beyond that everybody has to poll anyway."""
_TEXTS_KEPT = 1000
_PAUSES_S = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Between attempts to connect again."""

Callback = Callable[[str, str], None]


class Signals:
    """A connection of its own that listens, tells, and comes back by itself when it was lost."""

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._callbacks: list[Callback] = []
        self._numbers: dict[str, set[int]] = {}
        self._texts: deque[str] = deque(maxlen=_TEXTS_KEPT)
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._connection: Any = None

    async def open(self) -> None:
        """Raises StoreUnavailable."""
        await self._reconnect()
        self._task = asyncio.create_task(self._run(), name="colloquy-signals")

    async def close(self) -> None:
        """Sends what waits, then lets go."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None

    def listen(self, callback: Callback) -> None:
        self._callbacks.append(callback)

    def tell(self, topic: str, numbers: Iterable[int]) -> None:
        """Sends the numbers as a comma-separated list, together with those that wait already."""
        waiting = self._numbers.setdefault(topic, set())
        if len(waiting) < _NUMBERS_KEPT:
            waiting.update(numbers)
        self._wake.set()

    @property
    def has_room(self) -> bool:
        """False while so much waits that another text would push out what matters more."""
        return len(self._texts) < _TEXTS_KEPT // 2

    def send(self, topic: str, text: str) -> None:
        """Raises ValueError for a text that does not fit."""
        self._texts.append(encode(topic, text))
        self._wake.set()

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._reconnect()
                await self._flush()
                failures = 0
            except (ColloquyError, asyncpg.PostgresError, *OUTAGES):
                # What was under way is lost, as a signal may be: the others poll.
                if not self._closing:
                    await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
                    failures += 1
                    self._wake.set()
            if self._closing:
                break
        if self._connection is not None:
            self._connection.remove_termination_listener(self._lost)
            with contextlib.suppress(*OUTAGES):
                await self._connection.close(timeout=2.0)

    async def _reconnect(self) -> None:
        connection = await self._connect()
        try:
            connection.add_termination_listener(self._lost)
            await connection.add_listener(CHANNEL, self._heard)
        except OUTAGES as error:
            connection.terminate()
            raise StoreUnavailable(f"cannot listen for signals: {error}") from error
        self._connection = connection

    async def _flush(self) -> None:
        payloads = list(self._texts)
        self._texts.clear()
        for topic, numbers in self._numbers.items():
            payloads += [encode(topic, text) for text in lists_of(sorted(numbers))]
            numbers.clear()
        if payloads:
            await self._connection.fetch(
                f"SELECT pg_notify('{CHANNEL}', payload) FROM unnest($1::text[]) payload", payloads
            )

    def _lost(self, connection: Any) -> None:
        self._wake.set()

    def _heard(self, connection: Any, sender: int, channel: str, payload: str) -> None:
        if sender == connection.get_server_pid():
            return
        try:
            message = msgspec.json.decode(payload, type=dict[str, str])
            topic, text = message["topic"], message["text"]
        except (msgspec.MsgspecError, KeyError):
            return  # somebody else's message on our channel
        for callback in self._callbacks:
            callback(topic, text)


def encode(topic: str, text: str) -> str:
    """The payload of one signal. Raises ValueError when it is longer than PostgreSQL takes."""
    payload = msgspec.json.encode({"topic": topic, "text": text})
    if len(payload) > PAYLOAD_BYTES:
        raise ValueError(f"a signal has {len(payload)} bytes, at most {PAYLOAD_BYTES} fit")
    return payload.decode()


def lists_of(numbers: Iterable[int], size: int = _NUMBERS_BYTES) -> list[str]:
    """Comma-separated lists of at most `size` characters each."""
    lists: list[str] = []
    current = ""
    for number in numbers:
        text = str(number)
        if current and len(current) + 1 + len(text) > size:
            lists.append(current)
            current = ""
        current = f"{current},{text}" if current else text
    if current:
        lists.append(current)
    return lists
