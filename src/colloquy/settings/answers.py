"""What goes out: replies, their ratings, delivery, webhooks."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .kinds import Count, Delays, NoticeUrl, PositiveSeconds, Seconds
from .model import ModelSettings


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
    tone: Annotated[
        str | None,
        Meta(description="The one tone of all automatic replies; none means what people feel."),
    ] = None
    tones: Annotated[
        tuple[str, ...],
        Meta(
            description="Tones that answer emotions instead of the built-in ones, as "
            "`frustrated=calm`."
        ),
    ] = ()
    openings: Annotated[
        bool,
        Meta(
            description="A kind word before templates and the fallback where somebody is upset or "
            "glad."
        ),
    ] = True
    responder: Annotated[
        Literal["rules", "model", "chain"],
        Meta(
            description="Who answers what no handler and no template does: `rules`; `chain`, a "
            "language model and the rules where it fails; `model`, the same, but a turn whose "
            "model failed is first tried again later."
        ),
    ] = "rules"
    tools: Annotated[
        tuple[str, ...],
        Meta(description="Tools that a model may call, by name; `*` is all."),
    ] = ("*",)
    mcp_servers: Annotated[
        tuple[NoticeUrl, ...],
        Meta(description="MCP servers (Streamable HTTP) whose tools a model may call, too."),
    ] = ()
    mcp_http: Annotated[
        bool,
        Meta(
            description="Whether `/mcp` serves the tools to other programs (MCP over Streamable "
            "HTTP), which need a key with the scope `tools`."
        ),
    ] = False
    model: ModelSettings = ModelSettings()


class FeedbackSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is made of ratings and of how conversations went (docs/feedback.md)."""

    implicit: Annotated[
        bool, Meta(description="Whether signals are computed of how conversations went.")
    ] = True
    analytics: Annotated[
        bool, Meta(description="Whether figures and recommendations are computed at all.")
    ] = True
    privacy: Annotated[
        Literal["anonymous", "pseudonymous", "identified"],
        Meta(
            description="Who is named in what is exported and shown: nobody; everybody by a keyed "
            "pseudonym, with e-mails and numbers masked; or by their own name."
        ),
    ] = "pseudonymous"
    report_every_h: Annotated[
        int, Meta(ge=0, le=8760, description="Hours between reports to operators; 0: none.")
    ] = 24
    cache_s: Annotated[
        Seconds, Meta(description="How long computed figures are shown before they are renewed.")
    ] = 300.0
    rest_s: Annotated[
        PositiveSeconds,
        Meta(description="A conversation in which nothing happened for so long is over."),
    ] = 1800.0


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
