"""`colloquy webhooks`: where events are posted to, and what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ..model.session import EventKind
from ..model.webhooks import (
    DeliveryState,
    DeliveryView,
    NewWebhook,
    WebhookChange,
    WebhookRequest,
    WebhookView,
)
from .hooks import hooks
from .options import Limit, Reach, command
from .output import clock_time, note, print_json, print_table, shortened

if TYPE_CHECKING:
    from .hooks import Hooks

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Webhooks: events posted to other systems.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id as listed.")]


@command(app, "list")
def list_(reach: Reach, limit: Limit = 100) -> None:
    """Lists the webhooks without their secrets."""
    page = _asked(reach, lambda target: target.webhook_page(None, limit))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "url", "kinds", "channels", "state", "behind"],
        [
            (
                view.id,
                view.url,
                " ".join(view.kinds) or "all",
                " ".join(view.channels) or "all",
                _state(view),
                view.position_lag or "",
            )
            for view in page.webhooks
        ],
        empty="No webhooks. Make one: colloquy webhooks add URL",
    )


@command(app, "add")
def add(
    reach: Reach,
    receiver: Annotated[str, typer.Argument(metavar="URL", help="Where to post events: https://…")],
    kind: Annotated[
        list[EventKind] | None,
        typer.Option("--kind", help="Send only events of this kind; repeatable. Default: all."),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", help="Send only this channel's; repeatable. Default: all."),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
) -> None:
    """Makes a webhook and prints its secret, which cannot be shown again."""
    request = WebhookRequest(receiver, kind or [], channel or [], description)
    made = _asked(reach, lambda target: target.create_webhook(request), create=True)
    _print_secret(reach, made, "Its secret, to verify requests with:")


@command(app, "show")
def show(reach: Reach, webhook_id: Id) -> None:
    """Shows one webhook and how far behind it is."""
    _print_view(reach, _asked(reach, lambda target: target.webhook(webhook_id)))


@command(app, "enable")
def enable(
    reach: Reach,
    webhook_id: Id,
    skip_missed: Annotated[
        bool, typer.Option("--skip-missed", help="Give up what happened while it was disabled.")
    ] = False,
) -> None:
    """Sends again, from where it stopped."""
    change = WebhookChange(enabled=True, skip_missed=skip_missed)
    _print_view(reach, _asked(reach, lambda target: target.change_webhook(webhook_id, change)))


@command(app, "disable")
def disable(reach: Reach, webhook_id: Id) -> None:
    """Sends nothing until it is enabled again; what happens meanwhile waits in the log."""
    change = WebhookChange(enabled=False)
    _print_view(reach, _asked(reach, lambda target: target.change_webhook(webhook_id, change)))


@command(app, "test")
def test(reach: Reach, webhook_id: Id) -> None:
    """Sends a test event now and says what came back; the exit code is 1 if it failed."""
    tried = _asked(reach, lambda target: target.test_webhook(webhook_id))
    if reach.json:
        print_json(tried)
    else:
        answer = f"HTTP {tried.status_code}" if tried.status_code else "no answer"
        print(f"{tried.state}: {answer} in {tried.duration_ms} ms: {tried.detail}")
    if tried.state != DeliveryState.DELIVERED:
        raise typer.Exit(1)


@command(app, "rotate")
def rotate(reach: Reach, webhook_id: Id) -> None:
    """Prints a new secret; the former one stays good for 24 hours."""
    made = _asked(reach, lambda target: target.rotate_webhook(webhook_id))
    _print_secret(reach, made, "Its new secret; the former one is good for 24 hours:")


@command(app, "remove")
def remove(reach: Reach, webhook_id: Id) -> None:
    """Removes a webhook with its deliveries."""
    _asked(reach, lambda target: target.delete_webhook(webhook_id))
    if reach.json:
        print_json({"removed": webhook_id})
    else:
        print(f"Webhook {webhook_id} is removed.")


@command(app, "deliveries")
def deliveries(
    reach: Reach,
    webhook_id: Id,
    limit: Limit = 50,
    state: Annotated[
        DeliveryState | None, typer.Option("--state", help="Only those of this state.")
    ] = None,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="`next` of the page before.")
    ] = None,
) -> None:
    """Lists deliveries, newest first, with what their last attempt met."""
    page = _asked(
        reach, lambda target: target.webhook_delivery_page(webhook_id, cursor, limit, state)
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["number", "kind", "state", "tried", "status", "at (UTC)", "next try", "detail"],
        [
            (
                one.number,
                one.kind,
                one.state,
                one.attempts,
                one.status_code,
                clock_time(one.at),
                clock_time(one.due_at) if one.due_at else "",
                shortened(one.detail),
            )
            for one in page.deliveries
        ],
        empty="No deliveries.",
    )
    if page.next:
        note(f"More: --cursor {page.next}")


@command(app, "redeliver")
def redeliver(
    reach: Reach,
    webhook_id: Id,
    number: Annotated[int, typer.Argument(min=1, help="The delivery's number as listed.")],
) -> None:
    """Sends a delivery again, with all its attempts anew."""

    def ask(target: Hooks) -> Awaitable[DeliveryView]:
        return target.redeliver_webhook(webhook_id, number)

    again = _asked(reach, ask)
    if reach.json:
        print_json(again)
    else:
        print(f"Delivery {number} is sent again as {again.event_id}.")


def _asked(reach: Reach, ask: Callable[[Hooks], Awaitable[T]], *, create: bool = False) -> T:
    async def work() -> T:
        async with hooks(reach, create=create) as target:
            return await ask(target)

    return asyncio.run(work())


def _state(view: WebhookView) -> str:
    return "enabled" if view.enabled else view.disabled_reason or "disabled"


def _print_secret(reach: Reach, made: NewWebhook, words: str) -> None:
    if reach.json:
        print_json(made)
        return
    note(f"Webhook {made.webhook.id} to {made.webhook.url}. {words}")
    print(made.secret)


def _print_view(reach: Reach, view: WebhookView) -> None:
    if reach.json:
        print_json(view)
        return
    for name, value in (
        ("id", view.id),
        ("url", view.url),
        ("description", view.description),
        ("kinds", " ".join(view.kinds) or "all"),
        ("channels", " ".join(view.channels) or "all"),
        ("state", _state(view)),
        ("behind", f"{view.position_lag} positions"),
        ("made", f"{clock_time(view.created_at)} UTC"),
        ("changed", f"{clock_time(view.updated_at)} UTC"),
    ):
        print(f"{name:<12} {value}".rstrip())
