"""Alerts: how bad something is, and what operators see of alerts, rules and notices."""

from __future__ import annotations

import enum
from typing import Any

from msgspec import Struct


class Severity(enum.StrEnum):
    """How bad it is. Rules know the last two; `info` is for events that are no trouble."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Larger is worse."""
        return list(Severity).index(self)


class AlertState(enum.StrEnum):
    """Where an alert is."""

    OPEN = "open"
    RESOLVED = "resolved"


class RuleState(enum.StrEnum):
    """What the last look at a rule's metric found.

    `pending`: it is bad, but not for long enough. `muted`: it is bad, and an operator resolved the
    alert by hand; nothing is opened before the metric was good again.
    """

    OK = "ok"
    PENDING = "pending"
    OPEN = "open"
    MUTED = "muted"
    NO_DATA = "no_data"


class AlertView(Struct, frozen=True):
    """A rule that was, or is, broken. `count` is how many looks found it so."""

    id: str
    rule: str
    labels: dict[str, str]
    severity: Severity
    state: AlertState
    message: str
    value: float | None
    """What the metric was at the last look that found it bad; null when it was missing."""
    worst: float | None
    threshold: float
    count: int
    opened_at: str
    last_at: str
    resolved_at: str | None = None
    resolved_by: str | None = None
    """`recovery`, `rule removed`, or who did it by hand."""


class AlertPage(Struct, frozen=True):
    alerts: list[AlertView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class RuleView(Struct, frozen=True):
    """A rule with what the last look at its metric found. Times are seconds."""

    name: str
    labels: dict[str, str]
    metric: str
    comparison: str
    threshold: float
    critical: float | None
    clear: float
    for_s: float
    clear_for_s: float
    severity: Severity
    state: RuleState
    value: float | None


class RuleList(Struct, frozen=True):
    rules: list[RuleView]


class NoticeView(Struct, frozen=True):
    """What was told about: an alert that opened, escalated or resolved, or an event."""

    id: str
    type: str
    """`alert.opened`, `alert.escalated`, `alert.resolved`, `alert.test`, or `event.` and a name."""
    name: str
    severity: Severity
    message: str
    at: str
    labels: dict[str, str]
    data: dict[str, Any]


class NoticePage(Struct, frozen=True):
    notices: list[NoticeView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class SinkTrial(Struct, frozen=True):
    """What became of a test notice at one sink: `delivered` or `failed`."""

    sink: str
    outcome: str
    detail: str
    duration_ms: int


class AlertTest(Struct, frozen=True):
    sinks: list[SinkTrial]
