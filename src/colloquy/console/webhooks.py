"""Webhooks: where events are posted to, whether that works, and what became of each event."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ..api.parameters import Engine
from ..model.errors import ColloquyError, InvalidInput
from ..model.session import EventKind
from ..model.webhooks import DeliveryState, WebhookChange, WebhookRequest
from .access import CurrentOperator, requires
from .forms import FormRequest
from .paging import PAGE
from .render import page, see

STATES = tuple(state.value for state in DeliveryState)


@get("/webhooks", guards=[requires("admin")])
async def list_webhooks(request: FormRequest, runtime: Engine) -> Response[Any]:
    cursor = request.query_params.get("cursor")
    found = await runtime.webhooks.list(cursor, PAGE)
    return page(
        request, "webhooks/list.html", webhooks=found.webhooks, next=found.next, is_first=not cursor
    )


@get("/webhooks/new", guards=[requires("admin")])
async def new_webhook(request: FormRequest) -> Response[Any]:
    return _form(request, {})


@post("/webhooks", guards=[requires("admin")])
async def create_webhook(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """This answer is the only one that shows the secret."""
    values = {
        "url": await request.field("url"),
        "description": await request.field("description"),
        "kinds": await request.choices("kinds"),
        "channels": (await request.field("channels")).replace(",", " ").split(),
    }
    try:
        wanted = _converted(values)
        made = await runtime.webhooks.create(wanted, operator.actor)
    except ColloquyError as error:
        if error.status >= 500:
            raise
        return _form(request, values, error)
    return page(request, "webhooks/secret.html", 201, made=made, is_new=True)


@get("/webhooks/{webhook_id:str}", guards=[requires("admin")])
async def show_webhook(
    request: FormRequest, runtime: Engine, webhook_id: FromPath[str]
) -> Response[Any]:
    """With its deliveries, the newest first; `state` leaves the others out."""
    webhook = await runtime.webhooks.get(webhook_id)
    named = request.query_params.get("state", "")
    state = DeliveryState(named) if named in STATES else None
    cursor = request.query_params.get("cursor")
    found = await runtime.webhooks.deliveries(webhook_id, cursor, PAGE, state)
    return page(
        request,
        "webhooks/show.html",
        webhook=webhook,
        deliveries=found.deliveries,
        next=found.next,
        is_first=not cursor,
        state=state.value if state is not None else "",
        states=STATES,
    )


@post("/webhooks/{webhook_id:str}/enable", guards=[requires("admin")])
async def enable_webhook(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, webhook_id: FromPath[str]
) -> Response[Any]:
    """It goes on where it stopped, or, with `skip_missed`, with what happens from now on."""
    skip = await request.field("skip_missed") == "1"
    change = WebhookChange(enabled=True, skip_missed=skip)
    await runtime.webhooks.change(webhook_id, change, operator.actor)
    return see(f"/console/webhooks/{webhook_id}", done="webhook-enabled")


@post("/webhooks/{webhook_id:str}/disable", guards=[requires("admin")])
async def disable_webhook(
    runtime: Engine, operator: CurrentOperator, webhook_id: FromPath[str]
) -> Response[Any]:
    await runtime.webhooks.change(webhook_id, WebhookChange(enabled=False), operator.actor)
    return see(f"/console/webhooks/{webhook_id}", done="webhook-disabled")


@post("/webhooks/{webhook_id:str}/rotate", guards=[requires("admin")])
async def rotate_webhook(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, webhook_id: FromPath[str]
) -> Response[Any]:
    """This answer is the only one that shows the new secret."""
    made = await runtime.webhooks.rotate(webhook_id, operator.actor)
    return page(request, "webhooks/secret.html", made=made, is_new=False)


@post("/webhooks/{webhook_id:str}/delete", guards=[requires("admin")])
async def delete_webhook(
    runtime: Engine, operator: CurrentOperator, webhook_id: FromPath[str]
) -> Response[Any]:
    await runtime.webhooks.delete(webhook_id, operator.actor)
    return see("/console/webhooks", done="webhook-deleted")


@post("/webhooks/{webhook_id:str}/test", guards=[requires("admin")])
async def test_webhook(
    request: FormRequest, runtime: Engine, webhook_id: FromPath[str]
) -> Response[Any]:
    """A part: what came back."""
    delivery = await runtime.webhooks.test(webhook_id)
    return page(request, "webhooks/tested.html", delivery=delivery)


@post("/webhooks/{webhook_id:str}/deliveries/{number:int}/redeliver", guards=[requires("admin")])
async def redeliver(
    runtime: Engine, webhook_id: FromPath[str], number: FromPath[int]
) -> Response[Any]:
    await runtime.webhooks.redeliver(webhook_id, number)
    return see(f"/console/webhooks/{webhook_id}", done="redelivered")


def _converted(values: dict[str, Any]) -> WebhookRequest:
    """Raises InvalidInput."""
    try:
        return msgspec.convert(values, WebhookRequest)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None


def _form(
    request: FormRequest, values: dict[str, Any], error: ColloquyError | None = None
) -> Response[Any]:
    return page(
        request,
        "webhooks/new.html",
        error.status if error is not None else 200,
        error=error,
        url=values.get("url", ""),
        description=values.get("description", ""),
        chosen=values.get("kinds", []),
        channels=" ".join(values.get("channels", [])),
        kinds=[kind.value for kind in EventKind],
    )


ROUTES: list[HTTPRouteHandler] = [
    list_webhooks,
    new_webhook,
    create_webhook,
    show_webhook,
    enable_webhook,
    disable_webhook,
    rotate_webhook,
    delete_webhook,
    test_webhook,
    redeliver,
]
