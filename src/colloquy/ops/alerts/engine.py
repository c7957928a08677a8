"""The rule engine: looks at metrics, opens, escalates and resolves alerts. No I/O, no clock.

There is at most one open alert for a rule with its labels. It counts the looks that found it so,
keeps its first and last time, and resolves by itself once the metric was good for long enough. One
that is resolved by hand stays away until the metric was good in between.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from ...model import ids
from ...model.alerts import AlertState, RuleState, Severity
from ...model.errors import Conflict, InvalidInput, NotFound
from ...telemetry import get_logger
from .rules import Rule

log = get_logger(__name__)

Read = Callable[[str], float | None]
"""Name of a metric to its value now; None when there is none."""

RECOVERY = "recovery"
RULE_REMOVED = "rule removed"
HISTORY = 1000
"""Resolved alerts kept in memory."""
SAVED_HISTORY = 100
"""The newest of them survive a restart: the state is one row and stays small."""


class Alert(Struct):
    """One alert. Times are microseconds since 1970."""

    id: str
    key: str
    rule: str
    labels: dict[str, str]
    severity: Severity
    message: str
    value: float | None
    worst: float | None
    threshold: float
    count: int
    opened_at: int
    last_at: int
    resolved_at: int | None = None
    resolved_by: str | None = None
    announced: Severity | None = None
    """The worst severity that anybody was told of."""

    @property
    def state(self) -> AlertState:
        return AlertState.OPEN if self.resolved_at is None else AlertState.RESOLVED


class Saved(Struct, frozen=True):
    """What survives a restart."""

    open: list[Alert] = []
    resolved: list[Alert] = []
    muted: list[str] = []


class Watched(Struct):
    """A rule with what is known of it between two looks. `*_since` are microseconds."""

    rule: Rule
    value: float | None = None
    has_data: bool = False
    bad_since: int | None = None
    critical_since: int | None = None
    clear_since: int | None = None
    is_muted: bool = False
    alert: Alert | None = None

    @property
    def state(self) -> RuleState:
        if self.alert is not None:
            return RuleState.OPEN
        if not self.has_data and not self.rule.absent:
            return RuleState.NO_DATA
        if self.is_muted:
            return RuleState.MUTED
        return RuleState.OK if self.bad_since is None else RuleState.PENDING


class AlertEngine:
    """Alerts of a set of rules. Raises InvalidInput when two rules have one name and labels."""

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        retention_s: float,
        new_id: Callable[[], str] = lambda: ids.uuid7().hex(),
    ) -> None:
        self._retention_us = int(retention_s * 1e6)
        self._new_id = new_id
        self._watched: dict[str, Watched] = {}
        self._resolved: deque[Alert] = deque(maxlen=HISTORY)
        for rule in rules:
            if rule.key in self._watched:
                raise InvalidInput(f"there are two rules {rule.key}", field="rules")
            self._watched[rule.key] = Watched(rule)

    # -- looking ------------------------------------------------------------------------------

    def evaluate(self, now: int, read: Read) -> list[Alert]:
        """One look at every rule at the time `now` (µs); returns what it resolved."""
        resolved = [
            alert
            for watched in self._watched.values()
            if (alert := self._look(watched, now, read(watched.rule.metric))) is not None
        ]
        self._prune(now)
        return resolved

    def _look(self, watched: Watched, now: int, value: float | None) -> Alert | None:
        rule = watched.rule
        if value is not None and math.isnan(value):
            value = None
        watched.value = value
        watched.has_data = value is not None
        if value is None and not rule.absent:
            # Nothing is known: neither that it is bad nor that it is good.
            watched.bad_since = watched.critical_since = watched.clear_since = None
            return None
        if value is None or rule.is_bad(value):
            self._found_bad(watched, now, value)
            return None
        watched.bad_since = watched.critical_since = None
        if not rule.is_clear(value):
            watched.clear_since = None
            return None
        if watched.clear_since is None:
            watched.clear_since = now
        if now - watched.clear_since < rule.clear_for_s * 1e6:
            return None
        watched.is_muted = False
        if watched.alert is None:
            return None
        return self._close(watched, now, RECOVERY)

    def _found_bad(self, watched: Watched, now: int, value: float | None) -> None:
        rule = watched.rule
        watched.clear_since = None
        if watched.bad_since is None:
            watched.bad_since = now
        if value is None or not rule.is_critical(value):
            watched.critical_since = None
        elif watched.critical_since is None:
            watched.critical_since = now
        is_critical = watched.critical_since is not None and _lasted(
            watched.critical_since, now, rule.for_s
        )
        severity = Severity.CRITICAL if is_critical else rule.severity
        if watched.alert is not None:
            self._update(watched.alert, rule, now, value, severity)
        elif not watched.is_muted and _lasted(watched.bad_since, now, rule.for_s):
            watched.alert = self._opened(rule, now, value, severity)

    def _opened(self, rule: Rule, now: int, value: float | None, severity: Severity) -> Alert:
        return Alert(
            id=self._new_id(),
            key=rule.key,
            rule=rule.name,
            labels=dict(rule.labels),
            severity=severity,
            message=rule.text(value),
            value=value,
            worst=value,
            threshold=rule.threshold,
            count=1,
            opened_at=now,
            last_at=now,
        )

    @staticmethod
    def _update(
        alert: Alert, rule: Rule, now: int, value: float | None, severity: Severity
    ) -> None:
        """Once critical an alert stays so until it resolves."""
        alert.count += 1
        alert.last_at = now
        alert.value = value
        alert.worst = rule.worse(value, alert.worst)
        alert.message = rule.text(value)
        if severity.rank > alert.severity.rank:
            alert.severity = severity

    def _close(self, watched: Watched, now: int, by: str) -> Alert:
        alert = watched.alert
        assert alert is not None
        alert.resolved_at, alert.resolved_by = now, by
        watched.alert = None
        watched.clear_since = None
        self._resolved.append(alert)
        return alert

    def _prune(self, now: int) -> None:
        kept = self._resolved
        while kept and (kept[0].resolved_at or 0) < now - self._retention_us:
            kept.popleft()

    # -- by hand ------------------------------------------------------------------------------

    def resolve(self, alert_id: str, actor: str, now: int) -> Alert:
        """Raises NotFound, Conflict (it is resolved already)."""
        for watched in self._watched.values():
            if watched.alert is not None and watched.alert.id == alert_id:
                watched.is_muted = True
                return self._close(watched, now, actor)
        self.get(alert_id)
        raise Conflict(f"alert {alert_id} is resolved already")

    # -- what there is ------------------------------------------------------------------------

    def watched(self) -> list[Watched]:
        """Every rule with its state, in the order in which they were given."""
        return list(self._watched.values())

    def open(self) -> list[Alert]:
        """In the order of the rules."""
        return [one.alert for one in self._watched.values() if one.alert is not None]

    def resolved(self) -> list[Alert]:
        """Those that are still kept, the first resolved first."""
        return list(self._resolved)

    def get(self, alert_id: str) -> Alert:
        """Raises NotFound."""
        for alert in (*self.open(), *self._resolved):
            if alert.id == alert_id:
                return alert
        raise NotFound(f"no alert {alert_id}")

    # -- restarts -----------------------------------------------------------------------------

    def save(self) -> Saved:
        muted = [key for key, one in self._watched.items() if one.is_muted]
        return Saved(self.open(), self.resolved()[-SAVED_HISTORY:], muted)

    def restore(self, saved: Saved, now: int) -> None:
        """Takes up what was saved. Open alerts whose rule is gone are resolved."""
        self._resolved.extend(saved.resolved)
        for alert in saved.open:
            watched = self._watched.get(alert.key)
            if watched is not None and watched.alert is None:
                watched.alert = alert
                continue
            self._resolved.append(
                msgspec.structs.replace(alert, resolved_at=now, resolved_by=RULE_REMOVED)
            )
            log.info("alert_without_rule", rule=alert.key)
        for key in saved.muted:
            if key in self._watched:
                self._watched[key].is_muted = True


def _lasted(since: int, now: int, seconds: float) -> bool:
    return now - since >= seconds * 1e6
