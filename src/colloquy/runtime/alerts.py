"""Alerts put together from the settings, and the figures of this process that they watch."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..model.errors import InvalidInput, SettingsError
from ..model.times import Clock
from ..ops.alerts import Alerts, Growth, default_rules
from ..ops.alerts import defaults as metric_names
from ..ops.alerts.notifier import Sink
from ..ops.alerts.sinks import (
    ConsoleSink,
    Door,
    LogSink,
    MailServer,
    MailSink,
    SlackSink,
    WebhookSink,
)
from ..pipeline.accept import Acceptor
from ..pipeline.scheduler import Scheduler
from ..settings import Settings
from ..storage.store import Store
from ..telemetry import Metrics
from ..webhooks import decode_secret
from .vitals import Vitals

PLACE = "alerts"


def make_alerts(settings: Settings, store: Store, metrics: Metrics, clock: Clock) -> Alerts:
    """Raises SettingsError for a URL or secret that will not do, or an unknown rule in `off`."""
    names = {rule.name for rule in default_rules(Settings())}
    for name in settings.alerts.off:
        if name not in names:
            raise SettingsError(f"there is no alert rule {name!r}", field="alerts.off")
    # Processes that share a database watch themselves, each under its own name.
    own = f":{os.uname().nodename}:{settings.port}" if store.shared else ""
    return Alerts(
        settings.alerts,
        default_rules(settings),
        [_sink(name, settings, clock) for name in dict.fromkeys(settings.alerts.channels)],
        store,
        metrics,
        place=PLACE + own,
        clock=clock,
    )


def _sink(name: str, settings: Settings, clock: Clock) -> Sink:
    """That the settings which a channel needs are there was checked when they were loaded."""
    chosen = settings.alerts
    if name == "log":
        return LogSink()
    if name == "console":
        return ConsoleSink(chosen.keep_notices)
    if name == "email":
        server = MailServer(
            chosen.smtp_host or "",
            chosen.smtp_port,
            chosen.smtp_security,
            chosen.smtp_user,
            chosen.smtp_password,
        )
        return MailSink(server, chosen.email_from or "", chosen.email_to, chosen.timeout_s)
    door = Door(settings.webhooks, chosen.timeout_s)
    if name == "slack":
        url = _checked(door, chosen.slack_url or "", "alerts.slack_url")
        return SlackSink(url, door)
    url = _checked(door, chosen.webhook_url or "", "alerts.webhook_url")
    try:
        key = decode_secret(chosen.webhook_secret or "")
    except ValueError as error:
        raise SettingsError(f"{error}", field="alerts.webhook_secret") from None
    return WebhookSink(url, key, door, clock)


def _checked(door: Door, url: str, field: str) -> str:
    try:
        door.check(url)
    except InvalidInput as error:
        raise SettingsError(error.detail, field=field) from None
    return url


def provide_figures(
    alerts: Alerts,
    *,
    settings: Settings,
    store: Store,
    metrics: Metrics,
    scheduler: Scheduler,
    acceptor: Acceptor,
    vitals: Vitals,
    webhook_lag_s: Callable[[], float],
    clock: Clock,
) -> None:
    """Binds the metrics of the default rules to what runs in this process.

    Rates come from counters, which stand still while nothing is measured (flag `capture_metrics`):
    then there are no data.
    """

    def queue_age_s() -> float:
        oldest = scheduler.oldest_ready()
        return max(0.0, (clock() - oldest) / 1e6) if oldest is not None else 0.0

    def grown(window_s: float, total: Callable[[], float]) -> Callable[[], float | None]:
        growth = Growth(window_s)
        return lambda: growth.add(total(), clock()) if metrics.switch.on else None

    def given_up() -> float:
        replies = sum(counter.value for _, counter in metrics.undelivered.items())
        return replies + metrics.webhook_deliveries.of("failed").value

    failed = grown(300, lambda: metrics.attempts_failed.value)
    turns = grown(300, lambda: metrics.committed_turns.value)
    seconds = grown(300, lambda: metrics.end_to_end_seconds.sum)
    messages = grown(300, lambda: metrics.end_to_end_seconds.count)

    def error_percent() -> float | None:
        bad, good = failed(), turns()
        return None if bad is None or good is None else 100 * bad / max(1.0, bad + good)

    def latency_s() -> float | None:
        total, count = seconds(), messages()
        return None if total is None or count is None else total / max(1.0, count)

    def checkpoint_failures() -> float:
        return store.stats().get("checkpoint_failures", 0.0)

    for name, read in {
        metric_names.QUEUE_AGE: queue_age_s,
        metric_names.DEAD_LETTERS: grown(300, lambda: metrics.dead_letters.value),
        metric_names.DELIVERY_FAILURES: grown(3600, given_up),
        metric_names.SPOOLING: lambda: float(acceptor.is_spooling),
        metric_names.CHECKPOINT_FAILURES: grown(600, checkpoint_failures),
        metric_names.ERROR_PERCENT: error_percent,
        metric_names.LATENCY: latency_s,
        metric_names.WEBHOOK_LAG: webhook_lag_s,
        metric_names.DISK_FREE: lambda: disk_free_percent(settings.data_folder),
        metric_names.HEALTH: lambda: vitals.health().score,
    }.items():
        alerts.provide(name, read)


def disk_free_percent(folder: Path) -> float | None:
    """What an ordinary user may still fill; None when the folder is not there (yet)."""
    try:
        found = os.statvfs(folder)
    except FileNotFoundError:
        return None
    return 100.0 * found.f_bavail / found.f_blocks if found.f_blocks else None
