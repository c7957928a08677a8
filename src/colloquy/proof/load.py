"""The load of the benchmark: dialogue texts as requests, closed loops and paced ones.

Everything a request costs here is taken from the server under test, as both share the machine:
bodies are put together once from ready bytes, answers are counted, not decoded.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from .dialogue import Dialogue
from .server import HOST, Server
from .wire import Connection

OPEN = 500
"""Dialogues under way at once: people do not wait for each other."""
PATH = "/v2/messages"
LONGEST_PAUSE_S = 2.0

_encode = msgspec.json.encode


class Feed:
    """Messages out of dialogues, mixed as they come from many people at once."""

    def __init__(self, dialogues: Iterator[Dialogue], seed: int, prefix: str) -> None:
        """`prefix` begins every conversation key, so that phases do not meet."""
        self._dialogues = dialogues
        self._chance = random.Random(f"feed/{seed}/{prefix}")
        self._prefix = prefix
        self._open: list[tuple[bytes, Iterator[str]]] = []
        self._count = 0

    def one(self) -> bytes:
        """The next message as JSON."""
        while True:
            while len(self._open) < OPEN:
                dialogue = next(self._dialogues)
                self._open.append((_encode(self._prefix + dialogue.key), iter(dialogue.texts)))
            place = self._chance.randrange(OPEN)
            key, texts = self._open[place]
            text = next(texts, None)
            if text is None:
                self._open[place] = self._open[-1]
                self._open.pop()
                continue
            self._count += 1
            return b'{"conversation":%s,"id":"%s%d","text":%s}' % (
                key,
                self._prefix.encode(),
                self._count,
                _encode(text),
            )

    def batch(self, size: int) -> bytes:
        """A request body with `size` messages."""
        return b'{"messages":[%s]}' % b",".join(self.one() for _ in range(size))


class Tally:
    """What the load was told. Times in seconds."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        """Requests answered 429 or 503 and sent again later."""
        self.failed = 0
        """Requests answered otherwise: must stay 0."""
        self.first_failure = ""
        self.times_s: list[float] = []
        """From request to receipt, of the requests that got one."""


class Load:
    """Sends to one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def push(self, feed: Feed, total: int, *, connections: int, batch: int) -> Tally:
        """Sends `total` messages as fast as the server takes them, and returns when it has all.

        A closed loop: each connection sends the next request when it has the answer to the last.
        """
        tally = Tally()
        left = total

        async def loop() -> None:
            nonlocal left
            connection = await Connection.connect(HOST, self._server.port)
            while left > 0:
                size = min(batch, left)
                left -= size
                body = feed.one() if batch == 1 else feed.batch(size)
                await self._deliver(connection, self._server.post_bytes(PATH, body), size, tally)
            connection.close()

        await asyncio.gather(*(loop() for _ in range(connections)))
        return tally

    async def pace(
        self, feed: Feed, rate: float, seconds: float, *, connections: int, batch: int
    ) -> Tally:
        """Sends `rate` messages per second for some seconds, whatever the answers take."""
        tally = Tally()
        started = time.perf_counter()
        sent = 0

        async def loop() -> None:
            nonlocal sent
            connection = await Connection.connect(HOST, self._server.port)
            while True:
                due = started + sent / rate
                sent += batch
                if due > started + seconds:
                    break
                if (pause := due - time.perf_counter()) > 0:
                    await asyncio.sleep(pause)
                request = self._server.post_bytes(PATH, feed.batch(batch))
                await self._deliver(connection, request, batch, tally)
            connection.close()

        await asyncio.gather(*(loop() for _ in range(connections)))
        return tally

    async def probe(
        self, feed: Feed, rate: float, seconds: float, *, connections: int, wait_s: float
    ) -> Tally:
        """Sends single messages and waits for the reply of each; times are to the reply.

        A probe that is due is sent then, if one of the connections is free; it is measured from
        when it was due, so that a slow server cannot hide behind probes not sent.
        """
        tally = Tally()
        started = time.perf_counter()
        sent = 0

        async def loop() -> None:
            nonlocal sent
            connection = await Connection.connect(HOST, self._server.port)
            while True:
                due = started + sent / rate
                sent += 1
                if due > started + seconds:
                    break
                if (pause := due - time.perf_counter()) > 0:
                    await asyncio.sleep(pause)
                request = self._server.post_bytes(f"{PATH}?wait={wait_s:g}", feed.one())
                answer = await connection.request(request)
                if answer.status == 200 and b'"reply_id"' in answer.body:
                    tally.accepted += 1
                    tally.times_s.append(time.perf_counter() - max(due, started))
                else:
                    self._fail(tally, answer.status, answer.body)
            connection.close()

        await asyncio.gather(*(loop() for _ in range(connections)))
        return tally

    async def _deliver(
        self, connection: Connection, request: bytes, size: int, tally: Tally
    ) -> None:
        while True:
            started = time.perf_counter()
            answer = await connection.request(request)
            if answer.status == 202:
                tally.times_s.append(time.perf_counter() - started)
                receipts = answer.body.count(b'"status":"stored"')
                receipts += answer.body.count(b'"status":"spooled"')
                tally.accepted += receipts
                if receipts != size:
                    self._fail(tally, answer.status, answer.body)
                return
            if answer.status not in (429, 503):
                self._fail(tally, answer.status, answer.body)
                return
            tally.refused += 1
            await asyncio.sleep(min(answer.retry_after_s or 0.1, LONGEST_PAUSE_S))

    @staticmethod
    def _fail(tally: Tally, status: int, body: bytes) -> None:
        tally.failed += 1
        if not tally.first_failure:
            tally.first_failure = f"{status}: {body[:300].decode(errors='replace')}"

    async def stats(self) -> dict[str, Any]:
        """The server's own figures."""
        answer = await self._server.get("/v2/health", timeout_s=60.0)
        found: dict[str, Any] = msgspec.json.decode(answer.body)
        return found
