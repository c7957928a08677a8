"""Webhooks as operators handle them: made, changed, tried, watched."""

from __future__ import annotations

from ..model.errors import NotFound
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


class Webhooks:
    """The webhooks of one database."""

    async def create(self, request: WebhookRequest, actor: str) -> NewWebhook:
        raise NotFound("webhooks are being built")

    async def list(self, cursor: str | None = None, limit: int = 50) -> WebhookPage:
        return WebhookPage([], None)

    async def get(self, webhook_id: str) -> WebhookView:
        raise NotFound(f"no webhook {webhook_id}")

    async def change(self, webhook_id: str, change: WebhookChange, actor: str) -> WebhookView:
        raise NotFound(f"no webhook {webhook_id}")

    async def delete(self, webhook_id: str, actor: str) -> None:
        raise NotFound(f"no webhook {webhook_id}")

    async def rotate(self, webhook_id: str, actor: str) -> NewWebhook:
        raise NotFound(f"no webhook {webhook_id}")

    async def test(self, webhook_id: str) -> DeliveryView:
        raise NotFound(f"no webhook {webhook_id}")

    async def deliveries(
        self,
        webhook_id: str,
        cursor: str | None = None,
        limit: int = 50,
        state: DeliveryState | None = None,
    ) -> DeliveryPage:
        raise NotFound(f"no webhook {webhook_id}")

    async def redeliver(self, webhook_id: str, number: int) -> DeliveryView:
        raise NotFound(f"no webhook {webhook_id}")
