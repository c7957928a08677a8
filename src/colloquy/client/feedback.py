"""Operations on feedback: `/v2/feedback`."""

from __future__ import annotations

import msgspec

from ..model.feedback import (
    Analytics,
    FeedbackFilter,
    FeedbackFormat,
    FeedbackKind,
    FeedbackProgress,
    Recommendations,
    SignalsView,
)
from .operation import downloading, operation
from .request import Ask, json

_ALL = FeedbackFilter()


class FeedbackOperations:
    """`/v2/feedback`."""

    @operation("GET", "/v2/feedback/analytics")
    def feedback_analytics(
        self, filter: FeedbackFilter = _ALL, refresh: bool | None = None
    ) -> Ask[Analytics]:
        """Figures, trends and insights. With `refresh` they are computed anew."""
        return Ask(json(Analytics), query={**_query(filter), "refresh": refresh})

    @operation("GET", "/v2/feedback/progress")
    def feedback_progress(self, filter: FeedbackFilter = _ALL) -> Ask[FeedbackProgress]:
        """How far the figures are that somebody waits for with this filter."""
        return Ask(json(FeedbackProgress), query=_query(filter))

    @operation("GET", "/v2/feedback/recommendations")
    def feedback_recommendations(
        self, filter: FeedbackFilter = _ALL, refresh: bool | None = None
    ) -> Ask[Recommendations]:
        """What to look at first, with the evidence."""
        return Ask(json(Recommendations), query={**_query(filter), "refresh": refresh})

    @operation("GET", "/v2/feedback/signals")
    def feedback_signals(self, conversation_id: str) -> Ask[SignalsView]:
        """What a conversation says by how it went."""
        return Ask(json(SignalsView), query={"conversation_id": conversation_id})

    @operation("GET", "/v2/feedback/export")
    def export_feedback(
        self,
        filter: FeedbackFilter = _ALL,
        kind: FeedbackKind | None = None,
        format: FeedbackFormat | None = None,
    ) -> Ask[bytes]:
        """The bytes of a file: a JSON array, or CSV."""
        return Ask(bytes, query={**_query(filter), "kind": kind, "format": format})

    feedback_file = downloading(export_feedback)


def _query(filter: FeedbackFilter) -> dict[str, object]:
    query: dict[str, object] = msgspec.to_builtins(filter)
    return query
