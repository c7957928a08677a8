"""Shapes of what people talk about: people, how to reach them, places, offers, prices, promises."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from .values import Amount, Free, Many, Name, Shape, Time

_WHEN = re.compile(
    r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?)?)?", re.ASCII
)


class Person(Shape, kw_only=True):
    """`name` may be unknown: often only a contact point is known of somebody."""

    name: Name | None = None
    aliases: Many[str] | None = None
    roles: Many[str] | None = None
    language: str | None = None
    time_zone: str | None = None


class ContactPoint(Shape, kw_only=True):
    """One way to reach somebody. `value` is normalised (E.164, an address in lower case)."""

    medium: Literal["phone", "email", "whatsapp", "telegram", "web", "post", "other"]
    value: Name
    label: str | None = None
    verified: bool | None = None


class Place(Shape, kw_only=True):
    name: Name
    address: str | None = None
    locality: str | None = None
    postal_code: str | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)")] | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None

    def __post_init__(self) -> None:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("`latitude` and `longitude` go together")


class Organisation(Shape, kw_only=True):
    name: Name
    aliases: Many[str] | None = None
    legal_name: str | None = None
    registration: str | None = None
    industry: str | None = None


class Product(Shape, kw_only=True):
    """Something on offer: a product, a service, or a property (a flat, a house, a plot)."""

    name: Name
    category: Literal["product", "service", "property"] = "product"
    reference: str | None = None
    description: str | None = None
    status: Literal["available", "reserved", "sold", "withdrawn"] | None = None
    features: Many[str] | None = None
    details: Free | None = None


class Price(Shape, kw_only=True):
    """`currency` as in ISO 4217; `per` is the unit it is asked for ("month", "m2")."""

    amount: Amount
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]
    per: str | None = None
    negotiable: bool | None = None


class Date(Shape, kw_only=True):
    """A day, month, year or time, as exact as it was said: `2026`, `2026-05`, `2026-05-01`,
    `2026-05-01T10:00Z`. `end` makes a span, end included.
    """

    start: str
    end: str | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        _check_when(self.start, "start")
        if self.end is not None:
            _check_when(self.end, "end")
            # As far as both are exact, and no further than the day.
            exact = min(len(self.start), len(self.end), 10)
            if self.end[:exact] < self.start[:exact]:
                raise ValueError("`end` is before `start`")


class Topic(Shape, kw_only=True):
    name: Name
    aliases: Many[str] | None = None
    description: str | None = None


class Commitment(Shape, kw_only=True):
    """What somebody promised or agreed to do."""

    text: Name
    status: Literal["open", "kept", "broken", "withdrawn"] = "open"
    made_at: Time | None = None
    due_at: Time | None = None


def _check_when(text: str, field: str) -> None:
    if not _WHEN.fullmatch(text):
        raise ValueError(f"`{field}` must be a date or time as in ISO 8601, with a zone")
    try:
        # Text without a day or month is completed: only to see whether it is in the calendar.
        datetime.fromisoformat(text if len(text) > 7 else (text + "-01-01")[:10])
    except ValueError as error:
        raise ValueError(f"`{field}`: {error}") from None


SHAPES: dict[str, type[Shape]] = {
    "person": Person,
    "contactPoint": ContactPoint,
    "place": Place,
    "organisation": Organisation,
    "product": Product,
    "price": Price,
    "date": Date,
    "topic": Topic,
    "commitment": Commitment,
}
"""By the value of `type`."""
