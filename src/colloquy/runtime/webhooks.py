"""Webhooks as operators handle them: made, changed, tried, watched; and the tasks behind them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable

import msgspec
from msgspec import UNSET

from ..delivery.webhooks.addresses import AddressGuard, SystemResolver
from ..delivery.webhooks.payload import event_id
from ..delivery.webhooks.posting import Poster
from ..delivery.webhooks.sender import PURPOSE, Sender
from ..model.errors import Conflict, InvalidInput, PreconditionFailed, Unavailable
from ..model.message import encode
from ..model.times import Clock, now_us, rfc3339
from ..model.webhooks import (
    TEST_KIND,
    DeliveryPage,
    DeliveryState,
    DeliveryView,
    NewWebhook,
    WebhookChange,
    WebhookPage,
    WebhookRequest,
    WebhookView,
)
from ..ops.tasks import Supervisor
from ..privacy import Sealer
from ..settings import Settings
from ..storage.store import Store
from ..storage.webhooks import DeliveryRow, WebhookRow, WebhookRows, ledger_change
from ..telemetry import Metrics, get_logger
from ..webhooks import encode_secret, new_key

log = get_logger(__name__)

MAX_WEBHOOKS = 100
FORMER_SECRET_US = 24 * 3600 * 1_000_000
"""A secret that was replaced is signed with for so long, so that receivers can change over."""
DELETE_BATCH = 500
"""Rows of deliveries deleted in one transaction."""
PRUNE_EVERY_S = 60.0
TOPIC = "webhooks"
"""The signal to other processes that a webhook, or a delivery's due time, was changed."""
_CHANGE_TRIES = 5
_SKIPPED = "skipped as an operator asked"
_ALL = 2**62

_texts = msgspec.json.Decoder(list[str])


class Webhooks:
    """The webhooks of one database. `owns`: whether this process sends for the webhook with these
    128 random bits as its id."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        metrics: Metrics,
        sealer: Sealer,
        *,
        owns: Callable[[bytes], bool] = lambda webhook: True,
        clock: Clock = now_us,
    ) -> None:
        self._settings = settings.webhooks
        self._store = store
        self._rows = WebhookRows(store)
        self._owns = owns
        self._clock = clock
        self._sealer = sealer
        self._guard = AddressGuard(
            allow_http=self._settings.allow_http, allow_networks=self._settings.allow_networks
        )
        self._resolver = SystemResolver()
        self._sender = Sender(
            store,
            sealer,
            self._settings,
            metrics,
            Poster(self._guard, self._resolver, self._settings.timeout_s),
            owns=owns,
            clock=clock,
        )

    # -- the tasks ----------------------------------------------------------------------------

    def start(self, tasks: Supervisor) -> None:
        """Sends from now on. Without it nothing is sent but tests."""
        tasks.start("webhooks", self._sender.run)
        tasks.start("webhook-pruning", self._prune)

    async def stop(self, grace_s: float) -> None:
        """Finishes what is being sent; the rest is sent by the next process."""
        await self._sender.settle(grace_s)
        self._resolver.close()

    def heard(self) -> None:
        """Another process changed a webhook or a delivery."""
        self._sender.changed()

    def lag_s(self) -> float:
        """The age of the oldest event that this process made no attempt for."""
        return self._sender.lag_s()

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            try:
                await self.prune()
            except Unavailable as error:
                log.warning("webhooks_not_pruned", detail=error.detail)

    async def prune(self) -> int:
        """Deletes finished deliveries that are not kept any longer; returns how many."""
        before = self._clock() - int(self._settings.keep_s * 1e6)
        newest = self._settings.keep_newest
        gone = 0
        for row in await self._rows.all():
            if self._owns(bytes.fromhex(row.id)):
                while pruned := await self._rows.prune(row.id, before, newest, DELETE_BATCH):
                    gone += pruned
        return gone

    # -- subscriptions ------------------------------------------------------------------------

    async def create(self, request: WebhookRequest, actor: str) -> NewWebhook:
        """A new one, for what happens from now on. Raises InvalidInput, Conflict (too many)."""
        self._guard.checked_url(request.url)
        webhook_id = secrets.token_hex(16)
        key = new_key()
        now = self._clock()
        row = WebhookRow(
            id=webhook_id,
            url=request.url,
            kinds=_encoded(request.kinds),
            channels=_encoded(request.channels),
            description=request.description,
            enabled=int(request.enabled),
            disabled_reason=None,
            secret=self._sealed(webhook_id, key),
            former_secret=None,
            former_until=None,
            position=0,
            failing_since=None,
            created_at=now,
            updated_at=now,
            version=1,
        )
        row = await self._rows.create(row, ledger_change(row, "create", actor), MAX_WEBHOOKS)
        await self._tell(webhook_id)
        return NewWebhook(_view(row, row.position), encode_secret(key))

    async def list(self, cursor: str | None = None, limit: int = 50) -> WebhookPage:
        """In the order in which they were made."""
        rows = [row for row in await self._rows.all() if _place(row) > (cursor or "")]
        top = await self._rows.top()
        page = [_view(row, top) for row in rows[:limit]]
        return WebhookPage(page, _place(rows[limit - 1]) if len(rows) > limit else None)

    async def get(self, webhook_id: str) -> WebhookView:
        """Raises NotFound."""
        return _view(await self._rows.get(webhook_id), await self._rows.top())

    async def change(
        self, webhook_id: str, change: WebhookChange, actor: str, version: int | None = None
    ) -> WebhookView:
        """Raises NotFound, InvalidInput, PreconditionFailed (it no longer has this version)."""
        if change.url is not UNSET:
            self._guard.checked_url(change.url)

        def changed(row: WebhookRow) -> WebhookRow:
            if change.url is not UNSET:
                row = row._replace(url=change.url)
            if change.kinds is not UNSET:
                row = row._replace(kinds=_encoded(change.kinds))
            if change.channels is not UNSET:
                row = row._replace(channels=_encoded(change.channels))
            if change.description is not UNSET:
                row = row._replace(description=change.description)
            if change.enabled is not UNSET and change.enabled != bool(row.enabled):
                row = row._replace(
                    enabled=int(change.enabled), disabled_reason=None, failing_since=None
                )
            return row

        skip_because = _SKIPPED if change.skip_missed else ""
        return await self._change(
            webhook_id, changed, actor, version=version, skip_because=skip_because
        )

    async def rotate(self, webhook_id: str, actor: str) -> NewWebhook:
        """A new secret. For 24 hours requests carry a second signature, with the former one.

        Raises NotFound.
        """
        key = new_key()

        def changed(row: WebhookRow) -> WebhookRow:
            return row._replace(
                secret=self._sealed(webhook_id, key),
                former_secret=row.secret,
                former_until=self._clock() + FORMER_SECRET_US,
            )

        view = await self._change(webhook_id, changed, actor)
        return NewWebhook(view, encode_secret(key))

    async def delete(self, webhook_id: str, actor: str) -> None:
        """With its deliveries. Raises NotFound."""
        row = await self._rows.get(webhook_id)
        row = row._replace(updated_at=self._clock())
        change = ledger_change(row, "delete", actor)
        await self._rows.delete(webhook_id, change, DELETE_BATCH)
        await self._tell(webhook_id)

    async def _change(
        self,
        webhook_id: str,
        changed: Callable[[WebhookRow], WebhookRow],
        actor: str,
        *,
        version: int | None = None,
        skip_because: str = "",
    ) -> WebhookView:
        for _ in range(_CHANGE_TRIES):
            former = await self._rows.get(webhook_id)
            if version is not None and former.version != version:
                raise PreconditionFailed("the webhook was changed since you read it")
            row = changed(former)._replace(updated_at=self._clock(), version=former.version + 1)
            note = ledger_change(row, "update", actor)
            if await self._rows.update(row, note, skip_because=skip_because):
                await self._tell(webhook_id)
                return await self.get(webhook_id)
        raise Conflict("the webhook is being changed by somebody else; try again")

    async def _tell(self, webhook_id: str) -> None:
        self._sender.changed()
        await self._store.signal(TOPIC, webhook_id)

    def _sealed(self, webhook_id: str, key: bytes) -> bytes:
        return self._sealer.seal(key, purpose=PURPOSE, row=webhook_id)

    # -- deliveries ---------------------------------------------------------------------------

    async def test(self, webhook_id: str) -> DeliveryView:
        """Sends a `webhook.test` now, once, also when it is disabled, and says what came back.

        Raises NotFound, SecretUnreadable.
        """
        webhook = await self._rows.get(webhook_id)
        delivery = DeliveryRow(
            number=await self._rows.new_number(),
            webhook=webhook_id,
            position=0,
            session=0,
            seq=0,
            kind=TEST_KIND,
            at=self._clock(),
            state=DeliveryState.PENDING.value,
            attempts=0,
            due_at=None,
            status_code=None,
            detail="",
            duration_ms=None,
        )
        answer = await self._sender.attempt(webhook, delivery)
        state = DeliveryState.DELIVERED if answer.is_success else DeliveryState.FAILED
        tried = delivery._replace(
            state=state.value,
            attempts=1,
            status_code=answer.status_code,
            detail=answer.detail,
            duration_ms=answer.duration_ms,
        )
        await self._rows.insert(tried)
        return _delivery_view(tried)

    async def deliveries(
        self,
        webhook_id: str,
        cursor: str | None = None,
        limit: int = 50,
        state: DeliveryState | None = None,
    ) -> DeliveryPage:
        """Newest first. Raises NotFound, InvalidInput."""
        await self._rows.get(webhook_id)
        if cursor is not None and not (cursor.isascii() and cursor.isdecimal()):
            raise InvalidInput("this is no cursor of a page of deliveries", field="cursor")
        before = min(int(cursor), _ALL) if cursor is not None else _ALL
        only = state.value if state is not None else ""
        rows = await self._rows.deliveries(webhook_id, before, limit + 1, only)
        page = [_delivery_view(row) for row in rows[:limit]]
        return DeliveryPage(page, str(page[-1].number) if len(rows) > limit else None)

    async def redeliver(self, webhook_id: str, number: int) -> DeliveryView:
        """Sends it again from now on, with all its attempts anew and under the same `webhook-id`.

        Raises NotFound, Conflict (the webhook is disabled).
        """
        webhook = await self._rows.get(webhook_id)
        if not webhook.enabled:
            raise Conflict("the webhook is disabled; enable it first")
        row = await self._rows.begin_anew(webhook_id, number, self._clock())
        await self._tell(webhook_id)
        return _delivery_view(row)


def _encoded(texts: Iterable[str]) -> str:
    return encode(sorted(set(texts))).decode()


def _place(row: WebhookRow) -> str:
    """Sorts as the webhooks do."""
    return f"{row.created_at:016x}{row.id}"


def _view(row: WebhookRow, top: int) -> WebhookView:
    return WebhookView(
        id=row.id,
        url=row.url,
        kinds=_texts.decode(row.kinds),
        channels=_texts.decode(row.channels),
        description=row.description,
        enabled=bool(row.enabled),
        position_lag=max(0, top - row.position),
        created_at=rfc3339(row.created_at),
        updated_at=rfc3339(row.updated_at),
        version=row.version,
        disabled_reason=row.disabled_reason,
    )


def _delivery_view(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(
        number=row.number,
        event_id=event_id(row),
        kind=row.kind,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        at=rfc3339(row.at),
        detail=row.detail,
        status_code=row.status_code,
        due_at=rfc3339(row.due_at) if row.due_at is not None else None,
        duration_ms=row.duration_ms,
    )
