"""What attempts led to, stored: of the delivery, and of a webhook that fails for too long."""

from __future__ import annotations

import asyncio
import random

from ...model.errors import NotFound, Unavailable
from ...model.times import Clock, rfc3339
from ...model.webhooks import DeliveryState
from ...settings import WebhookSettings
from ...storage.webhooks import DeliveryRow, WebhookRows, ledger_change
from ...telemetry import Metrics, get_logger
from .posting import Answer
from .schedule import after_attempt, is_gone
from .subscription import Subscription

log = get_logger(__name__)

ACTOR = "webhooks"
"""Who disables a webhook in the ledger."""
PAUSE_S = 0.5
"""After an outage of the store."""


class Outcomes:
    """Records attempts."""

    def __init__(
        self,
        rows: WebhookRows,
        settings: WebhookSettings,
        metrics: Metrics,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self._rows = rows
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._chance = chance

    async def record(self, one: Subscription, row: DeliveryRow, answer: Answer) -> bool:
        """Stores what became of a delivery. True when its webhook was disabled for it.

        While the store is away it waits: what was posted is not posted again for that.
        """
        now = self._clock()
        after = after_attempt(row, answer, self._settings, now, self._chance)
        self._metrics.webhook_deliveries.of(after.state).inc()
        while True:
            try:
                is_stored = await self._rows.record(after, row.attempts)
                break
            except Unavailable as error:
                log.warning("webhook_outcome_waits", webhook=one.id, detail=error.detail)
                await asyncio.sleep(PAUSE_S)
        if not is_stored:  # begun anew or deleted meanwhile
            return False
        if after.due_at is None:
            one.waiting -= 1
        else:
            one.look_at = min(one.look_at, after.due_at)
        if answer.is_success:
            if one.row.failing_since is not None:
                await self._set_failing(one, None)
            return False
        return await self._failed(one, after, answer, now)

    async def _failed(
        self, one: Subscription, after: DeliveryRow, answer: Answer, now: int
    ) -> bool:
        log.info(
            "webhook_attempt_failed",
            webhook=one.id,
            number=after.number,
            attempts=after.attempts,
            status=answer.status_code,
            detail=answer.detail,
        )
        since = one.row.failing_since
        if since is None:
            since = now
            await self._set_failing(one, now)
        if is_gone(answer):
            return await self._disable(one, "the receiver answered 410 Gone")
        is_given_up = after.state == DeliveryState.FAILED
        if is_given_up and now - since >= self._settings.disable_after_s * 1e6:
            return await self._disable(one, f"nothing got through since {rfc3339(since)}")
        return False

    async def _set_failing(self, one: Subscription, since: int | None) -> None:
        await self._rows.set_failing_since(one.id, since)
        one.row = one.row._replace(failing_since=since)

    async def _disable(self, one: Subscription, reason: str) -> bool:
        is_done = False
        while not is_done:  # again when an operator changed it just then
            try:
                row = await self._rows.get(one.id)
            except NotFound:  # deleted just then
                break
            if not row.enabled:
                break
            disabled = row._replace(
                enabled=0,
                disabled_reason=reason,
                updated_at=self._clock(),
                version=row.version + 1,
            )
            is_done = await self._rows.update(disabled, ledger_change(disabled, "update", ACTOR))
        if is_done:
            log.warning("webhook_disabled", webhook=one.id, reason=reason)
        return True
