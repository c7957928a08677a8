"""Signals between the processes on one database: batched, bounded, and back by themselves.

The store's own news ("rows came into partition 7") leave after the commit and not inside it. On
PostgreSQL a transaction that notifies takes a lock over the whole server until it is on disk, so
that no two of them share a flush (`PreCommit_Notify` in async.c). Sent from here they also come
together: whatever was committed while one message was under way is in the next.

A connection may be dead without anybody saying so. Each process hears itself, so it asks for an
echo now and then; where none comes, it connects again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable

from ...model.errors import ColloquyError, SignalsUnavailable
from ...telemetry import get_logger
from .carrier import CARRIER_S, GOODBYE_S, Carrier
from .envelope import Envelope, Identity, encode, lists_of

log = get_logger(__name__)

MISSED = "missed"
"""The topic that listeners are told when signals may have been lost: look at everything."""
ECHO_S = 10.0
"""Between two echoes: a connection that is silently dead is found out within twice as long."""
_GRACE_S = 1.0
"""For an echo that came while this process was held up and could not read it."""
_ECHO = "echo"
_NUMBERS_KEPT = 5000
"""Of one topic while there is no connection: beyond that everybody has to poll anyway."""
_TEXTS_KEPT = 1000
_PAUSES_S = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Between attempts to connect again."""

Callback = Callable[[str, str], None]


class Signals:
    """Listens, tells, and comes back by itself when its carrier lost the server."""

    def __init__(self, carrier: Carrier, *, prefix: str, echo_s: float = ECHO_S) -> None:
        """`prefix`: what the channel's name begins with."""
        self._carrier = carrier
        self._prefix = prefix
        self._echo_s = echo_s
        self._callbacks: list[Callback] = []
        self._numbers: dict[str, set[int]] = {}
        self._texts: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._echoed = asyncio.Event()
        self._lost: str | None = None
        self._away_since: float | None = None
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._counts = dict.fromkeys(("sent", "heard", "refused", "dropped", "losses"), 0)

    async def open(self, identity: Identity) -> None:
        """Raises SettingsError or Unavailable: without its carrier nothing starts."""
        self._envelope = Envelope(identity)
        self._channel = f"{self._prefix}.{identity.name}"
        await self._connect()
        self._task = asyncio.create_task(self._run(), name="colloquy-signals")

    async def close(self) -> None:
        """Sends what waits if the server is there, then lets go."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            if not self.is_up:
                self._task.cancel()
            await asyncio.wait({self._task}, timeout=GOODBYE_S)
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        await self._carrier.close()

    def listen(self, callback: Callback) -> None:
        self._callbacks.append(callback)

    def tell(self, topic: str, numbers: Iterable[int]) -> None:
        """Sends the numbers as a comma-separated list, together with those that wait already."""
        waiting = self._numbers.setdefault(topic, set())
        if len(waiting) < _NUMBERS_KEPT:
            waiting.update(numbers)
        self._wake.set()

    @property
    def is_up(self) -> bool:
        """Whether the server was there when it was last needed."""
        return self._away_since is None

    @property
    def has_room(self) -> bool:
        """False while so much waits that another text would push out what matters more, and while
        the server is away: what is worth nothing later need not wait."""
        return self.is_up and len(self._texts) < _TEXTS_KEPT // 2

    def send(self, topic: str, text: str) -> None:
        """Raises ValueError for a text that does not fit."""
        self._texts.append(encode(topic, text))
        if len(self._texts) > _TEXTS_KEPT:
            self._texts.popleft()
            self._counts["dropped"] += 1
        self._wake.set()

    def hint(self, topic: str, text: str) -> None:
        """As `send`, unless there is no room. Raises ValueError for a text that does not fit."""
        if self.has_room:
            self.send(topic, text)
        else:
            encode(topic, text)
            self._counts["dropped"] += 1

    def stats(self) -> dict[str, float]:
        """Counts since the start, and for how many seconds the server has been away."""
        away = self._away_since
        return {
            **{f"signals_{name}": float(count) for name, count in self._counts.items()},
            "signals_away_s": 0.0 if away is None else time.monotonic() - away,
        }

    # -- the connection -----------------------------------------------------------------------

    async def echo(self) -> None:
        """Sends something and waits until it is heard here: it proves that this process may listen
        and send there. Raises SettingsError or Unavailable."""
        self._echoed.clear()
        await self._carrier.send([self._envelope.seal(encode(_ECHO, ""))])
        try:
            async with asyncio.timeout(CARRIER_S):
                await self._echoed.wait()
        except TimeoutError:
            self._lost = self._lost or (
                f"what is sent to {self._channel} does not come back: may we send and listen?"
            )
        if self._lost is not None:
            raise SignalsUnavailable(f"signals at {self._carrier.place}: {self._lost}")

    async def _connect(self) -> None:
        """Raises SettingsError or Unavailable."""
        self._lost = None
        try:
            await self._carrier.open(self._channel, self._received, self._fell)
            await self.echo()
        except BaseException:
            await self._carrier.close()
            raise

    async def _run(self) -> None:
        failures = 0
        connected_at = time.monotonic()
        while True:
            try:
                if not self.is_up:
                    await self._connect()
                    connected_at = time.monotonic()
                    self._came_back()
                await self._work()
                return
            except ColloquyError as error:
                # What was under way is lost, as a signal may be: the others poll.
                reason = error.detail
            except Exception as error:
                # Of the carrier's library. Without this task nothing would be told any more.
                log.exception("signals_failed", server=self._carrier.place)
                reason = str(error) or type(error).__name__
            if self._closing:
                return
            if self.is_up and time.monotonic() - connected_at > _PAUSES_S[-1]:
                failures = 0
            self._went_away(reason)
            await self._carrier.close()
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
            failures += 1

    async def _work(self) -> None:
        """Sends what comes until it closes. Raises Unavailable once the server is lost."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._echo_s
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._wake.wait()
            self._wake.clear()
            if loop.time() >= due:
                await self._expect_echo()
                self._texts.append(encode(_ECHO, ""))
                due = loop.time() + self._echo_s
            if self._lost is not None:
                raise SignalsUnavailable(self._lost)
            await self._flush()
            if self._closing:
                return

    async def _expect_echo(self) -> None:
        """That of the last one; it may be here and only not be read yet."""
        try:
            async with asyncio.timeout(_GRACE_S):
                await self._echoed.wait()
        except TimeoutError:
            self._lost = "it does not answer any more"
        self._echoed.clear()

    async def _flush(self) -> None:
        bodies = list(self._texts)
        self._texts.clear()
        for topic, numbers in self._numbers.items():
            bodies += [encode(topic, text) for text in lists_of(sorted(numbers))]
            numbers.clear()
        if bodies:
            await self._carrier.send([self._envelope.seal(body) for body in bodies])
            self._counts["sent"] += len(bodies)

    def _went_away(self, reason: str) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            self._counts["losses"] += 1
            log.warning("signals_lost", server=self._carrier.place, detail=reason)

    def _came_back(self) -> None:
        if self._away_since is not None:
            away_s = round(time.monotonic() - self._away_since, 3)
            log.info("signals_back", server=self._carrier.place, away_s=away_s)
        self._away_since = None
        self._wake.set()  # for what waited
        self._tell_here(MISSED, "")

    # -- what comes ---------------------------------------------------------------------------

    def _fell(self, reason: str) -> None:
        """The carrier has lost its server, or something on the way."""
        self._lost = reason
        self._echoed.set()
        self._wake.set()

    def _received(self, payload: bytes) -> None:
        signal = self._envelope.open(payload)
        if signal is None:
            if not self._counts["refused"]:
                log.warning("signal_refused", server=self._carrier.place, channel=self._channel)
            self._counts["refused"] += 1
        elif signal.topic == _ECHO:
            if signal.is_own:
                self._echoed.set()
        elif not signal.is_own:
            self._counts["heard"] += 1
            self._tell_here(signal.topic, signal.text)

    def _tell_here(self, topic: str, text: str) -> None:
        for callback in self._callbacks:
            try:
                callback(topic, text)
            except Exception:
                log.exception("signal_not_understood", topic=topic)
