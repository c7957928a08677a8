"""Alerts of one process: metrics in, alerts and notices out. The one port for all rooms.

    alerts.provide("pending_operations", operations.pending)
    alerts.event("rollback_failed", "critical", "point before-import could not be restored", {…})

Open alerts survive a restart: they are one row of the table `meta`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ...model.alerts import (
    AlertPage,
    AlertState,
    AlertTest,
    AlertView,
    NoticePage,
    RuleList,
    Severity,
)
from ...model.errors import Unavailable
from ...model.times import Clock, now_us
from ...settings import AlertSettings
from ...storage.store import Store
from ...telemetry import Metrics, get_logger
from ..tasks import Supervisor
from . import notices
from .defaults import ROLLBACK_FAILURE_PERCENT, ROLLBACK_MEAN, ROLLBACK_WINDOW_S
from .engine import Alert, AlertEngine, Saved
from .gate import Gate
from .notices import Notice
from .notifier import Lane, Notifier, Sink
from .rules import Rule
from .sinks import ConsoleSink
from .views import alert_view, page_of, rule_view
from .windows import Outcomes

log = get_logger(__name__)

TOPIC = "alerts"
"""The signal to other processes that an operator resolved an alert."""
EVENT_TOGGLES = {
    "rollback_created": "rollback_created",
    "rollback_executed": "rollback_executed",
    "rollback_failed": "rollback_failed",
    "critical_conflict": "critical_conflicts",
}
"""Events that a setting of `alerts` switches; all others are always told."""
_SEVERITIES = {"warn": Severity.WARNING, "error": Severity.CRITICAL}
"""Other words for how bad an event is."""


class Alerts:
    """`place` is the name of the row in `meta`."""

    def __init__(
        self,
        settings: AlertSettings,
        rules: Iterable[Rule],
        sinks: Sequence[Sink],
        store: Store,
        metrics: Metrics,
        *,
        place: str = "alerts",
        clock: Clock = now_us,
    ) -> None:
        self._settings = settings
        self._engine = AlertEngine(rules, retention_s=settings.retention_s)
        self._gate = Gate(repeat_s=settings.repeat_s, max_per_hour=settings.max_per_hour)
        self._notifier = Notifier([Lane(sink, settings, metrics) for sink in sinks])
        self._console = next((sink for sink in sinks if isinstance(sink, ConsoleSink)), None)
        self._store = store
        self._metrics = metrics
        self._place = place
        self._clock = clock
        self._readers: dict[str, Callable[[], float | None]] = {}
        self._rollbacks = Outcomes(ROLLBACK_WINDOW_S)
        self._held: set[tuple[str, Severity]] = set()
        self._saved: bytes | None = None
        self._saving = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopped = False
        self.provide(ROLLBACK_FAILURE_PERCENT, lambda: self._rollbacks.failed_percent(clock()))
        self.provide(ROLLBACK_MEAN, lambda: self._rollbacks.mean_s(clock()))

    # -- what rooms call ----------------------------------------------------------------------

    def provide(self, metric: str, read: Callable[[], float | None]) -> None:
        """Says where a metric comes from; None from it means that there is no figure now."""
        self._readers[metric] = read

    def listen(self, listener: Callable[[Notice], None]) -> None:
        """Tells it, too, of whatever operators are told. It must not wait or raise."""
        self._notifier.listeners.append(listener)

    def event(
        self,
        name: str,
        severity: Severity | str,
        message: str,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Something happened once. From any thread; never waits, never raises.

        `rollback_executed` and `rollback_failed` also count for the rules of rollbacks, with
        `duration_s` in the data as their time.
        """
        notice = notices.of_event(name, _severity(severity), message, data, self._clock())
        seconds = (data or {}).get("duration_s")
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        loop = self._loop
        if loop is None or _is_current(loop):
            self._take(notice, seconds if is_number else None)
            return
        try:
            loop.call_soon_threadsafe(self._take, notice, seconds if is_number else None)
        except RuntimeError:  # the loop is closed
            log.warning("event_after_end", name=name)

    def _take(self, notice: Notice, seconds: float | None) -> None:
        if notice.name in ("rollback_executed", "rollback_failed"):
            is_failed = notice.name == "rollback_failed"
            self._rollbacks.add(notice.at, failed=is_failed, seconds=seconds)
        toggle = EVENT_TOGGLES.get(notice.name)
        if toggle is not None and not getattr(self._settings, toggle):
            return
        data = msgspec.json.encode(notice.data).decode()
        content = f"{notice.type}|{notice.severity}|{notice.message}|{data}"
        if self._gate.lets_through(notice.type, content, notice.at):
            self._notifier.tell(notice)
        else:
            self._notifier.hold_back()

    # -- the tasks ----------------------------------------------------------------------------

    async def load(self) -> None:
        """Takes up what the last process left. Raises StoreUnavailable."""
        text = await self._store.meta(self._place)
        try:
            saved = msgspec.json.decode(text, type=Saved) if text is not None else Saved()
        except msgspec.DecodeError as error:
            log.error("alerts_unreadable", detail=str(error))
            saved = Saved()
        self._engine.restore(saved, self._clock())
        self._saved = self._encoded()
        self._set_gauges()

    def start(self, tasks: Supervisor, *, watch: bool = True) -> None:
        """Sends notices from now on, and with `watch` looks at the rules. Once is enough."""
        if self._loop is not None:
            return
        self._loop = asyncio.get_running_loop()
        self._notifier.start(tasks)
        if watch and self._settings.enabled:
            tasks.start("alerts", self._watch)

    async def stop(self, grace_s: float) -> None:
        """Saves, and sends what waits, for one time-out at most. May be called twice."""
        if self._is_stopped:
            return
        self._is_stopped = True
        await self._save()
        await self._notifier.settle(min(grace_s, self._settings.timeout_s))

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._settings.interval_s)

    async def look(self) -> None:
        """One look at every rule, and what follows from it; none once it was stopped."""
        if self._is_stopped:
            return
        now = self._clock()
        before = {alert.id for alert in self._engine.open()}
        resolved = self._engine.evaluate(now, self._read)
        for alert in self._engine.open():
            if alert.id not in before:
                self._metrics.alerts.inc()
        for alert in resolved:
            self._tell_resolved(alert, now)
        for alert in self._engine.open():
            self._tell_open(alert, now)
        self._set_gauges()
        await self._save()

    def _read(self, metric: str) -> float | None:
        reader = self._readers.get(metric)
        if reader is None:
            return None
        try:
            return reader()
        except Exception as error:
            # One room's fault must not blind the rules of all others: it is no data.
            log.error("metric_unreadable", metric=metric, exc_info=error)
            return None

    # -- telling ------------------------------------------------------------------------------

    def _tell_open(self, alert: Alert, now: int) -> None:
        """Tells that it opened or got worse, unless that was told; what is held back now is told
        later, if it is still so."""
        if alert.announced is not None and alert.severity.rank <= alert.announced.rank:
            return
        kind = notices.OPENED if alert.announced is None else notices.ESCALATED
        held = (alert.id, alert.severity)
        if self._gate.lets_through(alert.key, f"{alert.key}|{alert.severity}", now):
            alert.announced = alert.severity
            self._held.discard(held)
            self._notifier.tell(notices.of_alert(alert, kind, now))
        elif held not in self._held:
            self._held.add(held)
            self._notifier.hold_back()

    def _tell_resolved(self, alert: Alert, now: int) -> None:
        """Whoever heard that it opened hears that it is over, however much was told lately."""
        self._held = {held for held in self._held if held[0] != alert.id}
        if alert.announced is not None:
            self._notifier.tell(notices.of_alert(alert, notices.RESOLVED, now))

    # -- operators ----------------------------------------------------------------------------

    async def resolve(self, alert_id: str, actor: str) -> AlertView:
        """By hand: it stays away until its metric was good. Raises NotFound, Conflict."""
        alert = self._resolve(alert_id, actor)
        await self._save()
        await self._store.signal(TOPIC, f"{alert_id} {actor}")
        return alert_view(alert)

    def heard(self, text: str) -> None:
        """Another process resolved an alert, which may be one of ours."""
        alert_id, _, actor = text.partition(" ")
        if any(alert.id == alert_id for alert in self._engine.open()):
            self._resolve(alert_id, actor)

    def _resolve(self, alert_id: str, actor: str) -> Alert:
        now = self._clock()
        alert = self._engine.resolve(alert_id, actor, now)
        self._tell_resolved(alert, now)
        self._set_gauges()
        return alert

    def page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        state: AlertState = AlertState.OPEN,
        severity: Severity | None = None,
    ) -> AlertPage:
        """Newest first. Raises InvalidInput."""
        is_open = state is AlertState.OPEN
        alerts = self._engine.open() if is_open else self._engine.resolved()
        wanted = [one for one in alerts if severity is None or one.severity is severity]
        return page_of(wanted, cursor, limit)

    def get(self, alert_id: str) -> AlertView:
        """Raises NotFound."""
        return alert_view(self._engine.get(alert_id))

    def rules(self) -> RuleList:
        """Every rule with what the last look found, also those without data."""
        return RuleList([rule_view(watched) for watched in self._engine.watched()])

    def notices(self, cursor: str | None = None, limit: int = 50) -> NoticePage:
        """What was told lately, newest first; nothing without the channel `console`.

        Raises InvalidInput.
        """
        if self._console is None:
            return NoticePage([], None)
        return self._console.page(cursor, limit)

    async def test(self) -> AlertTest:
        """Sends a test to every channel now, once, and says what came back."""
        return AlertTest(await self._notifier.try_each(notices.of_test(self._clock())))

    # -- restarts -----------------------------------------------------------------------------

    async def _save(self) -> None:
        """Writes the state if it is another than what was written; an outage is waited out."""
        async with self._saving:
            if self._saved is None:  # never loaded: what is there is not ours to overwrite
                return
            encoded = self._encoded()
            if encoded == self._saved:
                return
            text = msgspec.json.encode(self._engine.save()).decode()
            try:
                await self._store.set_meta(self._place, text)
            except Unavailable as error:
                log.warning("alerts_not_saved", detail=error.detail)
                return
            self._saved = encoded

    def _encoded(self) -> bytes:
        """What a restart must not lose; counts and values alone are no reason to write."""
        saved = self._engine.save()
        marks = [(one.id, one.severity, one.announced) for one in saved.open]
        newest = saved.resolved[-1].id if saved.resolved else ""
        return msgspec.json.encode((marks, newest, saved.muted))

    def _set_gauges(self) -> None:
        found = [alert.severity for alert in self._engine.open()]
        for severity in (Severity.WARNING, Severity.CRITICAL):
            self._metrics.alerts_open.of(severity).set(found.count(severity))


def _severity(word: Severity | str) -> Severity:
    try:
        return _SEVERITIES.get(word) or Severity(word)
    except ValueError:
        log.warning("unknown_severity", severity=word)
        return Severity.WARNING


def _is_current(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
