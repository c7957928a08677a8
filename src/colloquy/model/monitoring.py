"""Monitoring: what operators see of its events, of how they were validated and of who was told."""

from __future__ import annotations

import enum
from typing import Any

from msgspec import Struct


class MonitoringEvent(Struct, frozen=True):
    """One event as dashboards get it. `source` is the process that it is of. The type `dropped`
    says how many (`count`) this dashboard missed, because it did not keep up."""

    type: str
    at: str
    source: str
    data: dict[str, Any] | None = None
    """null where it was no JSON, or too large."""
    errors: list[str] = []
    """What is wrong with it; only where validation is lenient."""
    warnings: list[str] = []
    truncated: bool = False
    """The data were too large for the way between two processes."""


class KindFigures(Struct, frozen=True):
    """Validated events of one kind."""

    total: int
    passed: int
    failed: int
    pass_rate: float
    avg_validation_time_ms: float
    errors: int
    warnings: int


class ValidationFigures(Struct, frozen=True):
    """Of this process since it started."""

    by_event_type: dict[str, KindFigures]
    total_validations: int


class AdapterFigures(Struct, frozen=True):
    """Of this process since it started. `failures`: events that were not told, because strict
    validation refused them, an adapter failed, or too many waited."""

    broadcasts: int
    failures: int
    validation_errors: int


class FlushView(Struct, frozen=True):
    """`flushed_records`: windows that were written, one for each kind of event."""

    flushed_records: int
    timestamp: str


class DashboardFigures(Struct, frozen=True):
    """Who watches one adapter now. `dropped`: frames that slow dashboards did not get."""

    connected: int
    dropped: int


class MonitoringView(Struct, frozen=True):
    """How monitoring is set, and how it does."""

    adapters: list[str]
    validates: bool
    strict: bool
    persists: bool
    flush_interval_s: int
    adapter: AdapterFigures
    total_validations: int
    dashboards: dict[str, DashboardFigures]
    """By adapter."""
    unwritten_events: int
    """Validated since the last flush."""
    waiting_records: int
    """Windows whose flush failed; it is tried again."""
    last_flush: str | None
    last_flush_error: str | None


class Span(enum.StrEnum):
    """What one record stands for: the time between two flushes, an hour, or a day (UTC)."""

    WINDOW = "window"
    HOUR = "hour"
    DAY = "day"


class ValidationRecord(Struct, frozen=True):
    """Validated events of one kind. `at`: when a window was stored, when an hour or a day began."""

    event_type: str
    at: str
    total_events: int
    passed_events: int
    failed_events: int
    pass_rate: float
    avg_validation_time_ms: float
    total_errors: int
    total_warnings: int


class ValidationHistory(Struct, frozen=True):
    records: list[ValidationRecord]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class FlagsStatus(Struct, frozen=True):
    """Every flag with what somebody is served of whom nothing is known."""

    profile: str
    flags: dict[str, bool | int | float | str]
