"""The sender: reads the log for every webhook, stores deliveries, posts them, records outcomes.

Nothing is sent before it is stored, and what is stored stays until an outcome is recorded: a
process that dies in between posts again, under the same `webhook-id`. First attempts of one
conversation go one after the other in the order of the log; a failed one waits for its retry
beside the others and holds nobody up.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable

from ...model.errors import Unavailable
from ...model.times import Clock, now_us
from ...privacy import Sealer
from ...settings import WebhookSettings
from ...storage.store import Store, StoreEvent
from ...storage.webhooks import Advance, DeliveryRow, WebhookRow, WebhookRows
from ...telemetry import Metrics, get_logger
from ...webhooks import sign
from .outcomes import Outcomes
from .payload import Payloads, event_id
from .posting import Answer, Poster
from .subscription import NEVER, Subscription

log = get_logger(__name__)

FEED_BATCH = 500
"""Events read at a time."""
WINDOW = 256
"""Due deliveries of one webhook kept in memory; when a quarter is left, more are read."""
STORE_CURSOR_US = 1_000_000
"""How often a cursor is stored that passes only what nobody wants."""
REFRESH_S = {False: 5.0, True: 1.0}
"""How often the webhooks are read again unasked; on a shared store (True) others change them."""
PAUSE_S = 0.5
"""After an outage of the store."""
FAULT_PAUSE_US = 60_000_000
"""A webhook that cannot be sent to by our own fault, such as a lost key, is left alone so long."""
PURPOSE = "webhook"
"""What the secrets of webhooks are sealed for."""


class Sender:
    """Sends for the webhooks that `owns` says are this process's. Runs as a supervised task."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        settings: WebhookSettings,
        metrics: Metrics,
        poster: Poster,
        *,
        owns: Callable[[bytes], bool] = lambda webhook: True,
        clock: Clock = now_us,
        chance: random.Random | None = None,
    ) -> None:
        self._store = store
        self._rows = WebhookRows(store)
        self._sealer = sealer
        self._settings = settings
        self._metrics = metrics
        self._poster = poster
        self._owns = owns
        self._clock = clock
        self._outcomes = Outcomes(self._rows, settings, metrics, clock, chance or random.Random())
        self._subscriptions: dict[str, Subscription] = {}
        self._payloads = Payloads(store)
        self._sending: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._refresh_at = 0.0
        self._read_at = 0.0
        self._stopping = False

    def changed(self) -> None:
        """A webhook was made, changed or deleted, or a delivery begun anew."""
        self._refresh_at = 0.0
        self._wake.set()

    def owned(self) -> list[Subscription]:
        """The enabled webhooks that this process sends for now."""
        return [one for one in self._subscriptions.values() if self._owns(bytes.fromhex(one.id))]

    def lag_s(self) -> float:
        """The age of the oldest event that no attempt was made for."""
        waits = [one.oldest_untried() for one in self.owned()]
        oldest = min((at for at in waits if at is not None), default=None)
        return max(0.0, (self._clock() - oldest) / 1e6) if oldest is not None else 0.0

    async def attempt(self, webhook: WebhookRow, delivery: DeliveryRow) -> Answer:
        """Signs and posts once. Raises SecretUnreadable, StoreUnavailable."""
        body = await self._payloads.body(delivery)
        if body is None:
            return Answer(None, "the event is not in the log any more", 0)
        now = self._clock()
        keys = [self._sealer.open(webhook.secret, purpose=PURPOSE, row=webhook.id)]
        if webhook.former_secret is not None and now < (webhook.former_until or 0):
            keys.append(self._sealer.open(webhook.former_secret, purpose=PURPOSE, row=webhook.id))
        headers = sign(keys, event_id(delivery), now // 1_000_000, body)
        answer = await self._poster.post(webhook.url, headers, body)
        self._metrics.webhook_seconds.observe(answer.duration_ms / 1000)
        return answer

    # -- the task -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Sends until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._refresh()
                owned = self.owned()
                await self._read_log(owned)
                await self._send_due(owned)
            except Unavailable as error:
                log.warning("webhooks_wait", detail=error.detail)
                await asyncio.sleep(PAUSE_S)
            pause_s = self._settings.poll_s if self._subscriptions else REFRESH_S[True]
            try:
                # Not `wait_for`, which on Python 3.11 can swallow a cancellation.
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def settle(self, grace_s: float) -> None:
        """Begins nothing new and waits for what is under way; the rest is sent after a restart."""
        self._stopping = True
        if self._sending:
            await asyncio.wait(self._sending, timeout=grace_s)
        for task in self._sending:
            task.cancel()
        if self._sending:
            await asyncio.wait(self._sending)
        await self._poster.close()

    async def _refresh(self) -> None:
        """Reads the webhooks again when somebody may have changed them."""
        now = asyncio.get_running_loop().time()
        if now < self._refresh_at:
            return
        self._refresh_at = now + REFRESH_S[self._store.shared]
        found: dict[str, Subscription] = {}
        for row in await self._rows.all():
            if not row.enabled:
                continue
            known = self._subscriptions.get(row.id)
            if known is None:
                known = Subscription(row)
            else:
                known.take(row)
            known.waiting = await self._rows.waiting(row.id)
            known.look_at = 0
            found[row.id] = known
        self._subscriptions = found

    # -- from the log to deliveries -----------------------------------------------------------

    async def _read_log(self, owned: Iterable[Subscription]) -> None:
        """Takes every webhook one batch of events further; those at one place share the reading.

        Every `poll_s`, however often something else wakes the task.
        """
        now = asyncio.get_running_loop().time()
        if now < self._read_at:
            return
        self._read_at = now + self._settings.poll_s
        together: dict[int, list[Subscription]] = {}
        for one in owned:
            if one.waiting < self._settings.max_waiting:
                together.setdefault(one.position, []).append(one)
            elif one.behind_at is None:
                one.behind_at = self._clock()
        for position, group in together.items():
            events = await self._rows.feed(position, FEED_BATCH)
            await self._pass(group, events)
            if len(events) == FEED_BATCH:
                self._read_at = 0.0
                self._wake.set()

    async def _pass(self, group: list[Subscription], events: list[StoreEvent]) -> None:
        now = self._clock()
        is_full = len(events) == FEED_BATCH
        moves: dict[str, Advance] = {}
        for one in group:
            wanted = await self._wanted(one, events)
            if events:
                one.position = events[-1].position
            one.behind_at = events[-1].at if is_full else None
            is_old = one.position > one.stored and now - one.stored_at >= STORE_CURSOR_US
            if wanted or is_old:
                moves[one.id] = Advance(one.id, one.stored, one.position, wanted)
        if not moves:
            return
        moved = await self._rows.advance(list(moves.values()), now)
        for one in group:
            if one.id in moved:
                one.stored = one.position
                one.stored_at = now
                one.waiting += len(moves[one.id].events)
                one.look_at = 0
        if len(moved) < len(moves):
            self.changed()

    async def _wanted(self, one: Subscription, events: list[StoreEvent]) -> list[StoreEvent]:
        wanted = [event for event in events if one.wants_kind(event)]
        if one.wants_all_channels or not wanted:
            return wanted
        places = await self._payloads.places(event.session for event in wanted)
        return [event for event in wanted if one.wants_channel(places[event.session])]

    # -- from deliveries to receivers ---------------------------------------------------------

    async def _send_due(self, owned: list[Subscription]) -> None:
        """Begins as many attempts as there is room for, each webhook getting its turn."""
        now = self._clock()
        ready = [one for one in owned if one.paused_until <= now]
        for one in ready:
            if one.look_at <= now and len(one.queue) < WINDOW // 4:
                await self._look(one, now)
        for one, row in self._pick(ready):
            task = asyncio.create_task(self._deliver(one, row))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _look(self, one: Subscription, now: int) -> None:
        limit = WINDOW + len(one.sending)
        rows = await self._rows.due(one.id, now, limit)
        one.queue = {row.number: row for row in rows if row.number not in one.sending}
        if len(rows) < limit:
            due_at = await self._rows.next_due(one.id, now)
            one.look_at = NEVER if due_at is None else due_at

    def _pick(self, ready: list[Subscription]) -> list[tuple[Subscription, DeliveryRow]]:
        picked: list[tuple[Subscription, DeliveryRow]] = []
        room = 0 if self._stopping else self._settings.total_concurrency - len(self._sending)
        while ready and len(picked) < room:
            still = []
            for one in ready:
                if len(picked) >= room or len(one.sending) >= self._settings.concurrency:
                    continue
                row = one.next()
                if row is not None:
                    picked.append((one, row))
                    still.append(one)
            ready = still
        return picked

    async def _deliver(self, one: Subscription, row: DeliveryRow) -> None:
        pause_us = 0
        try:
            answer = await self.attempt(one.row, row)
            if await self._outcomes.record(one, row, answer):
                self._subscriptions.pop(one.id, None)
        except Unavailable as error:
            log.warning("webhook_waits", webhook=one.id, detail=error.detail)
            pause_us = int(PAUSE_S * 1e6)
        except Exception as error:
            log.error("webhook_broken", webhook=one.id, exc_info=error)
            pause_us = FAULT_PAUSE_US
        finally:
            one.finished(row)
            if pause_us:
                one.look_at = one.paused_until = self._clock() + pause_us
            self._wake.set()
