"""Feedback: figures beside those before, what changed, what to look at first, and the same as a
file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Struct

from ..api.feedback import MEDIA_TYPES
from ..api.parameters import Engine
from ..model.errors import NotFound
from ..model.feedback import FeedbackFilter, FeedbackFormat, FeedbackKind, Measure
from ..model.times import rfc3339
from .access import requires
from .forms import FormRequest
from .render import HEADERS, page, see

SPANS = (7, 30, 90)
"""Days that the page can show."""
WAIT_S = 1.0
"""A page that has no figures by then says so, and asks again."""
MAX_FIELD = 200
FORMATS: dict[str, tuple[FeedbackKind, FeedbackFormat]] = {
    "ratings.csv": ("ratings", "csv"),
    "ratings.json": ("ratings", "json"),
    "signals.csv": ("signals", "csv"),
    "signals.json": ("signals", "json"),
}
TRENDS = {
    "average_rating": "Average rating, by day",
    "completion_rate": "Completed, by day",
    "response_s": "Response time, by day",
    "rating": "Ratings",
    "satisfaction": "Satisfied",
    "completion": "Completed",
    "response_time": "Response time",
}
MEASURES: dict[Measure, str] = {
    "low_ratings": "low ratings",
    "abandoned": "abandoned",
    "taken_over": "taken over",
    "repeated": "said again",
}


class Query(Struct, frozen=True):
    """What the address asks for; "" stands for any."""

    days: int = 30
    channel: str = ""
    intent: str = ""
    handler: str = ""
    model: str = ""

    def href(self, path: str = "/console/feedback", **changes: object) -> str:
        fields = {**msgspec.structs.asdict(self), **changes}
        return f"{path}?{urlencode({name: value for name, value in fields.items() if value})}"

    @property
    def is_narrow(self) -> bool:
        return bool(self.channel or self.intent or self.handler or self.model)

    def filter(self) -> FeedbackFilter:
        """Whole days, so that one who looks again is shown the figures that are kept."""
        now = datetime.now(UTC)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return FeedbackFilter(
            today - timedelta(days=self.days - 1),
            today + timedelta(days=1),
            self.channel or None,
            self.intent or None,
            self.handler or None,
            self.model or None,
        )


def _query(request: FormRequest) -> Query:
    fields = {
        name: request.query_params.get(name, "").replace("\0", "").strip()[:MAX_FIELD]
        for name in ("channel", "intent", "handler", "model")
    }
    asked = request.query_params.get("days", "")
    days = next((days for days in SPANS if str(days) == asked), 30)
    return Query(days, **fields)


def _at_text(at: int) -> str:
    return rfc3339(at * 1_000_000)


@get("/feedback", guards=[requires("read")])
async def feedback(request: FormRequest, runtime: Engine) -> Response[Any]:
    """Whole, or the figures alone for a page that asks again."""
    query = _query(request)
    desk = runtime.feedback_desk
    found = None
    if desk.settings.analytics:
        found = await desk.shown(query.filter(), WAIT_S)
    is_part = request.headers.get("hx-request") == "true"
    return page(
        request,
        "feedback/_figures.html" if is_part else "feedback/page.html",
        query=query,
        spans=SPANS,
        settings=desk.settings,
        report=await desk.report(),
        progress=desk.progress(query.filter())
        if found is None and desk.settings.analytics
        else None,
        found=found[0] if found is not None else None,
        advice=found[1].recommendations if found is not None else [],
        trends=TRENDS,
        measures=MEASURES,
        at_text=_at_text,
    )


@get("/feedback/days", guards=[requires("read")])
async def days(request: FormRequest, runtime: Engine) -> Response[bytes]:
    """What the charts show."""
    found = await runtime.feedback_desk.analytics(_query(request).filter())
    return Response(msgspec.json.encode(found.days), headers=HEADERS, media_type="application/json")


@get("/feedback/conversations/{name:str}", guards=[requires("read")])
async def conversation(request: FormRequest, runtime: Engine, name: FromPath[str]) -> Response[Any]:
    """The conversation that a recommendation names, also by its pseudonym: whoever may read
    conversations may read this one."""
    desk = runtime.feedback_desk
    return see(f"/console/inbox/{await desk.conversation_named(_query(request).filter(), name)}")


@get("/feedback/export/{name:str}", guards=[requires("read")])
async def export(request: FormRequest, runtime: Engine, name: FromPath[str]) -> Stream:
    """A file of the days and replies that the page shows."""
    if name not in FORMATS:
        raise NotFound("there is no such file")
    kind, format = FORMATS[name]
    chunks = await runtime.feedback_desk.export(kind, format, _query(request).filter())
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    return Stream(chunks, media_type=MEDIA_TYPES[format], headers=headers)


ROUTES: list[HTTPRouteHandler] = [feedback, days, conversation, export]
