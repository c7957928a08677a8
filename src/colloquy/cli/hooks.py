"""Webhooks of a running server or of a closed database, by the same methods."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ..model.webhooks import (
    DeliveryPage,
    DeliveryState,
    DeliveryView,
    NewWebhook,
    WebhookChange,
    WebhookPage,
    WebhookRequest,
    WebhookView,
)
from .options import Reach
from .target import ACTOR, Local, reached

if TYPE_CHECKING:
    from ..client import AsyncClient
    from ..runtime.webhooks import Webhooks


class LocalWebhooks:
    """Of a database opened in this process; the methods of `AsyncClient` that commands use."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    async def webhook_page(self, cursor: str | None = None, limit: int = 50) -> WebhookPage:
        return await self._webhooks.list(cursor, limit)

    async def create_webhook(self, request: WebhookRequest) -> NewWebhook:
        return await self._webhooks.create(request, ACTOR)

    async def webhook(self, webhook_id: str) -> WebhookView:
        return await self._webhooks.get(webhook_id)

    async def change_webhook(self, webhook_id: str, change: WebhookChange) -> WebhookView:
        return await self._webhooks.change(webhook_id, change, ACTOR)

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._webhooks.delete(webhook_id, ACTOR)

    async def rotate_webhook(self, webhook_id: str) -> NewWebhook:
        return await self._webhooks.rotate(webhook_id, ACTOR)

    async def test_webhook(self, webhook_id: str) -> DeliveryView:
        return await self._webhooks.test(webhook_id)

    async def webhook_delivery_page(
        self,
        webhook_id: str,
        cursor: str | None = None,
        limit: int = 50,
        state: DeliveryState | None = None,
    ) -> DeliveryPage:
        return await self._webhooks.deliveries(webhook_id, cursor, limit, state)

    async def redeliver_webhook(self, webhook_id: str, number: int) -> DeliveryView:
        return await self._webhooks.redeliver(webhook_id, number)


if TYPE_CHECKING:
    Hooks = LocalWebhooks | AsyncClient


@contextlib.asynccontextmanager
async def hooks(reach: Reach, *, create: bool = False) -> AsyncIterator[Hooks]:
    """The webhooks of what `reach` means; raises as `reached` does."""
    async with reached(reach, create=create) as target:
        yield LocalWebhooks(target.runtime.webhooks) if isinstance(target, Local) else target
