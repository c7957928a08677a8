"""Webhooks in the store: subscriptions, and their deliveries. The log of events is their outbox.

Each webhook has a cursor, a position in the log. Moving it and writing the deliveries for the
events passed is one transaction, so that no event is left out and none is taken twice; positions
follow the order of commits (statement `event_insert`), so that none turns up behind a cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ..model.errors import Conflict, NotFound
from ..model.message import encode
from .commit import Rows, Steps, number_changes
from .store import Store, StoreEvent
from .write_set import Change

COUNTER = "webhook_deliveries"
COLLECTION = "webhooks"
"""Their name in the ledger."""


class WebhookRow(NamedTuple):
    """A subscription. `kinds` and `channels` are JSON arrays, the secrets are sealed."""

    id: str
    url: str
    kinds: str
    channels: str
    description: str
    enabled: int
    disabled_reason: str | None
    secret: bytes
    former_secret: bytes | None
    former_until: int | None
    position: int
    failing_since: int | None
    """When the first failure since the last success was; None when the last attempt succeeded."""
    created_at: int
    updated_at: int
    version: int


class DeliveryRow(NamedTuple):
    """One event for one webhook. `due_at` is None once it is delivered or failed."""

    number: int
    webhook: str
    position: int
    session: int
    seq: int
    kind: str
    at: int
    state: str
    attempts: int
    due_at: int | None
    status_code: int | None
    detail: str
    duration_ms: int | None


def ledger_change(row: WebhookRow, operation: str, actor: str) -> Change:
    """The ledger's row for what was done to a webhook at its `updated_at`: its value without the
    secrets, or none when the operation is `delete`."""
    value = {
        "url": row.url,
        "kinds": msgspec.Raw(row.kinds.encode()),
        "channels": msgspec.Raw(row.channels.encode()),
        "description": row.description,
        "enabled": bool(row.enabled),
        "disabled_reason": row.disabled_reason,
        "version": row.version,
    }
    after = None if operation == "delete" else encode(value)
    return Change(row.updated_at, actor, None, operation, COLLECTION, row.id, after)


class Advance(NamedTuple):
    """A cursor's step from `former` to `position`, with the events on the way that are wanted."""

    webhook: str
    former: int
    position: int
    events: Sequence[StoreEvent]


class WebhookRows:
    """The webhooks of one store. All methods may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- subscriptions ------------------------------------------------------------------------

    async def all(self) -> list[WebhookRow]:
        """In the order in which they were made."""
        return [WebhookRow(*row) for row in await self._store.query("webhooks")]

    async def get(self, webhook_id: str) -> WebhookRow:
        """Raises NotFound."""
        rows = await self._store.query("webhook_by_id", webhook_id)
        if not rows:
            raise NotFound(f"no webhook {webhook_id}")
        return WebhookRow(*rows[0])

    async def top(self) -> int:
        """The position of the newest event; 0 in an empty log."""
        ((top,),) = await self._store.query("events_top")
        return int(top)

    async def create(self, row: WebhookRow, change: Change, limit: int) -> WebhookRow:
        """Stores a new one, which begins at the end of the log. Raises Conflict beyond `limit`."""

        def steps() -> Steps:
            ((count,),) = yield "webhook_count", [()]
            if count >= limit:
                raise Conflict(f"there are {limit} webhooks, which is the most there may be")
            ((top,),) = yield "events_top", [()]
            made = row._replace(position=top)
            yield "webhook_insert", [tuple(made)]
            yield from number_changes([change])
            return made

        made: WebhookRow = await self._store.transact(steps)
        return made

    async def update(self, row: WebhookRow, change: Change, *, skip_because: str = "") -> bool:
        """Stores a changed one, its version one higher; False when it was changed meanwhile.

        `skip_because`: also moves its cursor to the end of the log and gives up what waits, for
        this reason.
        """

        def steps() -> Steps:
            if not (yield "webhook_set", [changed_row(row)]):
                return False
            if skip_because:
                yield "webhook_skip", [(row.id,)]
                yield "webhook_give_up", [(skip_because, row.id)]
            yield from number_changes([change])
            return True

        done: bool = await self._store.transact(steps)
        return done

    async def delete(self, webhook_id: str, change: Change, batch: int) -> None:
        """Deletes it, and its deliveries `batch` at a time. Raises NotFound."""
        await self.get(webhook_id)
        full = True
        while full:
            gone = await self._store.change_one("webhook_deliveries_delete", webhook_id, batch)
            full = len(gone) == batch

        def steps() -> Steps:
            if not (yield "webhook_delete", [(webhook_id,)]):
                raise NotFound(f"no webhook {webhook_id}")
            full = True
            while full:  # what the sender wrote since
                full = len((yield "webhook_deliveries_delete", [(webhook_id, batch)])) == batch
            yield from number_changes([change])

        await self._store.transact(steps)

    # -- from the log to deliveries -----------------------------------------------------------

    async def feed(self, after: int, limit: int) -> list[StoreEvent]:
        """Events above a position, in the order of commits."""
        rows = await self._store.query("events_feed", after, limit)
        return [StoreEvent(*row) for row in rows]

    async def advance(self, moves: Sequence[Advance], now: int) -> set[str]:
        """Moves cursors and writes the deliveries due now, all in one transaction.

        Returns those that moved: one that another process moved, or that was disabled, did not,
        and nothing was written for it.
        """

        def steps() -> Steps:
            cursors: Rows = [(move.webhook, move.former, move.position) for move in moves]
            moved = {webhook for (webhook,) in (yield "webhook_cursor", sorted(cursors))}
            wanted = [
                (move.webhook, event)
                for move in moves
                if move.webhook in moved
                for event in move.events
            ]
            if wanted:
                ((last,),) = yield "counter_add", [(COUNTER, len(wanted))]
                first = last - len(wanted) + 1
                yield (
                    "webhook_delivery_insert",
                    [
                        tuple(_pending(number, webhook, event, now))
                        for number, (webhook, event) in enumerate(wanted, first)
                    ],
                )
            return moved

        result: set[str] = await self._store.transact(steps)
        return result

    # -- deliveries ---------------------------------------------------------------------------

    async def waiting(self, webhook_id: str) -> int:
        """How many are not finished."""
        ((count,),) = await self._store.query("webhook_waiting", webhook_id)
        return int(count)

    async def due(self, webhook_id: str, now: int, limit: int) -> list[DeliveryRow]:
        """Those that are due, the longest due first; of one moment in the order of the log."""
        rows = await self._store.query("webhook_due", webhook_id, now, limit)
        return [DeliveryRow(*row) for row in rows]

    async def next_due(self, webhook_id: str, now: int) -> int | None:
        """When the next one is due that is not due yet."""
        ((due_at,),) = await self._store.query("webhook_next_due", webhook_id, now)
        return int(due_at) if due_at is not None else None

    async def record(self, row: DeliveryRow, former: int) -> bool:
        """Stores what an attempt made of a delivery that had `former` attempts before.

        False when it was begun anew, finished or deleted meanwhile.
        """
        outcome = (
            row.number, former, row.state, row.attempts, row.due_at, row.status_code, row.detail,
            row.duration_ms,
        )  # fmt: skip
        return bool(await self._store.change("webhook_delivery_set", [outcome]))

    async def set_failing_since(self, webhook_id: str, since: int | None) -> None:
        await self._store.change_one("webhook_failing", since, webhook_id)

    async def new_number(self) -> int:
        """The number of a delivery that is stored once it has been tried."""
        ((number,),) = await self._store.change("counter_add", [(COUNTER, 1)])
        return int(number)

    async def insert(self, row: DeliveryRow) -> None:
        await self._store.change("webhook_delivery_insert", [tuple(row)])

    async def begin_anew(self, webhook_id: str, number: int, now: int) -> DeliveryRow:
        """Makes a delivery due now, as if it had never been tried. Raises NotFound."""
        rows = await self._store.change_one("webhook_redeliver", now, webhook_id, number)
        if not rows:
            raise _no_delivery(webhook_id, number)
        return DeliveryRow(*rows[0])

    async def delivery(self, webhook_id: str, number: int) -> DeliveryRow:
        """Raises NotFound."""
        rows = await self._store.query("webhook_delivery", webhook_id, number)
        if not rows:
            raise _no_delivery(webhook_id, number)
        return DeliveryRow(*rows[0])

    async def deliveries(
        self, webhook_id: str, before: int, limit: int, state: str
    ) -> list[DeliveryRow]:
        """Newest first, those with a number below `before`; of one state unless it is ""."""
        rows = await self._store.query("webhook_deliveries_page", webhook_id, before, state, limit)
        return [DeliveryRow(*row) for row in rows]

    async def prune(self, webhook_id: str, before: int, newest: int, batch: int) -> int:
        """Deletes finished deliveries from before a time, and delivered ones beyond the newest, at
        most `batch` of each. Returns how many."""
        old = await self._store.change_one("webhook_prune_old", webhook_id, before, batch)
        many = await self._store.change_one("webhook_prune_many", webhook_id, newest, batch)
        return len(old) + len(many)


def changed_row(row: WebhookRow) -> tuple[object, ...]:
    """The columns of statement `webhook_set`."""
    return (
        row.id, row.url, row.kinds, row.channels, row.description, row.enabled,
        row.disabled_reason, row.secret, row.former_secret, row.former_until, row.failing_since,
        row.updated_at, row.version,
    )  # fmt: skip


def _pending(number: int, webhook: str, event: StoreEvent, now: int) -> DeliveryRow:
    """A delivery that was not tried yet."""
    return DeliveryRow(
        number, webhook, event.position, event.session, event.seq, event.kind, now, "pending", 0,
        now, None, "", None,
    )  # fmt: skip


def _no_delivery(webhook_id: str, number: int) -> NotFound:
    return NotFound(f"no delivery {number} of webhook {webhook_id}")
