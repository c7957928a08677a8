"""The outbox: every reply leaves through here, at least once, in order, under one id for ever.

A reply is *released* by a commit that checks the conversation's owner (engine decision 34): an
automatic reply whose owner epoch is over is withdrawn instead. On a live channel (web page, API:
the client reads the log) releasing is sending. On a push channel the row is first claimed
(`in_flight`), then sent, then deleted; a process that dies in between sends it again under the same
reply id. Replies of one conversation go one after the other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from ..flags import Flags
from ..model.errors import Conflict, StoreUnavailable
from ..model.message import encode
from ..model.times import Clock, now_us
from ..settings import DeliverySettings
from ..storage.store import Store
from ..storage.write_set import EventRow, Unit, Verdict, WriteSet
from ..telemetry import Metrics, get_logger
from .live import Signals, Waiters
from .made import KillWatch
from .outgoing import Outgoing, PushChannel, Sent, reply_view, withdrawn_event

log = get_logger(__name__)

PAUSE_S = 0.2
"""Pause after an outage of the store."""

TakeBack = Callable[[bytes], Awaitable[Mapping[int, bool]]]
"""Of a conversation, withdraws the replies that a kill switch keeps from going out. Returns the
`seq` of each, and whether its turn is done again."""


class Delivery:
    """Takes committed replies out of the outbox. One per process; runs as a supervised task."""

    def __init__(
        self,
        store: Store,
        settings: DeliverySettings,
        metrics: Metrics,
        signals: Signals,
        waiters: Waiters,
        *,
        flags: Flags,
        take_back: TakeBack,
        owns: Callable[[bytes], bool] = lambda conversation: True,
        clock: Clock = now_us,
    ) -> None:
        """`owns`: whether this process delivers for a conversation (it holds its partition).
        `take_back`: withdraws what waits in a conversation and was made with what is killed."""
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._signals = signals
        self._waiters = waiters
        self._owns = owns
        self._clock = clock
        self._take_back = take_back
        self._kills = KillWatch(flags)
        self._channels: dict[str, PushChannel] = {}
        self._live: deque[Outgoing] = deque()
        self._push: dict[int, deque[Outgoing]] = {}
        self._busy: set[int] = set()
        self._known: set[tuple[int, int]] = set()
        self._sent: set[tuple[int, int]] = set()
        """Sent, but their rows could not be deleted yet: they are not sent again."""
        self._due: dict[int, int] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._work = asyncio.Event()
        self._all_released = asyncio.Event()
        self._all_released.set()

    def register(self, name: str, channel: PushChannel) -> None:
        """Replies on this channel are pushed; on every other one clients read them."""
        self._channels[name] = channel

    def __len__(self) -> int:
        return len(self._known)

    # -- coming in ----------------------------------------------------------------------------

    def offer(self, batch: Iterable[Outgoing]) -> None:
        """Replies that were just committed, in the order of their events."""
        for out in batch:
            item = out.item
            place = (item.session, item.seq)
            if place in self._known:
                continue
            self._known.add(place)
            self._kills.offered(item.session)
            if item.channel in self._channels:
                self._queue(out)
            else:
                self._live.append(out)
                self._all_released.clear()
        self._work.set()

    def _queue(self, out: Outgoing) -> None:
        session = out.item.session
        queue = self._push.setdefault(session, deque())
        queue.append(out)
        if len(queue) > 1 and queue[-2].item.seq > out.item.seq:
            # An older reply was found in the outbox after a new one was committed here.
            first = [queue.popleft()] if session in self._busy else []
            self._push[session] = deque([*first, *sorted(queue, key=lambda out: out.item.seq)])

    async def load(self) -> int:
        """Offers what lies in the outbox and is not known here: after a start, a new lease, or
        when another process wrote it. Returns how many."""
        after = (-1, -1)
        found = 0
        while True:
            items = await self._store.outbox(after, 500)
            if not items:
                return found
            after = (items[-1].session, items[-1].seq)
            wanted = [
                item
                for item in items
                if (item.session, item.seq) not in self._known and self._owns(item.conversation)
            ]
            places = [(item.session, item.seq) for item in wanted]
            events = {
                (event.session, event.seq): event for event in await self._store.events_at(places)
            }
            self.offer(
                Outgoing(item, event.turn_id, event.at, event.body)
                for item in wanted
                if (event := events.get((item.session, item.seq))) is not None
            )
            found += len(wanted)

    def wake(self) -> None:
        self._work.set()

    # -- the task -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Delivers until cancelled."""
        self._work.set()  # where it failed before, there is something to do
        while True:
            timeout = self._next_due_s()
            try:
                if timeout is None:
                    await self._work.wait()
                elif timeout > 0:
                    # Not `wait_for`, which on Python 3.11 can swallow a cancellation.
                    async with asyncio.timeout(timeout):
                        await self._work.wait()
            except TimeoutError:
                pass
            self._work.clear()
            try:
                await self._look_for_killed()
                while self._live:
                    await self._release(self._batch())
                    await self._look_for_killed()
                self._all_released.set()
                self._start_pushes()
            except (StoreUnavailable, Conflict) as error:
                log.warning("delivery_waits", detail=error.detail)
                await asyncio.sleep(PAUSE_S)
                self._work.set()

    @property
    def is_idle(self) -> bool:
        return self._all_released.is_set() and not self._busy and not self._push

    def _next_due_s(self) -> float | None:
        if self._live:
            return 0.0
        due = [self._due_at(session) for session in self._push if session not in self._busy]
        if not due:
            return None
        return max(0.0, (min(due) - self._clock()) / 1e6)

    def _due_at(self, session: int) -> int:
        """When the first reply of this conversation may be sent."""
        known = self._due.get(session)
        if known is not None:
            return known
        item = self._push[session][0].item
        # In flight without us: its sender died. Where it may have been another process, which may
        # live, the claim has to run out.
        if item.state == "retry" or (item.state == "in_flight" and self._store.shared):
            return item.due_at
        return 0

    # -- kill switches ------------------------------------------------------------------------

    async def _look_for_killed(self) -> None:
        """Takes back what waits here and was made with what is killed now (engine decision 36).

        What is being sent is looked at when that is over. Raises StoreUnavailable, Conflict.
        """
        kills = self._kills
        while True:
            if kills.has_news:
                for session in (*self._push, *(out.item.session for out in self._live)):
                    kills.doubt(session)
            doubted = kills.doubted - self._busy
            if not doubted:
                return
            waiting: dict[int, list[Outgoing]] = {session: [] for session in doubted}
            for out in self._live:
                if out.item.session in waiting:
                    waiting[out.item.session].append(out)
            for session, outs in waiting.items():
                outs += self._push.get(session, ())
                kills.settle(session)
                if not any(kills.hits(out.item) for out in outs):
                    continue
                try:
                    await self._free(outs)
                    gone = dict(await self._take_back(outs[0].item.conversation))
                    if any(out.item.seq not in gone and kills.hits(out.item) for out in outs):
                        # Somebody else took it back: the log says whether it is done again.
                        left = {item.seq for item in await self._store.outbox_of(session)}
                        lost = [out.item.seq for out in outs if out.item.seq not in left]
                        gone |= {seq: self._store.shared for seq in lost if seq not in gone}
                except BaseException:
                    kills.doubt(session)
                    raise
                self._gone(outs, gone)
                if any(kills.hits(out.item) for out in self._push.get(session, ())):
                    # Another process is sending it.
                    later = self._clock() + int(PAUSE_S * 1e6)
                    self._due[session] = max(self._due_at(session), later)

    async def _free(self, outs: Sequence[Outgoing]) -> None:
        """Those whose sender died may be taken back: nobody will hear what became of them."""
        now = self._clock()
        died = [
            out
            for out in outs
            if out.item.state == "in_flight"
            and out.place not in self._sent
            and (not self._store.shared or out.item.due_at <= now)
        ]
        if died:
            await self._store.change("outbox_set", [out.row("retry", now) for out in died])

    def _gone(self, outs: Sequence[Outgoing], gone: Mapping[int, bool]) -> None:
        """Forgets replies of a conversation that were taken back; see `TakeBack`."""
        lost = [out for out in outs if out.item.seq in gone]
        if not lost:
            return
        session = lost[0].item.session
        for out in lost:
            self._known.discard(out.place)
            if gone[out.item.seq]:
                self._waiters.again(out.turn_id)
            else:
                self._waiters.withdrawn(out.turn_id, out.item.reply_id)
        places = {out.place for out in lost}
        self._live = deque(out for out in self._live if out.place not in places)
        queue = self._push.get(session)
        if queue:
            if queue[0].place in places:
                self._due.pop(session, None)
            queue = deque(out for out in queue if out.place not in places)
            self._push[session] = queue
            if not queue:
                del self._push[session]
        self._signals.touch(lost[0].item.conversation)

    def _spared(self, batch: Sequence[Outgoing]) -> list[Outgoing]:
        """Those that no switch holds; the others stay where they are and are looked at next."""
        spared = []
        for out in batch:
            if self._kills.hits(out.item):
                self._kills.doubt(out.item.session)
            else:
                spared.append(out)
        return spared

    # -- live channels ------------------------------------------------------------------------

    def _batch(self) -> list[Outgoing]:
        size = min(len(self._live), self._settings.batch_size)
        return [self._live.popleft() for _ in range(size)]

    async def _release(self, batch: list[Outgoing]) -> None:
        """One commit decides for the whole batch which replies go out."""
        try:
            # They were to be pushed by a channel that is not there any more.
            stray = [out.row("pending", 0) for out in batch if out.item.state != "pending"]
            if stray:
                await self._store.change("outbox_set", stray)
            rows = await self._store.change("outbox_release", [out.place for out in batch])
        except Exception:
            self._live.extendleft(reversed(batch))
            raise
        released = {(session, seq) for session, seq in rows}
        refused = deque(out for out in batch if out.place not in released)
        for out in batch:
            if out.place in released:
                self._known.discard(out.place)
                self._went_out(out)
        while refused:
            try:
                await self._withdraw(refused[0])
            except Exception:
                self._live.extendleft(reversed(refused))
                raise
            self._known.discard(refused.popleft().place)

    def _went_out(self, out: Outgoing) -> None:
        item = out.item
        if self._waiters.awaits(out.turn_id):
            self._waiters.released(
                out.turn_id,
                reply_view(
                    out.body,
                    conversation=item.conversation,
                    seq=item.seq,
                    at=out.at,
                    turn_id=out.turn_id,
                ),
            )
        self._signals.touch(item.conversation)
        self._metrics.delivered.of(item.channel).inc()

    async def _withdraw(self, out: Outgoing) -> None:
        """The owner changed before it was released: it is taken back, and the log says so."""
        item = out.item
        unit = Unit(
            session=item.session,
            at=self._clock(),
            withdraw=((item.session, item.seq),),
            events=[withdrawn_event(item, self._clock())],
        )
        await self._store.commit(WriteSet(units=[unit]))
        self._waiters.withdrawn(out.turn_id, item.reply_id)
        self._signals.touch(item.conversation)

    # -- push channels ------------------------------------------------------------------------

    def _start_pushes(self) -> None:
        """One reply of each conversation, grouped by channel; its next one follows then."""
        now = self._clock()
        by_channel: dict[str, list[Outgoing]] = {}
        for session, queue in list(self._push.items()):
            if session in self._busy or self._due_at(session) > now:
                continue
            batch = by_channel.setdefault(queue[0].item.channel, [])
            if len(batch) < self._settings.batch_size:
                batch.append(queue[0])
                self._busy.add(session)
        for name, batch in by_channel.items():
            batch.sort(key=lambda out: -out.item.priority)
            task = asyncio.create_task(self._push_batch(name, batch))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _push_batch(self, name: str, batch: list[Outgoing]) -> None:
        later = 0
        try:
            await self._send(name, batch)
        except StoreUnavailable as error:
            log.warning("delivery_waits", detail=error.detail)
            later = self._clock() + int(PAUSE_S * 1e6)
        except Exception as error:
            log.error("delivery_failed", channel=name, exc_info=error)
            later = self._clock() + int(PAUSE_S * 1e6)
        finally:
            for out in batch:
                self._busy.discard(out.item.session)
                if later and out.item.session in self._push:
                    self._due[out.item.session] = later
            self._work.set()

    async def _send(self, name: str, batch: list[Outgoing]) -> None:
        gone = [out for out in batch if out.place in self._sent]
        going = await self._claim([out for out in batch if out.place not in self._sent])
        failed: list[tuple[Outgoing, Sent]] = []
        for out, result in zip(going, await self._results(name, going), strict=True):
            if result.ok:
                self._sent.add(out.place)
                gone.append(out)
            else:
                failed.append((out, result))
        if gone:
            await self._store.change("outbox_delete", [out.place for out in gone])
            for out in gone:
                self._sent.discard(out.place)
                self._done(out)
                self._went_out(out)
        for out, result in failed:
            await self._failed(out, result)

    async def _claim(self, batch: list[Outgoing]) -> list[Outgoing]:
        """Those that may be sent now, marked as being in flight; the others are withdrawn."""
        if not batch:
            return []
        now = self._clock()
        stale = [out.row("retry", now) for out in batch if out.item.state == "in_flight"]
        if stale:
            await self._store.change("outbox_set", stale)
        batch = self._spared(batch)
        if not batch:
            return []
        limit = now + int(2 * self._settings.timeout_s * 1e6)
        claimed = await self._store.change("outbox_claim", [(*out.place, limit) for out in batch])
        held = {(session, seq) for session, seq in claimed}
        going = []
        for out in batch:
            if out.place in held:
                claim = out._replace(item=out.item._replace(state="in_flight", due_at=limit))
                self._push[out.item.session][0] = claim
                going.append(claim)
            else:
                await self._withdraw(out)
                self._done(out)
        spared = self._spared(going)
        if len(spared) < len(going):
            # A switch was thrown while they were being claimed.
            await self._put_back([out for out in going if out not in spared])
        return spared

    async def _put_back(self, claimed: list[Outgoing]) -> None:
        now = self._clock()
        await self._store.change("outbox_set", [out.row("retry", now) for out in claimed])
        for out in claimed:
            item = out.item._replace(state="retry", due_at=now)
            self._push[out.item.session][0] = out._replace(item=item)

    async def _results(self, name: str, going: list[Outgoing]) -> list[Sent]:
        if not going:
            return []
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                results = list(await self._channels[name].send(going))
            if len(results) != len(going):
                raise ValueError(f"{len(results)} results for {len(going)} replies")
        except Exception as error:
            results = [Sent(False, f"{type(error).__name__}: {error}")] * len(going)
        return results

    async def _failed(self, out: Outgoing, result: Sent) -> None:
        item = out.item
        attempts = item.attempts + 1
        now = self._clock()
        delays = self._settings.retry_delays_s
        due = now + int(delays[min(attempts - 1, len(delays) - 1)] * 1e6)
        note = encode({"attempts": attempts, "detail": result.detail})
        # Not in flight any more: a take-over may withdraw it.
        await self._store.change("outbox_set", [(*out.place, "retry", due, note)])
        item = item._replace(state="retry", due_at=due, attempts=attempts, note=note)
        self._push[item.session][0] = out._replace(item=item)
        if result.retry and attempts < self._settings.max_attempts:
            self._due[item.session] = due
            return
        body = {
            "reply_id": item.reply_id.hex(),
            "attempts": attempts,
            "detail": result.detail,
        }
        unit = Unit(
            session=item.session,
            at=now,
            withdraw=(out.place,),
            events=[EventRow("reply_failed", now, out.turn_id, None, encode(body))],
        )
        (outcome,) = await self._store.commit(WriteSet(units=[unit]))
        if outcome.verdict is Verdict.COMMITTED:
            self._metrics.undelivered.of(item.channel).inc()
            log.warning("reply_failed", channel=item.channel, detail=result.detail)
        self._waiters.withdrawn(out.turn_id, item.reply_id)
        self._done(out)
        self._signals.touch(item.conversation)

    def _done(self, out: Outgoing) -> None:
        session = out.item.session
        self._known.discard((session, out.item.seq))
        queue = self._push.get(session)
        if queue and queue[0].item.seq == out.item.seq:
            queue.popleft()
            self._due.pop(session, None)
            if not queue:
                del self._push[session]

    async def settle(self, timeout_s: float) -> None:
        """Waits, at most so long, for what is being released and sent now."""
        tasks = {asyncio.ensure_future(self._all_released.wait()), *self._sending}
        _, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late - self._sending:
            task.cancel()
