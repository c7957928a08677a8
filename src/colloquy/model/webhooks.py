"""Webhooks: what is asked for, and what operators see of subscriptions and deliveries."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from .session import EventKind

Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Kinds = Annotated[list[EventKind], Meta(max_length=50)]
Channels = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=50)]
Description = Annotated[str, Meta(max_length=500)]

TEST_KIND = "webhook.test"
"""The kind of a delivery that was asked for to try a webhook: it stands for no event."""


class DeliveryState(enum.StrEnum):
    """Where a delivery is: not yet tried, to be tried again, done, or given up."""

    PENDING = "pending"
    RETRY = "retry"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A new webhook: where events go, and which. No `kinds` or `channels` means all of them."""

    url: Url
    kinds: Kinds = []
    channels: Channels = []
    description: Description = ""
    enabled: bool = True


class WebhookChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to change of a webhook; what is left out stays.

    A webhook that is enabled again goes on where it stopped; `skip_missed` gives up what happened
    since and what waits, and goes on with what happens from now on.
    """

    url: Url | UnsetType = UNSET
    kinds: Kinds | UnsetType = UNSET
    channels: Channels | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    skip_missed: bool = False


class WebhookView(Struct, frozen=True, omit_defaults=True):
    """A webhook without its secret."""

    id: str
    url: str
    kinds: list[str]
    """Kinds of events that are sent; empty means all."""
    channels: list[str]
    """Channels whose events are sent; empty means all."""
    description: str
    enabled: bool
    position_lag: int
    """Positions of the log that were not looked at yet: 0 when it is up to date."""
    created_at: str
    updated_at: str
    version: int
    disabled_reason: str | None = None
    """Why the server disabled it; None when it is enabled or was disabled by hand."""


class NewWebhook(Struct, frozen=True):
    """A webhook with the secret just made for it: the only time that it is shown."""

    webhook: WebhookView
    secret: str


class WebhookPage(Struct, frozen=True):
    webhooks: list[WebhookView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class DeliveryView(Struct, frozen=True, omit_defaults=True):
    """One event on its way to one webhook. `number` names it, `event_id` is its `webhook-id`."""

    number: int
    event_id: str
    kind: str
    state: DeliveryState
    attempts: int
    at: str
    detail: str = ""
    """What the last attempt met: the beginning of the answer, or why there was none."""
    status_code: int | None = None
    due_at: str | None = None
    """When the next attempt is due; None once it is delivered or failed."""
    duration_ms: int | None = None
    """How long the last attempt took."""


class DeliveryPage(Struct, frozen=True):
    deliveries: list[DeliveryView]
    next: str | None
