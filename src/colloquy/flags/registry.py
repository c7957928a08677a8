"""The flags that exist. Each gates one named behaviour and is tested on and off (decision 1)."""

from __future__ import annotations

from msgspec import Struct

from ..model.flags import Value as Value


class Flag(Struct, frozen=True):
    """One flag. `default` and `legacy` are its values in the two profiles.

    `fail_safe` is the value to act on when its true value cannot be found out, and while a kill
    switch is thrown. `choices`: the texts that it may be; `bounds`: the numbers.
    """

    name: str
    type: type[Value]
    default: Value
    legacy: Value
    fail_safe: Value
    owner: str
    meaning: str
    choices: tuple[str, ...] = ()
    bounds: tuple[float, float] = (-1e15, 1e15)


REGISTRY: dict[str, Flag] = {
    flag.name: flag
    for flag in (
        Flag(
            name="enable_bursts",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="pipeline",
            meaning="Messages sent shortly after each other are answered as one turn.",
        ),
        Flag(
            name="enable_apology",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=True,
            owner="pipeline",
            meaning="A visitor whose message is dead-lettered gets an apology.",
        ),
        Flag(
            name="enable_content_dedup",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="pipeline",
            meaning="A text repeated within the channel's window is one message.",
        ),
        Flag(
            name="enable_context_recall",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="context",
            meaning="Older lines that the message is about are part of its context.",
        ),
        Flag(
            name="enable_context_compression",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="context",
            meaning="A summary of what is too old for a context is part of it.",
        ),
        Flag(
            name="enable_context_graph",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="context",
            meaning="What the graph knows of the person and of things named is part of a context.",
        ),
        Flag(
            name="enable_context_validation",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="context",
            meaning="A context is held to rules before anything is answered from it.",
        ),
        Flag(
            name="enable_emotional_intelligence",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="understanding",
            meaning="Emotions are read out of messages, and decide in which tone is answered.",
        ),
        Flag(
            name="enable_feedback_collection",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="feedback",
            meaning="Ratings are taken, and figures made of them and of how conversations went.",
        ),
        Flag(
            name="enable_responder",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="replies",
            meaning="A language model may answer, where `replies.responder` names one.",
        ),
        Flag(
            name="enable_tools",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="replies",
            meaning="A language model may call the tools that `replies.tools` allows.",
        ),
        Flag(
            name="enable_compatibility_mode",
            type=bool,
            default=True,
            legacy=True,
            fail_safe=True,
            owner="evolution",
            meaning="Clients of version 1 of the API are answered.",
        ),
        Flag(
            name="auto_migrate_messages",
            type=bool,
            default=True,
            legacy=True,
            fail_safe=False,
            owner="evolution",
            meaning="The history that a V1 chat request brings is recorded where it is not known.",
        ),
        Flag(
            name="capture_metrics",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=True,
            owner="telemetry",
            meaning="Counters and histograms are kept for /metrics.",
        ),
        Flag(
            name="verbose_logging",
            type=bool,
            default=False,
            legacy=False,
            fail_safe=False,
            owner="telemetry",
            meaning="Every turn writes a log line of its own.",
        ),
        Flag(
            name="monitoring_use_adapter",
            type=bool,
            default=True,
            legacy=True,
            fail_safe=False,
            owner="ops",
            meaning="Monitoring events are broadcast to dashboards.",
        ),
        Flag(
            name="monitoring_adapter_type",
            type=str,
            default="realtime",
            legacy="realtime",
            fail_safe="realtime",
            owner="ops",
            meaning="How, without dual mode: to WebSockets of the process that an event is of, "
            "through the signals between processes, or both.",
            choices=("websocket", "realtime", "dual"),
        ),
        Flag(
            name="monitoring_dual_mode",
            type=bool,
            default=True,
            legacy=True,
            fail_safe=False,
            owner="ops",
            meaning="Both ways are used, whatever the type says.",
        ),
        Flag(
            name="monitoring_enable_validation",
            type=bool,
            default=True,
            legacy=True,
            fail_safe=False,
            owner="ops",
            meaning="Monitoring events are held to their kind, and figures kept of that.",
        ),
        Flag(
            name="monitoring_validation_strict",
            type=bool,
            default=False,
            legacy=False,
            fail_safe=False,
            owner="ops",
            meaning="An event that is not valid is refused; else it is told with what is wrong.",
        ),
        Flag(
            name="monitoring_metrics_flush_interval",
            type=int,
            default=300,
            legacy=300,
            fail_safe=300,
            owner="ops",
            meaning="Seconds between two times that figures of validation are written.",
            bounds=(1, 86_400),
        ),
        Flag(
            name="monitoring_metrics_persistence",
            type=bool,
            default=True,
            legacy=True,
            fail_safe=False,
            owner="ops",
            meaning="Figures of validation are written to the database.",
        ),
    )
}
