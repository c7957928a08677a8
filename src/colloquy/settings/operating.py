"""How a server looks after itself: alerts, health, watchdog, shutdown."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .kinds import Count, Delays, MailAddress, NoticeUrl, PositiveSeconds, Seconds, WebhookSecret


class AlertSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What operators are told of, and how (docs/alerts.md)."""

    enabled: Annotated[bool, Meta(description="Whether the rules are looked at.")] = True
    interval_s: Annotated[PositiveSeconds, Meta(description="Time between two looks.")] = 30.0
    off: Annotated[tuple[str, ...], Meta(description="Rules that are not looked at, by name.")] = ()
    retention_s: Annotated[Seconds, Meta(description="How long resolved alerts are kept.")] = (
        86_400.0
    )
    max_queue_age_s: Annotated[
        PositiveSeconds, Meta(description="Age of the oldest message that waits.")
    ] = 10.0
    max_dead_letters: Annotated[
        Seconds, Meta(description="Messages that died within five minutes.")
    ] = 10.0
    max_delivery_failures: Annotated[
        Seconds, Meta(description="Replies and webhook events given up within an hour.")
    ] = 10.0
    max_error_percent: Annotated[
        Seconds, Meta(description="Attempts at turns that failed, of all within five minutes.")
    ] = 5.0
    max_latency_s: Annotated[
        PositiveSeconds, Meta(description="Mean time to commit within five minutes.")
    ] = 1.0
    max_webhook_lag_s: Annotated[
        PositiveSeconds, Meta(description="Age of the oldest event no webhook was tried with.")
    ] = 300.0
    min_disk_free_percent: Annotated[
        Seconds, Meta(description="Free space where the data are; below half of it: critical.")
    ] = 10.0
    max_rollback_failure_percent: Annotated[
        Seconds, Meta(description="Rollbacks that failed, of all within an hour.")
    ] = 10.0
    max_rollback_s: Annotated[
        PositiveSeconds, Meta(description="Mean time of a rollback within an hour.")
    ] = 5.0
    max_pending_operations: Annotated[
        Seconds, Meta(description="Operations of the ledger that wait.")
    ] = 50.0
    rollback_created: Annotated[
        bool, Meta(description="Whether a new rollback point is told of.")
    ] = True
    rollback_executed: Annotated[
        bool, Meta(description="Whether a finished rollback is told of.")
    ] = True
    rollback_failed: Annotated[bool, Meta(description="Whether a failed rollback is told of.")] = (
        True
    )
    critical_conflicts: Annotated[
        bool, Meta(description="Whether a critical conflict is told of.")
    ] = True
    channels: Annotated[
        tuple[Literal["log", "console", "webhook", "slack", "email"], ...],
        Meta(description="Where notices go; the last three need settings of their own."),
    ] = ("log", "console")
    repeat_s: Annotated[
        Seconds, Meta(description="The same notice again within so long is held back.")
    ] = 300.0
    max_per_hour: Annotated[
        Count, Meta(description="Most notices of one rule, or of one kind of event, in an hour.")
    ] = 20
    keep_notices: Annotated[
        Count, Meta(description="Notices that console and API list; they end with the process.")
    ] = 500
    queue_size: Annotated[
        Count, Meta(description="Notices that wait for one channel; further ones are dropped.")
    ] = 100
    timeout_s: Annotated[PositiveSeconds, Meta(description="Longest single attempt.")] = 10.0
    retry_delays_s: Annotated[
        Delays, Meta(description="Delays between attempts; after the last one it is given up.")
    ] = (1.0, 5.0, 30.0)
    webhook_url: Annotated[
        NoticeUrl | None, Meta(description="Where notices are posted to, as JSON.")
    ] = None
    webhook_secret: Annotated[
        WebhookSecret | None,
        Meta(description="What they are signed with: `whsec_` and base64 of 24 to 64 bytes."),
    ] = None
    slack_url: Annotated[
        NoticeUrl | None, Meta(description="Incoming webhook of Slack; it is a secret.")
    ] = None
    email_from: Annotated[MailAddress | None, Meta(description="Sender of e-mails.")] = None
    email_to: Annotated[tuple[MailAddress, ...], Meta(description="Who gets e-mails.")] = ()
    smtp_host: Annotated[str | None, Meta(description="Mail server.")] = None
    smtp_port: Annotated[int, Meta(ge=1, le=65535, description="Its port.")] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="`tls` from the first byte, usually on port 465; `none` is in the clear."),
    ] = "starttls"
    smtp_user: Annotated[
        str | None, Meta(description="User to log in with; without one nothing is logged in to.")
    ] = None
    smtp_password: Annotated[str | None, Meta(description="Password of that user.")] = None


class MonitoringSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Events for dashboards, and figures of them (docs/monitoring.md). Flags say what is on."""

    interval_s: Annotated[
        PositiveSeconds, Meta(description="Time between two looks at what happened.")
    ] = 0.5
    max_dashboards: Annotated[
        Count, Meta(description="Most dashboards of each adapter in one process.")
    ] = 100
    queue_size: Annotated[
        Count, Meta(description="Events that wait for one dashboard; then the oldest are dropped.")
    ] = 256
    keep_windows_days: Annotated[
        Count, Meta(description="How long what was written at each flush is kept.")
    ] = 30
    keep_hours_days: Annotated[Count, Meta(description="How long sums of an hour are kept.")] = 90
    keep_days_days: Annotated[Count, Meta(description="How long sums of a day are kept.")] = 1100


class HealthSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of the 0-100 health score, with hysteresis (decision 6)."""

    critical: Annotated[int, Meta(ge=1, le=100, description="Below this score: critical.")] = 60
    warning: Annotated[int, Meta(ge=1, le=100, description="Below this score: warning.")] = 75
    recover: Annotated[
        int, Meta(ge=1, le=100, description="Healthy again only from this score on.")
    ] = 80
    interval_s: Annotated[PositiveSeconds, Meta(description="Time between two scores.")] = 1.0


class WatchdogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Restarts a process whose event loop hangs (engine 5)."""

    enabled: Annotated[bool, Meta(description="Whether `serve` runs under the watchdog.")] = True
    block_s: Annotated[
        PositiveSeconds, Meta(description="A loop that hangs longer than this is restarted.")
    ] = 30.0


class ShutdownSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How a server stops."""

    grace_s: Annotated[
        Seconds, Meta(description="Time for work under way to finish; the rest waits in the inbox.")
    ] = 20.0
