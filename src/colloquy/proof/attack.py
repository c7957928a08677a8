"""The attack: senders, readers and faults at once, then the wait until the server rests."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import msgspec

from ..model.errors import InvalidInput, Unavailable
from . import faults, show, traffic
from .client import Client
from .journal import Journal
from .keeper import Keeper
from .records import Received
from .server import HOST, Server
from .wire import request_bytes, stream

SENDERS = 12
WINDOW = 16
"""Conversations that one sender has open at once."""
READERS = 8
READING_S = 6.0
"""A reader follows a conversation for this long, then another one."""
REST_S = 90.0
"""After this long without faults everything must have come to rest."""
QUIET_S = 1.0
"""Nothing must be left to do for this long."""
RETRY_EVERY_S = 3.0


class Attack:
    """One run against one server. Afterwards the public attributes tell what happened."""

    def __init__(
        self,
        server: Server,
        journal: Journal,
        *,
        seed: int,
        seconds: float,
        messages: int,
    ) -> None:
        """`messages` things are sent at most, evenly over the seconds."""
        self._server = server
        self._journal = journal
        self._seed = seed
        self._seconds = seconds
        self._messages = messages
        self._scripts = traffic.scripts(seed)
        self._clients: list[Client] = []
        self._over = asyncio.Event()
        """No more faults, nothing new is sent."""
        self._opened: deque[str] = deque(maxlen=READERS * 4)
        self._started = 0.0
        self.sent = 0
        self.conversations = 0
        self.retried = 0
        self.keeper = Keeper(server)
        self._wrong: Counter[str] = Counter()
        self.remarks: list[str] = []

    @property
    def counts(self) -> Counter[str]:
        """What the clients were told."""
        total: Counter[str] = Counter()
        for client in self._clients:
            total.update(client.counts)
        return total

    @property
    def wrong(self) -> Counter[str]:
        """What must not be, and can be seen without the log."""
        total = self._wrong + self.keeper.wrong
        for client in self._clients:
            total.update(client.wrong)
        return total

    async def run(self, stage: show.Stage) -> None:
        """The whole attack, from the first start of the server to its graceful end.

        Raises Unavailable when it cannot be started at all, InvalidInput when its database is not
        empty.
        """
        keeper = asyncio.create_task(self.keeper.keep_running())
        try:
            await self.keeper.up.wait()
            await self._server.ready()
            await self._check_empty()
            await self._attack(stage)
            await self._rest(stage)
        finally:
            self._over.set()
            keeper.cancel()
            await asyncio.wait([keeper])
            await self._stop()

    async def _check_empty(self) -> None:
        """Raises InvalidInput when something is there already: it could not be told from ours."""
        answer = await self._server.get("/v2/conversations?limit=1")
        if msgspec.json.decode(answer.body)["conversations"]:
            raise InvalidInput("the torture needs an empty database", field="database_url")

    # -- the attack ---------------------------------------------------------------------------

    async def _attack(self, stage: show.Stage) -> None:
        self._started = time.monotonic()
        with stage("torturing", self._seconds) as bar:
            readers = [asyncio.create_task(self._read(number)) for number in range(READERS)]
            retrier = asyncio.create_task(self._retry_dead_letters())
            harm = asyncio.create_task(self.keeper.harm(self._seed, self._over))
            senders = [asyncio.create_task(self._send(number)) for number in range(SENDERS)]
            clock = asyncio.create_task(self._tick(bar))
            try:
                done, late = await asyncio.wait(
                    [*senders, harm, clock],
                    timeout=self._seconds + REST_S,
                    return_when=asyncio.FIRST_EXCEPTION,
                )
                for task in done:
                    task.result()
                if late:
                    self._wrong["no_rest"] += 1
                    self.remarks.append(f"{len(late)} senders still wait for receipts")
            finally:
                everybody = (*senders, harm, clock, *readers, retrier)
                for task in everybody:
                    task.cancel()
                ends = await asyncio.gather(*everybody, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _tick(self, bar: show.Bar) -> None:
        while (passed := time.monotonic() - self._started) < self._seconds:
            bar(passed, self._remark())
            await asyncio.sleep(min(0.25, self._seconds - passed))
        self._over.set()

    def _remark(self) -> str:
        counts = self.counts
        kills = sum(self.keeper.done[kind] for kind in faults.KILLS)
        return (
            f"{self.sent:,} sent  {counts['stored'] + counts['spooled']:,} accepted  "
            f"{counts['spooled']:,} spooled  {kills} kills"
        )

    async def _send(self, number: int) -> None:
        """One sender with a window of conversations, until the time is over."""
        chance = random.Random(f"sender/{self._seed}/{number}")
        client = Client(self._server, self._journal, chance)
        self._clients.append(client)
        open_: list[Iterator[traffic.Step]] = []
        while not self._over.is_set():
            while len(open_) < WINDOW:
                script = next(self._scripts)
                self.conversations += 1
                self._opened.append(script.conversation_id)
                open_.append(iter(script.steps))
            chosen = chance.sample(open_, chance.randint(1, WINDOW))
            items: list[traffic.Item] = []
            for steps in chosen:
                step = next(steps, None)
                if step is None:
                    open_.remove(steps)
                else:
                    items += step
            if not items or not await self._may_send(len(items)):
                continue
            await client.deliver(items)
            if chance.random() < 0.01:
                await client.garbage()

    async def _may_send(self, count: int) -> bool:
        """Waits for its turn, so that the messages spread over the time. False when it is over."""
        self.sent += count
        due = self._started + self._seconds * self.sent / self._messages
        if (pause := due - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(pause):
                    await self._over.wait()
            except TimeoutError:
                pass  # its time has come
        if self._over.is_set():
            self.sent -= count
            return False
        return True

    async def _read(self, number: int) -> None:
        """Follows the streams of conversations, one after the other, through every fault."""
        chance = random.Random(f"reader/{self._seed}/{number}")
        while True:
            if not self._opened:
                await asyncio.sleep(0.05)
                continue
            await self._follow(chance.choice(self._opened), f"stream {number}")

    async def _follow(self, conversation: str, via: str) -> None:
        after = 0
        until = time.monotonic() + READING_S
        while (left := until - time.monotonic()) > 0:
            path = f"/v2/conversations/{conversation}/stream?after={after}"
            request = request_bytes("GET", path, host=HOST, token=self._server.token)
            try:
                async with asyncio.timeout(left):
                    async for event in stream(HOST, self._server.port, request):
                        after = max(after, int(event.id or 0))
                        item = msgspec.json.decode(event.data)
                        if item.get("kind") == "reply":
                            reply = item["reply"]["reply_id"]
                            self._journal.note(Received(self._journal.next_n(), reply, via))
            except (OSError, TimeoutError):
                await asyncio.sleep(0.05)

    async def _retry_dead_letters(self) -> None:
        while True:
            await asyncio.sleep(RETRY_EVERY_S)
            await self._retry_once()

    async def _retry_once(self) -> int:
        """Retries the dead letters that a retry helps, and now and then one that it does not."""
        try:
            page = await self._server.get("/v2/dead-letters?limit=200")
            if page.status != 200:
                return 0
            letters = msgspec.json.decode(page.body)["dead_letters"]
            numbers = [one["number"] for one in letters if _kind(one) == "sick"]
            hopeless = [one["number"] for one in letters if _kind(one) == "poison"]
            if not (chosen := numbers + hopeless[:1]):
                return 0
            body = msgspec.json.encode({"numbers": chosen})
            request = self._server.post_bytes("/v2/dead-letters/retry", body)
            answer = await self._server.pool.request(request)
        except (OSError, TimeoutError):
            return 0  # the server is down just now
        if answer.status in (409, 503):
            return 0  # somebody else was faster, or the database is locked
        if answer.status != 200:
            self._wrong[f"retry answered {answer.status}"] += 1
            return 0
        self.retried += len(chosen)
        return len(numbers)

    # -- rest ---------------------------------------------------------------------------------

    async def _rest(self, stage: show.Stage) -> None:
        """Waits until nothing is under way, then retries what a retry helps, and waits again."""
        with stage("coming to rest", REST_S) as bar:
            deadline = time.monotonic() + REST_S
            for _ in range(3):
                await self._until_quiet(deadline, bar)
                if not await self._retry_once():
                    break
            await self._until_quiet(deadline, bar)

    async def _until_quiet(self, deadline: float, bar: show.Bar) -> None:
        """Nothing pending for a while, or the deadline."""
        quiet_since: float | None = None
        while (now := time.monotonic()) < deadline:
            left = await self._pending()
            bar(REST_S - (deadline - now), f"{left:,} left" if left else "listening")
            if left:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = now
            elif now - quiet_since > QUIET_S:
                return
            await asyncio.sleep(0.2)
        self._wrong["no_rest"] += 1

    async def _pending(self) -> int:
        """What the server has not finished: messages, timers, replies, spooled bytes."""
        try:
            answer = await self._server.get("/v2/health")
        except (OSError, TimeoutError):
            return 1
        if answer.status != 200:
            return 1
        stats = msgspec.json.decode(answer.body)
        return sum(stats[name] for name in ("pending", "scheduled", "outbox", "spool_bytes"))

    async def _stop(self) -> None:
        """The graceful end, which must be one."""
        if self._server.process is None:
            return
        try:
            code = await self._server.stop()
        except Unavailable as error:
            self._wrong["no_graceful_stop"] += 1
            self.remarks.append(error.detail)
            return
        if code:
            self._wrong["crashes"] += 1
            self.remarks.append(f"exit code {code} at the end:\n{self._server.last_words()}")


def _kind(letter: dict[str, Any]) -> str | None:
    metadata = letter["message"].get("metadata", {})
    kind: str | None = metadata.get("torture", {}).get("kind")
    return kind
