"""The tree of settings: plain frozen structs, each field with its range and its meaning.

Durations are seconds, sizes are bytes. A field that may be None is switched off by an empty text.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from .answers import DeliverySettings, FeedbackSettings, ReplySettings, WebhookSettings
from .memory import ContextSettings, GraphSettings, LedgerSettings
from .messages import AcceptSettings, ChannelSettings, PipelineSettings, UnderstandingSettings
from .operating import (
    AlertSettings,
    HealthSettings,
    MonitoringSettings,
    ShutdownSettings,
    WatchdogSettings,
)
from .signals import SignalSettings
from .surface import (
    ChatSettings,
    ConsoleSettings,
    LimitSettings,
    SecuritySettings,
    VersionSettings,
)


def _channels() -> dict[str, ChannelSettings]:
    return {
        "api": ChannelSettings(quiet_s=0.0, content_dedup_s=0.0),
        "web": ChannelSettings(),
    }


FlagValue = bool | int | float | str


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set. Made by `load_settings`; `Settings()` is all defaults."""

    database_url: Annotated[
        str,
        Meta(
            pattern=r"^(sqlite:///.+|postgres(ql)?://.+)",
            description="`sqlite:///FILE` (three slashes, then the path) or `postgresql://…`.",
        ),
    ] = "sqlite:///colloquy.db"
    data_dir: Annotated[
        str | None,
        Meta(description="Folder of the spool; by default that of the SQLite file, or `var`."),
    ] = None
    host: Annotated[str, Meta(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")
    ] = 8420
    workers: Annotated[
        int, Meta(ge=0, le=64, description="Compute processes; 0 does all work in this process.")
    ] = 1
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least logged level."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "console", "json"],
        Meta(description="`auto` is `console` on a terminal, else `json`."),
    ] = "auto"
    preset: Annotated[
        Literal["default", "test"], Meta(description="Set of defaults; `test` has tiny time-outs.")
    ] = "default"
    profile: Annotated[
        Literal["default", "legacy"], Meta(description="Set of defaults of the feature flags.")
    ] = "default"
    app: Annotated[
        str | None,
        Meta(description="Assistant to serve: `module:attribute` or a .py file."),
    ] = None
    pack: Annotated[
        str | None, Meta(description="Intent pack: a path, or the name of one that is shipped.")
    ] = None
    signals: SignalSettings = SignalSettings()
    accept: AcceptSettings = AcceptSettings()
    pipeline: PipelineSettings = PipelineSettings()
    channels: dict[str, ChannelSettings] = field(default_factory=_channels)
    understanding: UnderstandingSettings = UnderstandingSettings()
    graph: GraphSettings = GraphSettings()
    ledger: LedgerSettings = LedgerSettings()
    context: ContextSettings = ContextSettings()
    replies: ReplySettings = ReplySettings()
    feedback: FeedbackSettings = FeedbackSettings()
    delivery: DeliverySettings = DeliverySettings()
    webhooks: WebhookSettings = WebhookSettings()
    alerts: AlertSettings = AlertSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    health: HealthSettings = HealthSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    shutdown: ShutdownSettings = ShutdownSettings()
    security: SecuritySettings = SecuritySettings()
    console: ConsoleSettings = ConsoleSettings()
    limits: LimitSettings = LimitSettings()
    chat: ChatSettings = ChatSettings()
    versions: VersionSettings = VersionSettings()
    flags: dict[str, FlagValue] = field(default_factory=dict)

    @property
    def sqlite_file(self) -> Path | None:
        """The database file, or None on PostgreSQL."""
        prefix = "sqlite:///"
        if not self.database_url.startswith(prefix):
            return None
        return Path(self.database_url.removeprefix(prefix))

    @property
    def data_folder(self) -> Path:
        """Where files beside the database live. It need not exist yet."""
        if self.data_dir is not None:
            return Path(self.data_dir)
        file = self.sqlite_file
        return Path("var") if file is None else file.parent

    @property
    def files_name(self) -> str:
        """What the names of files beside the database begin with, so that two databases in one
        folder never share one."""
        file = self.sqlite_file
        if file is not None:
            return file.name
        place = self.database_url.rpartition("@")[2] or self.database_url
        return f"postgresql-{blake2b(place.encode(), digest_size=4).hexdigest()}"

    @property
    def key_file(self) -> Path:
        """The key that seals stored secrets, where `security.secret_key` is not set."""
        return self.data_folder / f"{self.files_name}.key"

    @property
    def names_file(self) -> Path:
        """Names of the graph, for the processes that understand. It need not exist yet."""
        return self.data_folder / f"{self.files_name}.names"

    @property
    def switch_file(self) -> Path:
        """Kill switches that are thrown by hand, one name a line. It need not exist."""
        return self.data_folder / f"{self.files_name}.kill"

    @property
    def flags_file(self) -> Path:
        """What was last known of flags and switches. It need not exist yet."""
        return self.data_folder / f"{self.files_name}.flags"

    @property
    def figures_file(self) -> Path:
        """Figures of monitoring that could not be written. It need not exist."""
        return self.data_folder / f"{self.files_name}.monitoring"

    @property
    def spool_folder(self) -> Path:
        """Where the spool lives. It need not exist yet."""
        folder = self.data_folder if self.accept.spool_dir is None else Path(self.accept.spool_dir)
        return folder / f"{self.files_name}.spool"

    def channel(self, name: str) -> ChannelSettings:
        """The settings of a channel; one that is not named gets the defaults."""
        return self.channels.get(name, _ANY_CHANNEL)


_ANY_CHANNEL = ChannelSettings()

PRESETS: dict[str, dict[str, object]] = {
    "default": {},
    # Every wait is as short as it can be without a busy machine making a test fail.
    "test": {
        "workers": 0,
        "log_level": "warning",
        "accept.lock_wait_s": 0.05,
        "accept.max_age_s": 60.0,
        "pipeline.gap_timeout_s": 0.1,
        "pipeline.parked_timeout_s": 30.0,
        "pipeline.retry_delays_s": (0.01, 0.02, 0.05, 0.1),
        "pipeline.lease_s": 2.0,
        "pipeline.claim_poll_s": 0.02,
        "channels.web.quiet_s": 0.05,
        "delivery.retry_delays_s": (0.01, 0.05),
        "delivery.max_attempts": 3,
        "delivery.timeout_s": 30.0,
        "webhooks.retry_delays_s": (0.05, 0.1),
        "webhooks.timeout_s": 10.0,
        "webhooks.poll_s": 0.02,
        "ledger.poll_s": 0.05,
        "alerts.interval_s": 0.05,
        "alerts.timeout_s": 1.0,
        "alerts.retry_delays_s": (0.05, 0.1),
        "monitoring.interval_s": 0.05,
        "health.interval_s": 0.05,
        "watchdog.enabled": False,
        "shutdown.grace_s": 2.0,
        # All tests come from one address.
        "limits.chat_per_s": 1000.0,
        "limits.chat_burst": 1000,
        "limits.chat_address_per_s": 1000.0,
        "limits.chat_address_burst": 1000,
        "limits.login_per_s": 1000.0,
        "limits.login_burst": 1000,
    },
}
"""What each preset changes, by dotted name."""
