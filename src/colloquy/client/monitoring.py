"""Operations on monitoring: its figures, what was written of them, its events live."""

from __future__ import annotations

from ..model.monitoring import (
    AdapterFigures,
    FlagsStatus,
    FlushView,
    MonitoringEvent,
    MonitoringView,
    Span,
    ValidationFigures,
    ValidationHistory,
)
from .feed import Feed
from .operation import operation, paged, streaming
from .request import Ask, json


class MonitoringOperations:
    """`/v2/monitoring`, `/metrics/validation`, `/metrics/adapter`, `/metrics/flush`,
    `/flags/status`."""

    @operation("GET", "/metrics/validation")
    def validation_metrics(self) -> Ask[ValidationFigures]:
        """How monitoring events were validated, by kind, since the server started."""
        return Ask(json(ValidationFigures))

    @operation("GET", "/metrics/adapter")
    def adapter_metrics(self) -> Ask[AdapterFigures]:
        """How many of them went out, since the server started."""
        return Ask(json(AdapterFigures))

    @operation("POST", "/metrics/flush")
    def flush_metrics(self) -> Ask[FlushView]:
        """Writes the figures of validation now."""
        return Ask(json(FlushView))

    @operation("GET", "/flags/status")
    def flags_status(self) -> Ask[FlagsStatus]:
        """Every flag with what somebody is served of whom nothing is known."""
        return Ask(json(FlagsStatus))

    @operation("GET", "/v2/monitoring")
    def monitoring(self) -> Ask[MonitoringView]:
        """How monitoring is set, and how it does."""
        return Ask(json(MonitoringView))

    @operation("GET", "/v2/monitoring/history")
    def monitoring_history_page(
        self,
        span: Span | None = None,
        event_type: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Ask[ValidationHistory]:
        """One page of the figures that were written, newest first."""
        query = {"span": span, "event_type": event_type, "cursor": cursor, "limit": limit}
        return Ask(json(ValidationHistory), query=query)

    monitoring_history = paged(
        monitoring_history_page,
        lambda page: page.records,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @streaming("GET", "/v2/monitoring/stream")
    def monitoring_events(self, *, resume: bool = True) -> Feed[MonitoringEvent]:
        """What happens from here on, in all processes on the database; an event `dropped` counts
        what a slow reader misses. When the connection breaks, another begins: what happened in
        between is missed, too. Without `resume` it ends with its first connection."""
        return Feed(Ask(json(MonitoringEvent)), place=lambda _: None, after=0, resume=resume)
