"""What forms and addresses of the ledger's pages say: moments, numbers, lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ...model.errors import InvalidInput
from ..forms import FormRequest
from ..words import operator_name

if TYPE_CHECKING:
    from ...runtime import Runtime

HOME = "/console/ledger"
MAX_TEXT = 2000
MAX_CURSOR = 6000
"""Characters: a cursor may hold the name of a record."""

_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?")
DAY_S = 86_400.0
LIFETIMES = {
    "1": "In a day",
    "7": "In 7 days",
    "30": "In 30 days",
    "90": "In 90 days",
    "365": "In a year",
    "keep": "Never: keep it",
}
"""Days until a point expires, as forms offer them."""


def param(request: FormRequest, name: str, most: int = MAX_TEXT) -> str:
    """A field of the address without blanks around it; "" when it is not there."""
    return request.query_params.get(name, "").strip()[:most]


def cursor_of(request: FormRequest, name: str = "cursor") -> str | None:
    return param(request, name, MAX_CURSOR) or None


def href(path: str, **fields: str | int | None) -> str:
    """An address with those fields that say something."""
    query = urlencode({name: value for name, value in fields.items() if value not in ("", None)})
    return f"{path}?{query}" if query else path


def moment(text: str) -> str:
    """A position, a point's id or a time, as the ledger reads them; a time without a zone is UTC,
    as the pages show it."""
    return f"{text.replace(' ', 'T')}Z" if _NAIVE.fullmatch(text) else text


def time_of(text: str, field: str) -> datetime | None:
    """A time in UTC; None for none. Raises InvalidInput."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("write the time as 2026-01-31 14:30 (UTC)", field=field) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def number(text: str, field: str) -> float | None:
    """Raises InvalidInput."""
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{text!r:.40} is no number", field=field) from None


def lines(text: str) -> list[str]:
    """One entry a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def choice(text: str, offered: Iterable[str]) -> str:
    """The text if it is offered, else ""."""
    return text if text in set(offered) else ""


def lifetime_s(text: str) -> float | None:
    """Seconds until a point expires; None keeps it. Raises InvalidInput."""
    if text == "keep":
        return None
    if text not in LIFETIMES:
        raise InvalidInput("choose when the point expires", field="expires")
    return int(text) * DAY_S


def names_of(runtime: Runtime) -> Callable[[str | None], str | None]:
    """How pages call whoever acted."""
    return partial(operator_name, runtime)
