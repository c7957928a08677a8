"""The rules that every server has. Bounds come from the settings; docs/alerts.md lists them."""

from __future__ import annotations

from ...model.alerts import Severity
from ...settings import Settings
from .rules import Comparison, Rule

QUEUE_AGE = "queue_age_s"
DEAD_LETTERS = "dead_letters_5m"
DELIVERY_FAILURES = "delivery_failures_1h"
SPOOLING = "spooling"
CHECKPOINT_FAILURES = "checkpoint_failures_10m"
ERROR_PERCENT = "error_percent_5m"
LATENCY = "latency_5m_s"
WEBHOOK_LAG = "webhook_lag_s"
DISK_FREE = "disk_free_percent"
HEALTH = "health_score"
ROLLBACK_FAILURE_PERCENT = "rollback_failure_percent_1h"
ROLLBACK_MEAN = "rollback_mean_1h_s"
PENDING_OPERATIONS = "pending_operations"
MIGRATION_STALLED = "migration_stalled_s"

ROLLBACK_WINDOW_S = 3600.0

_MIGRATION_STALLED = Rule(
    name="migration_stalled",
    metric=MIGRATION_STALLED,
    # The bound is the plan's `stall_after_s`: within it the figure is 0.
    threshold=0,
    message="nothing of the migration has moved for {value:.0f} s",
)


def default_rules(settings: Settings) -> list[Rule]:
    """Those whose name is in `alerts.off` are left out."""
    rules = [*_engine_rules(settings), *_ledger_rules(settings), _MIGRATION_STALLED]
    return [rule for rule in rules if rule.name not in settings.alerts.off]


def _engine_rules(settings: Settings) -> list[Rule]:
    bounds = settings.alerts
    refused_at = settings.accept.max_age_s
    free = bounds.min_disk_free_percent
    return [
        Rule(
            name="queue_age",
            metric=QUEUE_AGE,
            threshold=bounds.max_queue_age_s,
            critical=refused_at if refused_at > bounds.max_queue_age_s else None,
            clear=bounds.max_queue_age_s / 2,
            for_s=30,
            message="the oldest message waits for {value:.1f} s (bound {threshold:g} s)",
        ),
        Rule(
            name="dead_letters",
            metric=DEAD_LETTERS,
            threshold=bounds.max_dead_letters,
            critical=bounds.max_dead_letters * 10 or None,
            clear=bounds.max_dead_letters / 2,
            message="{value:.0f} messages died within five minutes (bound {threshold:g})",
        ),
        Rule(
            name="delivery_failures",
            metric=DELIVERY_FAILURES,
            threshold=bounds.max_delivery_failures,
            clear=bounds.max_delivery_failures / 2,
            message="{value:.0f} replies or webhook events were given up within an hour "
            "(bound {threshold:g})",
        ),
        Rule(
            name="write_errors",
            metric=SPOOLING,
            threshold=0,
            for_s=10,
            severity=Severity.CRITICAL,
            message="the database takes no writes; messages go into the spool",
        ),
        Rule(
            name="checkpoint_errors",
            metric=CHECKPOINT_FAILURES,
            threshold=0,
            message="{value:.0f} checkpoints of the write-ahead log failed within ten minutes",
        ),
        Rule(
            name="error_rate",
            metric=ERROR_PERCENT,
            threshold=bounds.max_error_percent,
            clear=bounds.max_error_percent / 2,
            for_s=60,
            severity=Severity.CRITICAL,
            message="{value:.1f} % of attempts failed within five minutes (bound {threshold:g} %)",
        ),
        Rule(
            name="latency",
            metric=LATENCY,
            threshold=bounds.max_latency_s,
            clear=bounds.max_latency_s / 2,
            for_s=300,
            message="turns take {value:.2f} s on average (bound {threshold:g} s)",
        ),
        Rule(
            name="webhook_lag",
            metric=WEBHOOK_LAG,
            threshold=bounds.max_webhook_lag_s,
            clear=bounds.max_webhook_lag_s / 2,
            for_s=60,
            message="an event waits for {value:.0f} s for its webhook (bound {threshold:g} s)",
        ),
        Rule(
            name="disk",
            metric=DISK_FREE,
            comparison=Comparison.BELOW,
            threshold=free,
            critical=free / 2 or None,
            clear=min(100.0, free * 1.2),
            message="{value:.1f} % of the disk is free (bound {threshold:g} %)",
        ),
        Rule(
            name="health",
            metric=HEALTH,
            comparison=Comparison.BELOW,
            threshold=settings.health.critical,
            clear=settings.health.warning,
            for_s=60,
            severity=Severity.CRITICAL,
            message="the health score is {value:.0f} (bound {threshold:g})",
        ),
    ]


def _ledger_rules(settings: Settings) -> list[Rule]:
    bounds = settings.alerts
    return [
        Rule(
            name="rollback_failures",
            metric=ROLLBACK_FAILURE_PERCENT,
            threshold=bounds.max_rollback_failure_percent,
            clear=bounds.max_rollback_failure_percent / 2,
            severity=Severity.CRITICAL,
            message="{value:.0f} % of rollbacks failed within an hour (bound {threshold:g} %)",
        ),
        Rule(
            name="rollback_time",
            metric=ROLLBACK_MEAN,
            threshold=bounds.max_rollback_s,
            clear=bounds.max_rollback_s * 0.8,
            message="rollbacks take {value:.1f} s on average (bound {threshold:g} s)",
        ),
        Rule(
            name="pending_operations",
            metric=PENDING_OPERATIONS,
            threshold=bounds.max_pending_operations,
            clear=bounds.max_pending_operations * 0.8,
            severity=Severity.CRITICAL,
            message="{value:.0f} operations wait (bound {threshold:g})",
        ),
    ]
