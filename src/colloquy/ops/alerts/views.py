"""Alerts and rules as operators see them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...model.alerts import AlertPage, AlertView, RuleView
from ...model.errors import InvalidInput
from ...model.times import rfc3339
from .engine import Alert, Watched

_CURSOR = re.compile(r"(\d{1,18})-([0-9a-f]{32})")


def alert_view(alert: Alert) -> AlertView:
    return AlertView(
        id=alert.id,
        rule=alert.rule,
        labels=alert.labels,
        severity=alert.severity,
        state=alert.state,
        message=alert.message,
        value=alert.value,
        worst=alert.worst,
        threshold=alert.threshold,
        count=alert.count,
        opened_at=rfc3339(alert.opened_at),
        last_at=rfc3339(alert.last_at),
        resolved_at=None if alert.resolved_at is None else rfc3339(alert.resolved_at),
        resolved_by=alert.resolved_by,
    )


def rule_view(watched: Watched) -> RuleView:
    rule = watched.rule
    return RuleView(
        name=rule.name,
        labels=dict(rule.labels),
        metric=rule.metric,
        comparison=str(rule.comparison),
        threshold=rule.threshold,
        critical=rule.critical,
        clear=rule.clear_at,
        for_s=rule.for_s,
        clear_for_s=rule.clear_for_s,
        severity=rule.severity,
        state=watched.state,
        value=watched.value,
    )


def page_of(alerts: Iterable[Alert], cursor: str | None, limit: int) -> AlertPage:
    """Those that opened before the cursor's, newest first. Raises InvalidInput."""
    found = sorted(alerts, key=_place, reverse=True)
    if cursor is not None:
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise InvalidInput("this is no cursor of a page of alerts", field="cursor")
        before = (int(match[1]), match[2])
        found = [alert for alert in found if _place(alert) < before]
    page = found[:limit]
    following = f"{page[-1].opened_at}-{page[-1].id}" if len(found) > limit else None
    return AlertPage([alert_view(alert) for alert in page], following)


def _place(alert: Alert) -> tuple[int, str]:
    return alert.opened_at, alert.id
