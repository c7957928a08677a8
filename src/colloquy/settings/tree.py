"""The tree of settings: plain frozen structs, each field with its range and its meaning.

Durations are seconds, sizes are bytes. A field that may be None is switched off by an empty text.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Seconds = Annotated[float, Meta(ge=0)]
PositiveSeconds = Annotated[float, Meta(gt=0)]
Delays = tuple[Seconds, ...]
Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1024)]
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Origin = Annotated[
    str, Meta(max_length=260, pattern=r"^https?://(\*\.)?[A-Za-z0-9.-]+(:([0-9]{1,5}|\*))?$")
]
Network = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?$")]

MIB = 1024 * 1024


class AcceptSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The front door: what may come in, and how much may wait (engine 21-25)."""

    max_body_bytes: Annotated[Bytes, Meta(description="Largest request body.")] = 4 * MIB
    max_batch: Annotated[Count, Meta(description="Most messages in one request.")] = 1000
    max_pending_bytes: Annotated[
        Bytes, Meta(description="Accepted but unfinished messages together; above it 429.")
    ] = 100 * MIB
    max_age_s: Annotated[
        PositiveSeconds,
        Meta(description="Above this age of the oldest ready message new ones are refused (429)."),
    ] = 30.0
    max_per_conversation: Annotated[
        Count, Meta(description="Unfinished messages of one conversation; above it 429.")
    ] = 500
    group_limit: Annotated[Count, Meta(description="Most messages in one group commit.")] = 2048
    lock_wait_s: Annotated[
        Seconds, Meta(description="Wait for the store's write lock before the spool takes over.")
    ] = 0.25
    spool_max_bytes: Annotated[
        Bytes, Meta(description="Bound of the spool; when it is full, accept answers 503.")
    ] = 256 * MIB
    spool_dir: Annotated[
        str | None, Meta(description="Folder of the spool; by default `spool` in the data folder.")
    ] = None


class PipelineSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Workers: batches, order, waiting and retries (engine 5-9, 14-20)."""

    batch_size: Annotated[
        int, Meta(ge=1, le=2048, description="Most turns in one batch and so in one commit.")
    ] = 128
    concurrent_batches: Annotated[
        int, Meta(ge=1, le=64, description="Batches under way at once in one process.")
    ] = 3
    gap_timeout_s: Annotated[
        Seconds, Meta(description="Wait for a missing client sequence number before going on.")
    ] = 2.0
    parked_timeout_s: Annotated[
        PositiveSeconds,
        Meta(description="A parked turn that takes longer has failed an attempt."),
    ] = 60.0
    max_parked: Annotated[Count, Meta(description="Most parked turns at once.")] = 1000
    handler_grace_s: Annotated[
        Seconds, Meta(description="A handler slower than this leaves the batch and is parked.")
    ] = 0.02
    handler_threads: Annotated[
        int, Meta(ge=1, le=256, description="Threads for handlers that are plain functions.")
    ] = 8
    retry_delays_s: Annotated[
        Delays, Meta(description="Delays between attempts after a transient error.")
    ] = (0.2, 1.0, 5.0, 15.0)
    crash_limit: Annotated[
        Count,
        Meta(description="A message present at so many crashes is dead-lettered."),
    ] = 5
    slice_s: Annotated[
        PositiveSeconds, Meta(description="Longest piece of work on the loop before it yields.")
    ] = 0.005
    lease_s: Annotated[
        PositiveSeconds, Meta(description="Length of a partition lease on PostgreSQL.")
    ] = 5.0
    claim_poll_s: Annotated[
        PositiveSeconds, Meta(description="Longest pause between two looks at the inbox.")
    ] = 0.25
    session_cache: Annotated[Count, Meta(description="Sessions kept in memory.")] = 5000
    recent_window: Annotated[
        Count, Meta(description="Latest messages of a conversation that a handler sees.")
    ] = 10
    bundle_limit: Annotated[Count, Meta(description="Most messages of one burst in one turn.")] = 20


class ChannelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One channel. Channels that are not named use these defaults."""

    quiet_s: Annotated[
        Seconds, Meta(description="Quiet period after a message in which a burst is gathered.")
    ] = 0.6
    content_dedup_s: Annotated[
        Seconds, Meta(description="Window in which a repeated text is one message; 0 is off.")
    ] = 300.0
    max_text: Annotated[Count, Meta(description="Most characters in one text.")] = 10_000


class ReplySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is said when no handler says anything better."""

    apology: Annotated[
        str | None, Meta(description="Sent when a message is dead-lettered; none means silence.")
    ] = "Sorry, something went wrong on our side. A colleague will look at it."
    apology_hand_over: Annotated[
        Literal["human", "team", "agent"] | None,
        Meta(description="Who takes the conversation after the apology."),
    ] = "human"
    fallback: Annotated[
        str | None, Meta(description="Sent when nothing understood the message.")
    ] = "I did not quite get that. Could you say it in other words?"
    hand_over_text: Annotated[
        str | None, Meta(description="Sent when the conversation passes to a person.")
    ] = "I am passing you on to a colleague, who will answer here."


class DeliverySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The way out: outbox to channel (engine 33-34)."""

    batch_size: Annotated[int, Meta(ge=1, le=4096, description="Most replies in one round.")] = 256
    retry_delays_s: Annotated[
        Delays, Meta(description="Delays between attempts; the last one repeats.")
    ] = (1.0, 5.0, 30.0, 120.0, 600.0)
    max_attempts: Annotated[Count, Meta(description="Then the reply is marked as failed.")] = 8
    timeout_s: Annotated[PositiveSeconds, Meta(description="Longest single attempt.")] = 10.0


class WebhookSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Events sent to other systems over HTTP (docs/webhooks.md)."""

    retry_delays_s: Annotated[
        Delays,
        Meta(
            description="Delays between attempts; after the last one the delivery has failed. Each "
            "is lengthened by up to a tenth, by chance."
        ),
    ] = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0)
    timeout_s: Annotated[
        PositiveSeconds, Meta(description="Longest single attempt, from name to answer.")
    ] = 15.0
    concurrency: Annotated[
        int, Meta(ge=1, le=100, description="Most attempts at once for one webhook.")
    ] = 10
    total_concurrency: Annotated[
        int, Meta(ge=1, le=1000, description="Most attempts at once in this process.")
    ] = 50
    max_waiting: Annotated[
        Count,
        Meta(description="Unfinished deliveries of one webhook; above it the log waits for it."),
    ] = 10_000
    disable_after_s: Annotated[
        PositiveSeconds,
        Meta(
            description="A webhook that got nothing through for so long is disabled once another "
            "delivery has failed for good."
        ),
    ] = 432_000.0
    allow_http: Annotated[
        bool,
        Meta(description="Whether URLs may be `http`, whose content anybody on the way reads."),
    ] = False
    allow_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks (CIDR) that webhooks may reach although they are not public, "
            "such as `10.1.0.0/16`."
        ),
    ] = ()
    poll_s: Annotated[PositiveSeconds, Meta(description="Pause between two looks at the log.")] = (
        0.1
    )
    keep_s: Annotated[Seconds, Meta(description="How long finished deliveries are listed.")] = (
        604_800.0
    )
    keep_newest: Annotated[
        int,
        Meta(ge=0, description="Of those delivered, so many of each webhook are listed at most."),
    ] = 1000


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


class SecuritySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may call (engine 25)."""

    auth: Annotated[bool, Meta(description="Whether requests need an API key.")] = True
    trust_loopback: Annotated[
        bool, Meta(description="Requests from this very machine need no key (`serve --dev`).")
    ] = False
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Meta(
            description="Networks (`10.0.0.0/8`) of proxies whose X-Forwarded-For says who the "
            "client is; from anybody else the header counts for nothing.",
        ),
    ] = ()
    secret_key: Annotated[
        Key | None,
        Meta(
            description="Key that seals stored secrets: base64 of 32 bytes. Without it the key is "
            "in a file, `<database file>.key` in the data folder.",
        ),
    ] = None


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many requests one caller may send: token buckets; a rate of 0 is no limit."""

    api_per_s: Annotated[
        Seconds, Meta(description="Requests per second of one key, in the long run.")
    ] = 10_000.0
    api_burst: Annotated[Count, Meta(description="Requests of one key at once.")] = 20_000
    chat_per_s: Annotated[
        Seconds, Meta(description="Requests per second of one visitor of the chat page.")
    ] = 2.0
    chat_burst: Annotated[Count, Meta(description="Requests of one visitor at once.")] = 40
    chat_address_per_s: Annotated[
        Seconds, Meta(description="Requests per second of all visitors behind one address.")
    ] = 20.0
    chat_address_burst: Annotated[
        Count, Meta(description="Requests at once of all visitors behind one address.")
    ] = 400
    login_per_s: Annotated[
        Seconds, Meta(description="Failed log-ins per second of one address, in the long run.")
    ] = 0.2
    login_burst: Annotated[Count, Meta(description="Failed log-ins of one address at once.")] = 20


class ConsoleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The operators' web console."""

    idle_s: Annotated[
        PositiveSeconds, Meta(description="A log-in that is not used for so long ends.")
    ] = 8 * 3600.0
    session_s: Annotated[
        PositiveSeconds, Meta(description="A log-in ends after so long in any case.")
    ] = 7 * 86400.0
    max_viewers: Annotated[
        Count, Meta(description="Most pages that follow the console live at once.")
    ] = 200


class ChatSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The chat page and the widget, as visitors see them."""

    title: Annotated[
        str, Meta(min_length=1, max_length=60, description="Name in the chat's header.")
    ] = "Assistant"
    greeting: Annotated[
        str, Meta(max_length=200, description="What an empty conversation says.")
    ] = "How can we help?"
    accent: Annotated[
        Colour, Meta(description="Colour of buttons and of the visitor's messages, `#rrggbb`.")
    ] = "#3b5bdb"
    placeholder: Annotated[
        str, Meta(min_length=1, max_length=60, description="Shown in the empty text field.")
    ] = "Write a message"
    avatar: Annotated[
        bool, Meta(description="Whether the assistant has a face; visitors can switch it off.")
    ] = True
    privacy: Annotated[
        str,
        Meta(
            max_length=300,
            description="A line below the conversation; web addresses in it become links.",
        ),
    ] = ""
    frame_ancestors: Annotated[
        tuple[Origin, ...],
        Meta(
            description="Sites that may show the chat in a frame (the widget), beside this one: "
            "`https://shop.example`, `https://*.shop.example`.",
        ),
    ] = ()


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
    accept: AcceptSettings = AcceptSettings()
    pipeline: PipelineSettings = PipelineSettings()
    channels: dict[str, ChannelSettings] = field(default_factory=_channels)
    replies: ReplySettings = ReplySettings()
    delivery: DeliverySettings = DeliverySettings()
    webhooks: WebhookSettings = WebhookSettings()
    health: HealthSettings = HealthSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    shutdown: ShutdownSettings = ShutdownSettings()
    security: SecuritySettings = SecuritySettings()
    console: ConsoleSettings = ConsoleSettings()
    limits: LimitSettings = LimitSettings()
    chat: ChatSettings = ChatSettings()
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
        "accept.max_age_s": 5.0,
        "pipeline.gap_timeout_s": 0.1,
        "pipeline.parked_timeout_s": 2.0,
        "pipeline.retry_delays_s": (0.01, 0.02, 0.05, 0.1),
        "pipeline.lease_s": 1.0,
        "pipeline.claim_poll_s": 0.02,
        "channels.web.quiet_s": 0.05,
        "delivery.retry_delays_s": (0.01, 0.05),
        "delivery.max_attempts": 3,
        "delivery.timeout_s": 2.0,
        "webhooks.retry_delays_s": (0.05, 0.1),
        "webhooks.timeout_s": 1.0,
        "webhooks.poll_s": 0.02,
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
