"""What comes in: accepting, ordering, understanding it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from .kinds import MIB, Bytes, Count, Delays, PositiveSeconds, Seconds


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


class EmotionRule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text that matches `pattern` (RE2, without regard to case) has this emotion."""

    pattern: str
    emotion: str
    confidence: float = 0.9
    name: str | None = None


class UnderstandingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which models understand messages, and what users add to them."""

    model: Annotated[
        str,
        Meta(
            min_length=1,
            description="Intent model: `auto` is the pack's own, trained if need be; else a "
            "version that was trained before (12 hex digits), or a file.",
        ),
    ] = "auto"
    shadow: Annotated[
        str | None,
        Meta(
            description="Another intent model, by version or file, that looks at a share of the "
            "messages and is compared; it decides nothing."
        ),
    ] = None
    shadow_share: Annotated[
        float, Meta(ge=0, le=1, description="Share of the messages that the shadow looks at.")
    ] = 0.1
    extensions: Annotated[
        tuple[str, ...],
        Meta(
            description="Your own extractors and classifiers, `module:Class` or `file.py:Class`, "
            "beside those that are registered by decorator or entry point."
        ),
    ] = ()
    emotion_rules: Annotated[
        tuple[EmotionRule, ...],
        Meta(
            description="Patterns that stand for an emotion, before those of the pack: tables with "
            "`pattern`, `emotion`, `confidence` and `name`; as text, a JSON list of them."
        ),
    ] = ()
