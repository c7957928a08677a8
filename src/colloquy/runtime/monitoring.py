"""What one engine tells dashboards: read off its figures, so that no message pays for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..context.validation import Validator
from ..delivery.live import Changes, Signals
from ..flags import Flags
from ..flags.registry import Value
from ..ledger.events import LedgerEvent
from ..model.times import Clock
from ..ops.alerts.notices import TEST, Notice
from ..ops.health import Health
from ..ops.monitoring import Event, Monitoring
from ..ops.monitoring.events import (
    AlertTold,
    ContextsValidated,
    ConversationsChanged,
    FlagChanged,
    HealthChanged,
    LedgerChanged,
    MessagesAccepted,
    OperationProgress,
    RepliesDelivered,
    TaskFailed,
    TurnsCommitted,
    TurnsFailed,
)
from ..ops.tasks import Supervisor
from ..settings import Settings
from ..storage.store import Store
from ..telemetry import Metrics
from ..telemetry.metrics import Counter, Family

NAMED = 100
"""Characters of a name that an event tells."""
TOLD = 1000
"""Characters of a text."""


def make_monitoring(
    settings: Settings, flags: Flags, store: Store, source: str, clock: Clock
) -> Monitoring:
    """Raises SettingsError for a flag that will not do."""
    return Monitoring(
        settings.monitoring,
        flags,
        store,
        source=source,
        leftovers=settings.figures_file,
        clock=clock,
    )


class Observer:
    """Compares figures with those of the look before."""

    def __init__(
        self,
        *,
        metrics: Metrics,
        flags: Flags,
        signals: Signals,
        validator: Validator,
        supervisor: Supervisor,
        health: Callable[[], Health],
    ) -> None:
        self._metrics = metrics
        self._flags = flags
        self._signals = signals
        self._validator = validator
        self._supervisor = supervisor
        self._health = health
        self._before: dict[str, float] = {}
        self._flag_version = -1
        self._flag_values: dict[str, Value] = {}
        self._status: str | None = None
        self._changes: Changes | None = None
        for _ in self(False):
            pass  # what was so before it began is no news

    def __call__(self, is_watched: bool) -> Iterator[Event]:
        """What happened since the last call."""
        yield from self._messages()
        yield from self._contexts()
        yield from self._operation()
        yield from self._conversations(is_watched)

    def _messages(self) -> Iterator[Event]:
        metrics = self._metrics
        accepted, refused = self._of("a", metrics.accepted), self._of("r", metrics.refused)
        if accepted or refused:
            yield MessagesAccepted(accepted=accepted, refused=refused)
        turns = self._since("turns", metrics.committed_turns.value)
        messages = self._since("messages", metrics.end_to_end_seconds.count)
        seconds = self._since("seconds", metrics.end_to_end_seconds.sum)
        replies = sum(self._of("replies", metrics.replies).values())
        if turns > 0:
            mean_ms = round(max(0.0, seconds) * 1000 / messages, 3) if messages else None
            yield TurnsCommitted(
                turns=int(turns), messages=int(messages), replies=replies, mean_ms=mean_ms
            )
        delivered, failed = self._of("d", metrics.delivered), self._of("u", metrics.undelivered)
        if delivered or failed:
            yield RepliesDelivered(delivered=delivered, failed=failed)
        attempts = int(self._since("attempts", metrics.attempts_failed.value))
        dead = int(self._since("dead", metrics.dead_letters.value))
        if attempts or dead:
            yield TurnsFailed(attempts=attempts, dead_letters=dead)

    def _contexts(self) -> Iterator[Event]:
        found = self._validator.health()
        contexts = int(self._since("contexts", found.validations))
        invalid = int(self._since("invalid", found.invalid))
        if contexts:
            mean_ms = round(found.mean_ms, 3)
            yield ContextsValidated(contexts=contexts, invalid=invalid, mean_ms=mean_ms)

    def _operation(self) -> Iterator[Event]:
        health = self._health()
        if health.status != self._status:
            before, self._status = self._status, str(health.status)
            yield HealthChanged(
                status=self._status,  # type: ignore[arg-type]
                before=before,  # type: ignore[arg-type]
                score=health.score,
                causes=[signal.name for signal in health.causes],
            )
        for task in self._supervisor.states():
            crashes = int(self._since(f"task {task.name}", task.crashes))
            if crashes:
                error = task.last_error[:TOLD] if task.last_error is not None else None
                yield TaskFailed(task=task.name[:NAMED], crashes=crashes, error=error)
        if self._flags.version != self._flag_version:
            yield from self._changed_flags()

    def _changed_flags(self) -> Iterator[Event]:
        self._flag_version = self._flags.version
        before = self._flag_values
        self._flag_values = {flag.name: value for flag, value in self._flags.rows()}
        for name, value in self._flag_values.items():
            was = before.get(name, value)
            if was != value:
                yield FlagChanged(flag=name, before=was, after=value)

    def _conversations(self, is_watched: bool) -> Iterator[Event]:
        """Noted while somebody watches only: it is the one thing that a message would pay for."""
        if not is_watched:
            if self._changes is not None:
                self._changes.__exit__()
                self._changes = None
            return
        if self._changes is None:
            self._changes = self._signals.changes().__enter__()
            return
        found = self._changes.take()
        if found is not None:
            yield ConversationsChanged(
                conversations=[one.hex() for one in found], is_complete=bool(found)
            )

    def _since(self, name: str, value: float) -> float:
        """How much it has grown since the last look."""
        before = self._before.get(name, 0.0)
        self._before[name] = value
        return value - before

    def _of(self, name: str, family: Family[Counter]) -> dict[str, int]:
        """The members that have grown."""
        grown = {
            label[:NAMED]: int(self._since(f"{name} {label}", counter.value))
            for label, counter in family.items()
        }
        return {label: count for label, count in grown.items() if count > 0}


def tell_notice(monitoring: Monitoring, notice: Notice) -> None:
    """Of what operators are told dashboards are told, too; of a trial they are not."""
    if notice.type == TEST:
        return
    event = AlertTold(
        notice=notice.id,
        change=notice.type,
        name=notice.name[:NAMED],
        severity=str(notice.severity),  # type: ignore[arg-type]
        message=notice.message[:TOLD],
    )
    monitoring.publish(event.kind, event)


def tell_ledger(monitoring: Monitoring, event: LedgerEvent) -> None:
    """A listener of the ledger."""
    row = event.operation
    if row is None:
        told: Event = LedgerChanged(change=event.name, point=event.point)
    else:
        done = min(row.figures().done, row.total)
        told = OperationProgress(
            operation=row.id,
            what=row.kind,
            step=event.name,
            status=row.status,
            done=done,
            total=row.total,
        )
    monitoring.publish(told.kind, told)
