"""`/v2/webhooks`: where events are posted to, and what became of each."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from ..model.message import encode
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
from .access import needs
from .conversations import actor_of
from .idempotency import once_per_key
from .parameters import Caller, Cursor, Engine, Limit
from .preconditions import IfMatch
from .responses import BODY, errors
from .tags import tag_of

_TAGS = ["Webhooks"]

WebhookId = Annotated[
    str, PathParameter(pattern=r"^[0-9a-f]{32}$", description="The webhook's id.")
]
DeliveryNumber = Annotated[int, PathParameter(ge=1, le=2**53, description="The delivery's number.")]
State = Annotated[
    DeliveryState | None,
    QueryParameter(name="state", required=False, description="Only deliveries of this state."),
]


def _lasting(view: WebhookView) -> WebhookView:
    """The view without what moves by itself: its tag changes when somebody changes the webhook."""
    return msgspec.structs.replace(view, position_lag=0)


@get(
    "/v2/webhooks",
    operation_id="listWebhooks",
    summary="List webhooks",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 422),
)
async def list_webhooks(runtime: Engine, cursor: Cursor = None, limit: Limit = 50) -> WebhookPage:
    """In the order in which they were made. Page with `next` as `cursor` until it is null."""
    return await runtime.webhooks.list(cursor, limit)


@post(
    "/v2/webhooks",
    operation_id="createWebhook",
    summary="Make a webhook",
    tags=_TAGS,
    status_code=201,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 409, 503),
)
async def create_webhook(
    runtime: Engine, principal: Caller, data: JSONBody[WebhookRequest]
) -> NewWebhook:
    """Events that happen from now on are posted to its URL. Only this answer shows its secret."""
    return await runtime.webhooks.create(data, actor_of(principal))


@get(
    "/v2/webhooks/{webhook_id:str}",
    operation_id="getWebhook",
    summary="Show one webhook",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422),
)
async def get_webhook(runtime: Engine, webhook_id: WebhookId) -> Response[WebhookView]:
    """Its entity tag stays the same for as long as nobody changes the webhook."""
    view = await runtime.webhooks.get(webhook_id)
    return Response(view, headers={"etag": tag_of(encode(_lasting(view))).decode()})


@patch(
    "/v2/webhooks/{webhook_id:str}",
    operation_id="changeWebhook",
    summary="Change, enable or disable a webhook",
    tags=_TAGS,
    guards=[needs("admin")],
    responses=errors(*BODY, 401, 403, 404, 409, 412, 503),
)
async def change_webhook(
    runtime: Engine,
    principal: Caller,
    webhook_id: WebhookId,
    data: JSONBody[WebhookChange],
    precondition: IfMatch,
) -> WebhookView:
    """What is left out stays. One that is enabled again goes on where it stopped, or, with
    `skip_missed`, with what happens from now on. With `If-Match` only if nobody changed it."""

    async def read() -> WebhookView:
        return _lasting(await runtime.webhooks.get(webhook_id))

    version = await precondition.version(read)
    return await runtime.webhooks.change(webhook_id, data, actor_of(principal), version)


@delete(
    "/v2/webhooks/{webhook_id:str}",
    operation_id="deleteWebhook",
    summary="Delete a webhook",
    tags=_TAGS,
    guards=[needs("admin")],
    responses=errors(401, 403, 404, 422, 503),
)
async def delete_webhook(runtime: Engine, principal: Caller, webhook_id: WebhookId) -> None:
    """With its deliveries; what waits is not sent."""
    await runtime.webhooks.delete(webhook_id, actor_of(principal))


@post(
    "/v2/webhooks/{webhook_id:str}/rotate",
    operation_id="rotateWebhookSecret",
    summary="Give a webhook a new secret",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def rotate_webhook(runtime: Engine, principal: Caller, webhook_id: WebhookId) -> NewWebhook:
    """For 24 hours requests are signed with the former secret too. Only this answer shows it."""
    return await runtime.webhooks.rotate(webhook_id, actor_of(principal))


@post(
    "/v2/webhooks/{webhook_id:str}/test",
    operation_id="testWebhook",
    summary="Try a webhook",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def test_webhook(runtime: Engine, webhook_id: WebhookId) -> DeliveryView:
    """Posts a `webhook.test` event now, once, and says what came back."""
    return await runtime.webhooks.test(webhook_id)


@get(
    "/v2/webhooks/{webhook_id:str}/deliveries",
    operation_id="listWebhookDeliveries",
    summary="List a webhook's deliveries, newest first",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422),
)
async def list_deliveries(
    runtime: Engine,
    webhook_id: WebhookId,
    cursor: Cursor = None,
    limit: Limit = 50,
    only: State = None,
) -> DeliveryPage:
    """Page with `next` as `cursor` until it is null."""
    return await runtime.webhooks.deliveries(webhook_id, cursor, limit, only)


@post(
    "/v2/webhooks/{webhook_id:str}/deliveries/{number:int}/redeliver",
    operation_id="redeliverWebhookDelivery",
    summary="Send a delivery again",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def redeliver(runtime: Engine, webhook_id: WebhookId, number: DeliveryNumber) -> DeliveryView:
    """As if it had never been tried, under the same `webhook-id`."""
    return await runtime.webhooks.redeliver(webhook_id, number)


ROUTES: list[HTTPRouteHandler] = [
    list_webhooks,
    create_webhook,
    get_webhook,
    change_webhook,
    delete_webhook,
    rotate_webhook,
    test_webhook,
    list_deliveries,
    redeliver,
]
