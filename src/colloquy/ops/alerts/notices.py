"""A notice: what people are told, as sinks show it. Bounded, whatever it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ...model import ids
from ...model.alerts import NoticeView, Severity
from ...model.times import rfc3339
from .engine import Alert

OPENED = "alert.opened"
ESCALATED = "alert.escalated"
RESOLVED = "alert.resolved"
TEST = "alert.test"
EVENT_PREFIX = "event."

NAME_CHARACTERS = 64
MESSAGE_CHARACTERS = 500
DATA_BYTES = 8192
"""Larger data are left out of a notice; the notice says so."""


class Notice(Struct, frozen=True):
    """`id` is the same at every attempt; `at` is in microseconds since 1970."""

    id: str
    type: str
    name: str
    severity: Severity
    message: str
    at: int
    labels: Mapping[str, str] = {}
    data: Mapping[str, Any] = {}

    def view(self) -> NoticeView:
        return NoticeView(
            self.id,
            self.type,
            self.name,
            self.severity,
            self.message,
            rfc3339(self.at),
            dict(self.labels),
            dict(self.data),
        )

    def headline(self) -> str:
        """One line: `critical: queue_age: …`, or `resolved: queue_age: …`."""
        word = "resolved" if self.type == RESOLVED else str(self.severity)
        return " ".join(f"{word}: {self.name}: {self.message}".split())


def of_alert(alert: Alert, kind: str, at: int) -> Notice:
    """The notice of an alert's change; `kind` is OPENED, ESCALATED or RESOLVED."""
    return Notice(
        id=ids.uuid7().hex(),
        type=kind,
        name=alert.rule,
        severity=alert.severity,
        message=_line(alert.message),
        at=at,
        labels=alert.labels,
        data={
            "alert_id": alert.id,
            "value": alert.value,
            "worst": alert.worst,
            "threshold": alert.threshold,
            "count": alert.count,
            "opened_at": rfc3339(alert.opened_at),
            "resolved_by": alert.resolved_by,
        },
    )


def of_event(
    name: str, severity: Severity, message: str, data: Mapping[str, Any] | None, at: int
) -> Notice:
    """The notice of a one-off event. Nothing is raised for what does not fit: it is cut."""
    short = name[:NAME_CHARACTERS]
    return Notice(
        id=ids.uuid7().hex(),
        type=EVENT_PREFIX + short,
        name=short,
        severity=severity,
        message=_line(message),
        at=at,
        data=_bounded(data or {}),
    )


def of_test(at: int) -> Notice:
    """What `test` sends."""
    return Notice(
        id=ids.uuid7().hex(),
        type=TEST,
        name="test",
        severity=Severity.INFO,
        message="this is a test; nothing happened",
        at=at,
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:MESSAGE_CHARACTERS]


def _bounded(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy of the data as JSON has them, so that nobody changes them while they wait."""
    try:
        encoded = msgspec.json.encode(data)
        if len(encoded) <= DATA_BYTES:
            copy: dict[str, Any] = msgspec.json.decode(encoded)
            return copy
        return {"left_out": f"{len(encoded)} bytes of data"}
    except (TypeError, ValueError, RecursionError) as error:
        return {"left_out": f"data that are no JSON: {error}"[:MESSAGE_CHARACTERS]}
