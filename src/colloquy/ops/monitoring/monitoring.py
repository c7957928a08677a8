"""Monitoring of one process: events in, validated, out to dashboards; figures of it, kept.

    monitoring.observe(observer)              # asked at every look, every `monitoring.interval_s`
    monitoring.publish("app", {"name": "import", "data": {"rows": 500}})
    with monitoring.join("websocket") as dashboard:
        async for frame in dashboard.frames(): …

Whoever publishes never waits: an event goes into a bounded queue, and the next look does the rest.
Nothing of this is on the way of a message.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ...flags import Flags
from ...model.errors import SettingsError, Unavailable
from ...model.monitoring import (
    AdapterFigures,
    FlushView,
    MonitoringView,
    Span,
    ValidationFigures,
    ValidationHistory,
)
from ...model.times import Clock, now_us, rfc3339
from ...settings import MonitoringSettings
from ...storage.store import Store
from ...telemetry import get_logger
from ..tasks import Supervisor
from . import options
from .adapters import Adapters, Frame, frame_of
from .dashboards import Dashboard
from .events import Event
from .figures import Figures
from .keeping import Keeper
from .validation import Checked, check, encoded

log = get_logger(__name__)

MOST_WAITING = 10_000
"""Events between two looks; further ones are failures."""
MOST_AT_ONCE = 200
"""Events of one slice of a look: then the event loop is let go for others."""
CHECK_FLUSH_S = 1.0
"""How soon a changed interval between flushes is noticed."""

Observer = Callable[[bool], Iterable[Event]]
"""Tells what happened since it was last asked, given whether anybody watches."""


class Monitoring:
    """`source` names this process. `leftovers` is the file of windows that a process could not
    write before it ended."""

    def __init__(
        self,
        settings: MonitoringSettings,
        flags: Flags,
        store: Store,
        *,
        source: str,
        leftovers: Path,
        clock: Clock = now_us,
    ) -> None:
        """Raises SettingsError for a flag that will not do."""
        self._settings = settings
        self._flags = flags
        self._clock = clock
        self._source = source
        self._options = options.read(flags.value)
        self._refused = ""
        self._figures = Figures()
        self._adapters = Adapters(
            store, most=settings.max_dashboards, queue_size=settings.queue_size
        )
        self._adapters.use(self._options.adapters)
        self._keeper = Keeper(
            store, self._figures, settings, leftovers=leftovers, name=source, clock=clock
        )
        self._observers: list[Observer] = []
        self._waiting: deque[tuple[str, Event | Mapping[str, Any], int]] = deque()
        self._looking = asyncio.Lock()
        self._broadcasts = self._failures = self._validation_errors = 0
        self._is_stopped = False

    # -- what rooms call ----------------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """It is asked at every look; what it raises is logged and harms nobody else."""
        self._observers.append(observer)

    def publish(self, kind: str, data: Event | Mapping[str, Any]) -> None:
        """Tells of something that happened now. From any thread; never waits, never raises. What
        the data hold must not change afterwards."""
        if len(self._waiting) >= MOST_WAITING:
            self._failures += 1
        else:
            self._waiting.append((kind, data, self._clock()))

    # -- dashboards ---------------------------------------------------------------------------

    def check(self, adapter: str) -> None:
        """Raises what `join` would raise now."""
        self._adapters.check(adapter)

    def join(self, adapter: str) -> Dashboard:
        """A dashboard of `websocket` or `realtime`; it gets what comes from here on. Raises
        NotFound when that adapter is not in use, Unavailable when too many watch."""
        return self._adapters.join(adapter)

    def heard(self, text: str) -> None:
        """A signal of another process, of the topic `adapters.TOPIC`."""
        self._adapters.heard(text)

    # -- the tasks ----------------------------------------------------------------------------

    def start(self, tasks: Supervisor) -> None:
        """Once the observers are there."""
        self._tell_overruled()
        tasks.start("monitoring", self._watch)
        tasks.start("monitoring-figures", self._keep)

    async def recall(self) -> None:
        """Takes up what a former process could not write."""
        if self._options.persists:
            await asyncio.to_thread(self._keeper.recall)

    async def stop(self, grace_s: float) -> None:
        """Tells and writes what is left; what cannot be written goes into a file. May be called
        twice."""
        if self._is_stopped:
            return
        await self.look()
        self._is_stopped = True
        self._adapters.end()
        if not self._options.persists:
            return
        try:
            async with asyncio.timeout(grace_s):
                if await self._keeper.try_flush():
                    return
        except TimeoutError:
            log.warning("monitoring_flush_unfinished")
        await asyncio.to_thread(self._keeper.leave)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._settings.interval_s)
            await self.look()

    async def _keep(self) -> None:
        failures, waited_s = 0, 0.0
        while True:
            step_s = min(CHECK_FLUSH_S, self._options.flush_interval_s)
            await asyncio.sleep(step_s)
            waited_s += step_s
            due_s = self._keeper.pause_s(failures) if failures else self._options.flush_interval_s
            if waited_s < due_s:
                continue
            waited_s = 0.0
            if not self._options.persists:
                self._figures.discard()
                continue
            failures = 0 if await self._keeper.try_flush() else failures + 1
            if not failures:
                try:
                    await self._keeper.forget()
                except Unavailable as error:
                    log.warning("monitoring_not_forgotten", detail=error.detail)

    async def look(self) -> None:
        """Asks every observer, and tells what was published since the last look."""
        async with self._looking:
            self._read_flags()
            self._adapters.tell_watched()
            for observer in self._observers:
                try:
                    for event in observer(self._adapters.is_watched):
                        self.publish(event.kind, event)
                except Exception as error:
                    log.error("monitoring_observer_failed", exc_info=error)
            while self._waiting:
                self._tell(min(len(self._waiting), MOST_AT_ONCE))
                if self._waiting:
                    await asyncio.sleep(0)

    def _read_flags(self) -> None:
        """Flags may change while it runs; one that will not do leaves all as they were."""
        try:
            found = options.read(self._flags.value)
        except SettingsError as error:
            if self._refused != error.detail:
                self._refused = error.detail
                log.error("monitoring_flags_refused", detail=error.detail)
            return
        self._refused = ""
        if found != self._options:
            was_overruled, self._options = self._options.is_overruled, found
            if not was_overruled:
                self._tell_overruled()
            self._adapters.use(found.adapters)

    def _tell_overruled(self) -> None:
        if self._options.is_overruled:
            type_ = self._flags.value(options.ADAPTER_TYPE)
            log.info("monitoring_dual_mode", adapter_type=type_, adapters=options.DUAL)

    def _tell(self, count: int) -> None:
        """Validates and broadcasts the oldest events that wait."""
        chosen = self._options
        frames: list[Frame] = []
        is_watched = self._adapters.is_watched
        told = 0
        for _ in range(count):
            kind, data, at = self._waiting.popleft()
            if chosen.validates:
                checked = check(kind, data, at, self._clock())
                self._figures.add(checked)
                if not checked.is_valid:
                    self._validation_errors += 1
                    if chosen.strict:
                        self._failures += 1
                        log.warning("monitoring_event_refused", kind=kind, errors=checked.errors)
                        continue
            elif is_watched:
                body, _ = encoded(data)
                checked = Checked(kind, kind, body, [], [], 0.0)
            if not chosen.adapters:
                continue
            told += 1
            if is_watched:
                frames.append(frame_of(checked, at, self._source))
        if frames:
            for error in self._adapters.send(frames):
                self._failures += len(frames)
                log.error("monitoring_not_broadcast", events=len(frames), exc_info=error)
        self._broadcasts += told

    # -- figures ------------------------------------------------------------------------------

    def validation(self) -> ValidationFigures:
        """By kind of event, since the start."""
        return self._figures.view()

    def adapter(self) -> AdapterFigures:
        """How many events went out, since the start."""
        return AdapterFigures(self._broadcasts, self._failures, self._validation_errors)

    def view(self) -> MonitoringView:
        """How it is set, and how it does."""
        chosen, keeper = self._options, self._keeper
        return MonitoringView(
            adapters=sorted(chosen.adapters),
            validates=chosen.validates,
            strict=chosen.strict,
            persists=chosen.persists,
            flush_interval_s=chosen.flush_interval_s,
            adapter=self.adapter(),
            total_validations=self._figures.view().total_validations,
            dashboards={name: hub.view() for name, hub in self._adapters.hubs.items()},
            unwritten_events=self._figures.unwritten,
            waiting_records=keeper.waiting,
            last_flush=rfc3339(keeper.last_flush) if keeper.last_flush is not None else None,
            last_flush_error=keeper.last_error,
        )

    async def flush(self) -> FlushView:
        """Writes the windows now; nothing where nothing is kept (flag). Raises Unavailable."""
        if not self._options.persists:
            return FlushView(0, rfc3339(self._clock()))
        await self.look()
        return await self._keeper.flush()

    async def history(
        self,
        span: Span = Span.WINDOW,
        event_type: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ValidationHistory:
        """What was written, newest first. Raises InvalidInput, Unavailable."""
        return await self._keeper.history(span, event_type, cursor, limit)
