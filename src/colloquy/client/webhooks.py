"""Operations on webhooks: `/v2/webhooks`."""

from __future__ import annotations

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
from .operation import operation, paged
from .request import Ask, json, nothing


class WebhookOperations:
    """`/v2/webhooks`."""

    @operation("GET", "/v2/webhooks")
    def webhook_page(self, cursor: str | None = None, limit: int | None = None) -> Ask[WebhookPage]:
        """One page of webhooks, in the order in which they were made."""
        return Ask(json(WebhookPage), query={"cursor": cursor, "limit": limit})

    webhooks = paged(
        webhook_page,
        lambda page: page.webhooks,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/webhooks")
    def create_webhook(self, request: WebhookRequest) -> Ask[NewWebhook]:
        """A new webhook and its secret, which is shown this once."""
        return Ask(json(NewWebhook), body=request)

    @operation("GET", "/v2/webhooks/{webhook_id}")
    def webhook(self, webhook_id: str) -> Ask[WebhookView]:
        """One webhook without its secret."""
        return Ask(json(WebhookView), path={"webhook_id": webhook_id})

    @operation("PATCH", "/v2/webhooks/{webhook_id}")
    def change_webhook(self, webhook_id: str, change: WebhookChange) -> Ask[WebhookView]:
        """What the change leaves out stays."""
        return Ask(json(WebhookView), path={"webhook_id": webhook_id}, body=change)

    @operation("DELETE", "/v2/webhooks/{webhook_id}")
    def delete_webhook(self, webhook_id: str) -> Ask[None]:
        """With its deliveries; what waits is not sent."""
        return Ask(nothing, path={"webhook_id": webhook_id})

    @operation("POST", "/v2/webhooks/{webhook_id}/rotate")
    def rotate_webhook(self, webhook_id: str) -> Ask[NewWebhook]:
        """A new secret; for 24 hours requests are signed with the former one too."""
        return Ask(json(NewWebhook), path={"webhook_id": webhook_id})

    @operation("POST", "/v2/webhooks/{webhook_id}/test")
    def test_webhook(self, webhook_id: str) -> Ask[DeliveryView]:
        """Sends a test event now, and says what came back."""
        return Ask(json(DeliveryView), path={"webhook_id": webhook_id})

    @operation("GET", "/v2/webhooks/{webhook_id}/deliveries")
    def webhook_delivery_page(
        self,
        webhook_id: str,
        cursor: str | None = None,
        limit: int | None = None,
        state: DeliveryState | None = None,
    ) -> Ask[DeliveryPage]:
        """One page of a webhook's deliveries, newest first."""
        return Ask(
            json(DeliveryPage),
            path={"webhook_id": webhook_id},
            query={"cursor": cursor, "limit": limit, "state": state},
        )

    webhook_deliveries = paged(
        webhook_delivery_page,
        lambda page: page.deliveries,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/webhooks/{webhook_id}/deliveries/{number}/redeliver")
    def redeliver_webhook(self, webhook_id: str, number: int) -> Ask[DeliveryView]:
        """Sends a delivery again, as if it had never been tried."""
        return Ask(json(DeliveryView), path={"webhook_id": webhook_id, "number": number})
