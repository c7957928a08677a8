"""`/v2/feedback/…`: figures of ratings and of how conversations went, and the same as a file."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter, SkipValidation
from litestar.response import Stream

from ..model.feedback import (
    Analytics,
    FeedbackFilter,
    FeedbackFormat,
    FeedbackKind,
    FeedbackProgress,
    Recommendations,
    SignalsView,
)
from .access import needs
from .ledger.parameters import Since, Until, moment
from .parameters import HEX_ID, Engine
from .responses import documented, errors

_TAGS = ["Feedback"]
_ERRORS = (401, 403, 404, 422, 503)
MEDIA_TYPES: dict[FeedbackFormat, str] = {"json": "application/json", "csv": "text/csv"}


def _word(description: str) -> QueryParameter:
    return QueryParameter(
        required=False,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]+$",
        description=description,
    )


Channel = Annotated[str | None, _word("Only of this channel.")]
Intent = Annotated[str | None, _word("Only replies to messages with this intent.")]
Handler = Annotated[str | None, _word("Only replies by this handler, as `why` names it.")]
Model = Annotated[
    str | None, _word("Only replies by this model, or to messages that it understood.")
]
Refresh = Annotated[
    bool,
    QueryParameter(required=False, description="Compute anew, also where figures are kept."),
]
Format = Annotated[
    FeedbackFormat,
    QueryParameter(
        name="format",
        required=False,
        description="A JSON array, or CSV in which no cell is a formula.",
    ),
]
Kind = Annotated[
    FeedbackKind,
    QueryParameter(
        required=False,
        description="A row for each rating, or for the signals of each conversation.",
    ),
]
OfConversation = Annotated[
    str, QueryParameter(pattern=HEX_ID, description="The conversation's id.")
]


def provide_filter(
    since: Since = None,
    until: Until = None,
    channel: Channel = None,
    intent: Intent = None,
    handler: Handler = None,
    model: Model = None,
) -> FeedbackFilter:
    """Which feedback the request is about. Raises InvalidInput."""
    return FeedbackFilter(
        moment(since, "since"), moment(until, "until"), channel, intent, handler, model
    )


Chosen = NamedDependency[SkipValidation[FeedbackFilter]]
_FILTER = {"chosen": Provide(provide_filter, sync_to_thread=False)}


@get(
    "/v2/feedback/analytics",
    operation_id="feedbackAnalytics",
    summary="Figures, trends and insights",
    tags=_TAGS,
    guards=[needs("read")],
    dependencies=_FILTER,
    responses=errors(*_ERRORS),
)
async def analytics(runtime: Engine, chosen: Chosen, refresh: Refresh = False) -> Analytics:
    """Of the last 30 days unless `since` and `until` say otherwise, at most 366. All conversations
    of that time are read, so the figures are kept for `feedback.cache_s`."""
    return await runtime.feedback_desk.analytics(chosen, refresh=refresh)


@get(
    "/v2/feedback/progress",
    operation_id="feedbackProgress",
    summary="How far figures are",
    tags=_TAGS,
    guards=[needs("read")],
    dependencies=_FILTER,
    responses=errors(*_ERRORS),
)
async def progress(runtime: Engine, chosen: Chosen) -> FeedbackProgress:
    """While somebody waits for figures with the same parameters; of this server process."""
    return runtime.feedback_desk.progress(chosen)


@get(
    "/v2/feedback/recommendations",
    operation_id="feedbackRecommendations",
    summary="What to look at first",
    tags=_TAGS,
    guards=[needs("read")],
    dependencies=_FILTER,
    responses=errors(*_ERRORS),
)
async def recommendations(
    runtime: Engine, chosen: Chosen, refresh: Refresh = False
) -> Recommendations:
    """What is worse than the rest beyond chance, most cases first, each with its evidence."""
    return await runtime.feedback_desk.recommendations(chosen, refresh=refresh)


@get(
    "/v2/feedback/signals",
    operation_id="feedbackSignals",
    summary="What a conversation says by how it went",
    tags=_TAGS,
    guards=[needs("read")],
    responses=errors(*_ERRORS),
)
async def signals(runtime: Engine, conversation_id: OfConversation) -> SignalsView:
    """Computed from the newest 2,000 events of its log."""
    return await runtime.feedback_desk.signals(conversation_id)


@get(
    "/v2/feedback/export",
    operation_id="exportFeedback",
    summary="Download ratings or signals",
    tags=_TAGS,
    guards=[needs("read")],
    dependencies=_FILTER,
    responses=documented({200: (bytes, "The file.")}, *_ERRORS),
)
async def export(
    runtime: Engine, chosen: Chosen, kind: Kind = "ratings", format: Format = "json"
) -> Stream:
    """Who is named in it is said by `feedback.privacy`: nobody, pseudonyms, or everybody."""
    chunks = await runtime.feedback_desk.export(kind, format, chosen)
    headers = {"content-disposition": f'attachment; filename="{kind}.{format}"'}
    return Stream(chunks, media_type=MEDIA_TYPES[format], headers=headers)


ROUTES: list[HTTPRouteHandler] = [analytics, progress, recommendations, signals, export]
