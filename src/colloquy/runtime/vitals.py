"""How a process is doing: the signals of its health, its gauges, its figures."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from ..delivery.outbox import Delivery
from ..model.errors import Unavailable
from ..model.statistics import Waiting
from ..model.times import Clock
from ..ops.health import Health, HealthScore, Signal, linear
from ..ops.pulse import Pulse
from ..ops.tasks import Supervisor
from ..pipeline.accept import ROW_OVERHEAD, Acceptor
from ..pipeline.admission import Admission
from ..pipeline.scheduler import Scheduler
from ..pipeline.worker import Worker
from ..settings import Settings
from ..storage.spool import Spool
from ..storage.store import Store
from ..telemetry import Metrics, get_logger
from ..understanding.comparing import KINDS
from .assistant import Understander
from .keys import Keys
from .services import Services
from .webhooks import Webhooks

log = get_logger(__name__)

KEYS_REFRESH_S = 5.0
DEAD_LETTERS_WINDOW_S = 60.0
SIGNALS = ("sent", "heard", "refused", "dropped", "losses")


class Vitals:
    """Looks at everything that runs, every `health.interval_s`."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        scheduler: Scheduler,
        admission: Admission,
        acceptor: Acceptor,
        spool: Spool,
        worker: Worker,
        delivery: Delivery,
        compute: Understander,
        keys: Keys,
        webhooks: Webhooks,
        services: Services,
        metrics: Metrics,
        supervisor: Supervisor,
        pulse: Pulse,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._scheduler = scheduler
        self._admission = admission
        self._acceptor = acceptor
        self._spool = spool
        self._worker = worker
        self._delivery = delivery
        self._compute = compute
        self._keys = keys
        self._webhooks = webhooks
        self._services = services
        self._metrics = metrics
        self._supervisor = supervisor
        self._pulse = pulse
        self._clock = clock
        self._score = HealthScore(settings.health)
        self._health: Health | None = None
        self._started_at = time.monotonic()
        self._dead_before: deque[tuple[float, float]] = deque()

    def health(self) -> Health:
        """The last look, or the first one."""
        if self._health is None:
            self._health = self._score.update(self._signals(), self._clock())
        return self._health

    async def watch(self) -> None:
        """Looks until cancelled: a task for the supervisor."""
        last_keys = time.monotonic()
        while True:
            self._health = self._score.update(self._signals(), self._clock())
            self.set_gauges()
            await asyncio.sleep(self._settings.health.interval_s)
            if self._store.shared:
                try:
                    await self._observe_shared()
                    if time.monotonic() - last_keys > KEYS_REFRESH_S:
                        last_keys = time.monotonic()
                        await self._keys.load()
                except Unavailable as error:
                    # What is known stays good enough: keys, bounds and all.
                    log.warning("database_unread", detail=error.detail)

    def stats(self) -> dict[str, Any]:
        """Figures of this process, for `doctor`, benchmarks and the health page."""
        return {
            "uptime_s": time.monotonic() - self._started_at,
            "pending": self._admission.messages,
            "pending_bytes": self._admission.bytes,
            "scheduled": len(self._scheduler),
            "parked": self._worker.parked,
            "outbox": len(self._delivery),
            "turns": self._worker.turns,
            "batch_size": self._worker.tuner.size,
            "spooling": self._acceptor.is_spooling,
            "spooled": self._acceptor.spooled,
            "spool_bytes": self._spool.size,
            "leases": len(self._worker.intake.leases),
            "sessions_in_memory": self._worker.sessions_in_memory,
            "stage_seconds": dict(self._worker.stage_s),
            "store": self._store.stats(),
            "compute": self._compute.stats(),
            "services": msgspec.to_builtins(self._services.reports()),
            "tasks": [msgspec.to_builtins(state) for state in self._supervisor.states()],
        }

    def waiting(self) -> Waiting:
        """What is accepted and not done yet."""
        reasons = self._scheduler.waiting()
        return Waiting(
            messages=self._admission.messages,
            held=reasons["held"],
            quiet=reasons["quiet"],
            retry=reasons["retry"],
            parked=self._worker.parked,
            outbox=len(self._delivery),
            spool_bytes=self._spool.size,
            webhook_lag_s=round(self._metrics.webhook_lag_seconds.value, 1),
        )

    async def _observe_shared(self) -> None:
        """Other processes accept and finish messages too: ask the database how much waits."""
        ((messages, size, _),) = await self._store.query("inbox_totals")
        crowded = await self._store.query(
            "inbox_crowded", self._settings.accept.max_per_conversation
        )
        self._admission.observe(
            messages, int(size) + messages * ROW_OVERHEAD, {row[0]: row[1] for row in crowded}
        )

    def _signals(self) -> list[Signal]:
        oldest = self._scheduler.oldest_ready()
        age = max(0.0, (self._clock() - oldest) / 1e6) if oldest is not None else 0.0
        bound = self._settings.accept.max_age_s
        share = self._admission.bytes / self._settings.accept.max_pending_bytes
        stored = self._store.stats()
        wal, away = stored.get("wal_bytes", 0.0), stored.get("signals_away_s", 0.0)
        lag = self._pulse.lag_s
        dead = self._dead_lately()
        waited = self._webhooks.lag_s()
        degraded = [
            name for name, one in self._services.reports().items() if one.status == "degraded"
        ]
        return [
            self._supervisor.signal(),
            Signal("backlog_age", linear(age, bound / 6, bound), 45, f"{age:.1f} s"),
            Signal("backlog_bytes", linear(share, 0.5, 1.0), 45, f"{share:.0%} of the bound"),
            Signal(
                "store",
                0.0 if self._acceptor.is_spooling else 1.0,
                45,
                f"{self._spool.size} bytes in the spool",
            ),
            Signal("loop_lag", linear(lag, 0.1, 2.0), 30, f"{lag:.3f} s"),
            Signal("wal", linear(wal, 64e6, 1e9), 30, f"{wal / 1e6:.0f} MB"),
            Signal("dead_letters", linear(dead, 10, 500), 30, f"{dead:.0f} in a minute"),
            # A receiver that hangs is shown, but makes nobody send messages elsewhere.
            # Answers go on without them, worse than they could be.
            Signal(
                "services",
                0.0 if degraded else 1.0,
                26,
                f"degraded: {', '.join(degraded)}" if degraded else "",
            ),
            Signal("webhooks", linear(waited, 60, 3600), 10, f"{waited:.0f} s behind"),
            # The processes look for themselves meanwhile: later, not wrong.
            Signal("signals", linear(away, 1, 30), 10, f"lost for {away:.0f} s" if away else ""),
        ]

    def _dead_lately(self) -> float:
        now = time.monotonic()
        total = self._metrics.dead_letters.value
        self._dead_before.append((now, total))
        while self._dead_before[0][0] < now - DEAD_LETTERS_WINDOW_S:
            self._dead_before.popleft()
        return total - self._dead_before[0][1]

    def _set_shadow(self, counters: Mapping[str, int]) -> None:
        """What the shadow of the models counted; see `understanding.shadow`."""
        metrics = self._metrics
        for kind in ("messages", "same", "failed", *KINDS):
            if (count := counters.get(f"shadow_{kind}", 0)) > 0:
                metric = metrics.shadow.of(kind)
                metric.inc(max(0, count - metric.value))
        if messages := counters.get("shadow_messages", 0):
            shift = counters.get("shadow_confidence_millis", 0) / 1000 / messages
            metrics.shadow_confidence_shift.set(round(shift, 4))

    def set_gauges(self) -> None:
        metrics = self._metrics
        metrics.pending_messages.set(self._admission.messages)
        metrics.pending_bytes.set(self._admission.bytes)
        metrics.parked.set(self._worker.parked)
        metrics.outbox_pending.set(len(self._delivery))
        metrics.spool_bytes.set(self._spool.size)
        stored = self._store.stats()
        metrics.wal_bytes.set(stored.get("wal_bytes", 0.0))
        metrics.signals_away_seconds.set(stored.get("signals_away_s", 0.0))
        for outcome in SIGNALS:
            if count := stored.get(f"signals_{outcome}", 0.0):
                counter = metrics.signals.of(outcome)
                counter.inc(max(0.0, count - counter.value))
        metrics.webhook_lag_seconds.set(self._webhooks.lag_s())
        metrics.loop_lag_seconds.set(self._pulse.lag_s)
        compute = self._compute.stats()
        restarts = compute.get("restarts", 0)
        metrics.compute_restarts.inc(max(0, restarts - metrics.compute_restarts.value))
        self._set_shadow(compute.get("counters", {}))
        if self._health is not None:
            metrics.health_score.set(self._health.score)
