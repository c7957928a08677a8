"""The flags that exist. Each gates one named behaviour and is tested on and off (decision 1)."""

from __future__ import annotations

from msgspec import Struct

from ..model.flags import Value as Value

MAX_TEXT = 256
"""Characters of a name, an id or a value."""
MAX_LIST = 100_000
"""Characters of a value that is a list."""
CORE_ROLLOUT = "rollout_percentage", "enabled_user_ids", "enabled_agent_ids"
"""The flags that say for whom core features are on that are off for the others."""


class Flag(Struct, frozen=True):
    """One flag. `default` and `legacy` are its values in the two profiles.

    `fail_safe` is the value to act on when its true value cannot be found out, and while a kill
    switch is thrown. `choices`: the texts that it may be; `bounds`: the numbers; `longest`: the
    characters of a text. A feature that `is_core` is on, where nothing is said of the flag itself,
    also for those whom the flags of the core's roll-out name.
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
    longest: int = MAX_TEXT
    is_core: bool = False


REGISTRY: dict[str, Flag] = {
    flag.name: flag
    for flag in (
        Flag(
            name="use_advanced_messages",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="replies",
            meaning="Replies carry parts, buttons and a manner; else they are plain text.",
            is_core=True,
        ),
        Flag(
            name="enable_memory_system",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="graph",
            meaning="What is said is learned into the graph, and recalled in contexts.",
            is_core=True,
        ),
        Flag(
            name="enable_state_management",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="pipeline",
            meaning="What handlers keep of a conversation is there at its next turn.",
            is_core=True,
        ),
        Flag(
            name="use_new_tool_framework",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="replies",
            meaning="Tools are offered, to language models and to other programs over MCP.",
            is_core=True,
        ),
        Flag(
            name="enable_streaming_responses",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="replies",
            meaning="What an answer says so far is shown while it is written.",
            is_core=True,
        ),
        Flag(
            name="rollout_percentage",
            type=int,
            default=0,
            legacy=0,
            fail_safe=0,
            owner="flags",
            meaning="Percentage of people for whom core features are on that are off for others.",
            bounds=(0, 100),
        ),
        Flag(
            name="enabled_user_ids",
            type=str,
            default="",
            legacy="",
            fail_safe="",
            owner="flags",
            meaning="People, with commas between, for whom core features are on.",
            longest=MAX_LIST,
        ),
        Flag(
            name="enabled_agent_ids",
            type=str,
            default="",
            legacy="",
            fail_safe="",
            owner="flags",
            meaning="Agents, with commas between, for whom core features are on.",
            longest=MAX_LIST,
        ),
        Flag(
            name="enable_caching",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="context",
            meaning="A context that was put together for a turn is kept, if it is asked for again.",
        ),
        Flag(
            name="enable_parallel_tools",
            type=bool,
            default=True,
            legacy=False,
            fail_safe=False,
            owner="replies",
            meaning="Tools that a model calls in one breath run at the same time, else one by one.",
        ),
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
            name="maintain_dual_write",
            type=bool,
            default=True,
            legacy=True,
            fail_safe=True,
            owner="evolution",
            meaning="While a table of V1 messages is moved, both sides of it are written.",
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
