"""Counters, gauges and histograms of one app, shown in Prometheus' text format.

The values are our own plain numbers, because a batch is observed in one call (a bisect per value,
one lock per batch) where the client library walks all buckets for each value; the library does the
exposition. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

TIME_BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
"""Upper bounds in seconds; 0.05 and 0.2 are there because budgets end there."""
LATENCY_RATIO = 1.2
LATENCY_BUCKETS = tuple(float(f"{0.0005 * LATENCY_RATIO**step:.4g}") for step in range(66))
"""From 0.5 ms to 70 s, each 1.2 times the one before: quantiles are shown to people."""
SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)

MAX_LABELS = 200
"""Values of one label; further ones are counted under OTHER, so that no client can grow memory."""
OTHER = "other"


class Switch:
    """Whether anything is measured: one for all metrics of an app (flag `capture_metrics`)."""

    __slots__ = ("on",)

    def __init__(self, on: bool = True) -> None:
        self.on = on


class Counter:
    """A number that only grows."""

    kind = "counter"
    __slots__ = ("_lock", "_switch", "value")

    def __init__(self, switch: Switch) -> None:
        self.value = 0.0
        self._switch = switch
        self._lock = threading.Lock()

    def inc(self, amount: float = 1) -> None:
        if self._switch.on:
            with self._lock:
                self.value += amount

    def fill(self, metric: Metric, labels: dict[str, str]) -> None:
        metric.add_sample(f"{metric.name}_total", labels, self.value)


class Gauge:
    """A number that goes up and down."""

    kind = "gauge"
    __slots__ = ("_lock", "_switch", "value")

    def __init__(self, switch: Switch) -> None:
        self.value = 0.0
        self._switch = switch
        self._lock = threading.Lock()

    def set(self, value: float) -> None:
        if self._switch.on:
            self.value = value

    def add(self, amount: float) -> None:
        if self._switch.on:
            with self._lock:
                self.value += amount

    def fill(self, metric: Metric, labels: dict[str, str]) -> None:
        metric.add_sample(metric.name, labels, self.value)


class Histogram:
    """Counts of values per bucket, with their number and sum."""

    kind = "histogram"
    __slots__ = ("_bounds", "_counts", "_lock", "_switch", "count", "sum")

    def __init__(self, switch: Switch, bounds: Sequence[float] = TIME_BUCKETS) -> None:
        self.count = 0
        self.sum = 0.0
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._switch = switch
        self._lock = threading.Lock()

    def observe(self, value: float) -> None:
        if self._switch.on:
            with self._lock:
                self._counts[bisect_left(self._bounds, value)] += 1
                self.count += 1
                self.sum += value

    def observe_many(self, values: Sequence[float]) -> None:
        """The values of a whole batch: about 0.1 µs each."""
        if not self._switch.on:
            return
        bounds, counts = self._bounds, self._counts
        with self._lock:
            for value in values:
                counts[bisect_left(bounds, value)] += 1
            self.count += len(values)
            self.sum += sum(values)

    def counts(self) -> tuple[int, ...]:
        """Observations per bucket so far; the last number is of those above every bound."""
        with self._lock:
            return tuple(self._counts)

    @contextmanager
    def time(self, clock: Callable[[], float] = time.perf_counter) -> Iterator[None]:
        """Observes the seconds that the block takes, also when it raises."""
        start = clock()
        try:
            yield
        finally:
            self.observe(clock() - start)

    def fill(self, metric: Metric, labels: dict[str, str]) -> None:
        with self._lock:
            counts, count, total = list(self._counts), self.count, self.sum
        below = 0
        for bound, inside in zip(self._bounds, counts, strict=False):
            below += inside
            metric.add_sample(f"{metric.name}_bucket", {**labels, "le": str(float(bound))}, below)
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": "+Inf"}, count)
        metric.add_sample(f"{metric.name}_count", labels, count)
        metric.add_sample(f"{metric.name}_sum", labels, total)


class Instrument(Protocol):
    """What the exposition needs of a counter, gauge or histogram."""

    @property
    def kind(self) -> str: ...

    def fill(self, metric: Metric, labels: dict[str, str]) -> None: ...


I = TypeVar("I", bound=Instrument)  # noqa: E741 - the field's letter


class Family(Generic[I]):
    """One instrument per value of a label: `metrics.accepted.of("stored").inc(50)`."""

    def __init__(self, label: str, make: Callable[[], I]) -> None:
        self.label = label
        self._make = make
        self._members: dict[str, I] = {}
        self._lock = threading.Lock()

    def of(self, value: str) -> I:
        """The instrument of this label value; OTHER once there are MAX_LABELS."""
        found = self._members.get(value)
        if found is not None:
            return found
        with self._lock:
            if value not in self._members and len(self._members) >= MAX_LABELS:
                value = OTHER
            return self._members.setdefault(value, self._make())

    def items(self) -> list[tuple[str, I]]:
        """(label value, instrument), sorted."""
        with self._lock:
            return sorted(self._members.items(), key=lambda item: item[0])

    @property
    def kind(self) -> str:
        """That of its instruments. A family of families has two labels."""
        return self._make().kind

    def fill(self, metric: Metric, labels: dict[str, str]) -> None:
        for value, member in self.items():
            member.fill(metric, {**labels, self.label: value})


class Metrics:
    """Everything one app measures. Times are seconds.

    `end_to_end_seconds` leaves out a declared quiet period and the hold-back of a sequence, which
    are in `quiet_seconds` and `held_seconds` (decision 3).
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self.switch = Switch(enabled)
        self._shown: list[tuple[str, str, Instrument]] = []

        self.accepted = self._counters(
            "accepted", "status", "Messages accepted: stored, spooled or duplicate."
        )
        self.refused = self._counters("refused", "code", "Messages refused, by error code.")
        self.committed_turns = self._counter("committed_turns", "Turns whose effects are stored.")
        self.replies = self._counters("replies", "channel", "Replies committed.")
        self.delivered = self._counters("delivered", "channel", "Replies handed to their channel.")
        self.undelivered = self._counters(
            "undelivered", "channel", "Replies that their channel would not take."
        )
        self.dead_letters = self._counter("dead_letters", "Messages that went to the dead letters.")
        self.attempts_failed = self._counter("attempts_failed", "Attempts at a turn that failed.")
        self.compute_restarts = self._counter(
            "compute_restarts", "Compute processes started anew after they died."
        )
        self.shadow = self._counters(
            "shadow",
            "kind",
            "What a shadow model looked at: messages, same (nothing differs), failed, and those "
            "that differ in intent, entities, emotion, …",
        )
        self.shadow_confidence_shift = self._gauge(
            "shadow_confidence_shift", "Mean confidence of the shadow less that of the model."
        )

        self.webhook_deliveries = self._counters(
            "webhook_deliveries", "outcome", "Attempts: delivered, retry or failed."
        )
        self.webhook_seconds = self._histogram(
            "webhook_seconds", "One attempt at a webhook, from name to answer."
        )
        self.webhook_lag_seconds = self._gauge(
            "webhook_lag_seconds", "Age of the oldest event that no attempt was made for."
        )

        self.graph_offered = self._counter(
            "graph_offered", "Statements that conversations offered to the graph."
        )
        self.graph_refused = self._counters(
            "graph_refused", "reason", "Of those, the ones that were not admitted, by reason."
        )
        self.graph_learned = self._counter(
            "graph_learned", "Statements that were committed with their messages."
        )

        self.rollback_points_created = self._counter(
            "rollback_points_created", "Rollback points, by hand and by themselves."
        )
        self.rollback_operations = self._counters(
            "rollback_operations", "status", "Operations of the ledger that ended, by how."
        )
        self.rollback_successes = self._counter(
            "rollback_successes", "Rollbacks and undoings that were completed."
        )
        self.rollback_failures = self._counter(
            "rollback_failures", "Those that failed; cancelled ones are no failures."
        )
        self.rollback_errors = self._counters(
            "rollback_errors", "code", "Failures by the code of their error."
        )
        self.rollback_entities_processed = self._counter(
            "rollback_entities_processed", "Entities of the graph restored by completed ones."
        )
        self.rollback_relationships_processed = self._counter(
            "rollback_relationships_processed", "Relationships restored by completed ones."
        )
        self.rollback_conflicts = self._counters(
            "rollback_conflicts", "outcome", "Conflicts that were detected, and resolved by hand."
        )
        self.rollback_duration_seconds = self._histogram(
            "rollback_duration_seconds", "From the start of an operation to its end."
        )
        self.ledger_head = self._gauge("ledger_head", "Newest position of the ledger.")
        self.ledger_points_live = self._gauge("ledger_points_live", "Points not expired.")
        self.ledger_conflicts_open = self._gauge(
            "ledger_conflicts_open", "Conflicts that wait for a decision."
        )

        self.model_turns = self._counters(
            "model_turns",
            "outcome",
            "Turns given to a language model: answered, withdrawn, interrupted or why rules did.",
        )
        self.model_requests = self._counters(
            "model_requests", "outcome", "Requests to a language model: ok, or why they failed."
        )
        self.model_seconds = self._histogram(
            "model_seconds", "One request to a language model, to the end of its answer."
        )
        self.model_tokens = self._counters(
            "model_tokens", "kind", "Tokens sent (prompt) and received (completion)."
        )
        self.model_cost = self._counter(
            "model_cost", "What they cost, in the currency of the settings."
        )
        self.tool_calls = self._show(
            "tool_calls",
            "Calls of tools by language models, by tool and outcome.",
            Family("tool", lambda: Family("outcome", lambda: Counter(self.switch))),
        )
        self.tool_seconds = self._histograms("tool_seconds", "tool", "One call of a tool.")

        self.alerts = self._counter("alerts", "Alerts that were opened.")
        self.alerts_open = self._show(
            "alerts_open",
            "Alerts that are open, by severity.",
            Family("severity", lambda: Gauge(self.switch)),
        )
        self.notifications = self._show(
            "notifications",
            "Notices by sink and outcome: delivered, retry, failed, dropped or suppressed.",
            Family("sink", lambda: Family("outcome", lambda: Counter(self.switch))),
        )

        self.batch_size = self._histogram("batch_size", "Turns in one batch.", SIZE_BUCKETS)
        self.stage_seconds = self._histograms(
            "stage_seconds", "stage", "Time of one stage over a batch."
        )
        self.accept_seconds = self._histogram("accept_seconds", "From request to receipt.")
        self.end_to_end_seconds = self._histogram(
            "end_to_end_seconds",
            "From acceptance to commit, without quiet and hold-back.",
            LATENCY_BUCKETS,
        )
        self.quiet_seconds = self._histogram("quiet_seconds", "Declared quiet period of a burst.")
        self.held_seconds = self._histogram("held_seconds", "Wait for an earlier sequence number.")

        self.pending_messages = self._gauge("pending_messages", "Accepted, not yet done.")
        self.pending_bytes = self._gauge("pending_bytes", "Bytes of accepted, unfinished messages.")
        self.parked = self._gauge("parked", "Turns that wait outside the batches.")
        self.outbox_pending = self._gauge("outbox_pending", "Replies not yet delivered.")
        self.spool_bytes = self._gauge("spool_bytes", "Bytes in the spool.")
        self.wal_bytes = self._gauge("wal_bytes", "Size of SQLite's write-ahead log.")
        self.signals = self._counters(
            "signals",
            "outcome",
            "Signals between processes: sent, heard, refused (of others), dropped, and losses of "
            "the server that carries them.",
        )
        self.signals_away_seconds = self._gauge(
            "signals_away_seconds", "How long that server has been away; 0 while it is there."
        )
        self.loop_lag_seconds = self._gauge("loop_lag_seconds", "How late the event loop runs.")
        self.health_score = self._gauge("health_score", "0 (down) to 100 (healthy).")

        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self) -> bytes:
        """The text for `GET /metrics`; send it as CONTENT_TYPE."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """What the client library asks a collector for."""
        for name, doc, shown in self._shown:
            metric = Metric(f"colloquy_{name}", doc, shown.kind)
            shown.fill(metric, {})
            if metric.samples:
                yield metric

    def _counter(self, name: str, doc: str) -> Counter:
        return self._show(name, doc, Counter(self.switch))

    def _gauge(self, name: str, doc: str) -> Gauge:
        return self._show(name, doc, Gauge(self.switch))

    def _histogram(self, name: str, doc: str, bounds: Sequence[float] = TIME_BUCKETS) -> Histogram:
        return self._show(name, doc, Histogram(self.switch, bounds))

    def _counters(self, name: str, label: str, doc: str) -> Family[Counter]:
        return self._show(name, doc, Family(label, lambda: Counter(self.switch)))

    def _histograms(self, name: str, label: str, doc: str) -> Family[Histogram]:
        return self._show(name, doc, Family(label, lambda: Histogram(self.switch)))

    def _show(self, name: str, doc: str, instrument: I) -> I:
        self._shown.append((name, doc, instrument))
        return instrument
