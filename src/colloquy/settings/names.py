"""Names of settings: dotted (`accept.max_batch`) and environment (`COLLOQUY_ACCEPT_MAX_BATCH`)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Struct

from .messages import ChannelSettings
from .tree import FlagValue, Settings

PREFIX = "COLLOQUY_"
FLAG_PREFIX = "COLLOQUY_FLAG_"
CHANNEL_PREFIX = "COLLOQUY_CHANNELS_"

NOT_SETTINGS = (
    "COLLOQUY_CONFIG",
    "COLLOQUY_URL",
    "COLLOQUY_API_KEY",
    "COLLOQUY_TEST_",
    "COLLOQUY_SCREENSHOTS",
)
"""Names (or beginnings of names) in our namespace that are no settings: the file, the server that
the command line talks to and its key, the tests."""

ALIASES = {
    "USE_ADVANCED_MESSAGES": "flags.use_advanced_messages",
    "ENABLE_MEMORY_SYSTEM": "flags.enable_memory_system",
    "ENABLE_STATE_MANAGEMENT": "flags.enable_state_management",
    "USE_NEW_TOOL_FRAMEWORK": "flags.use_new_tool_framework",
    "ENABLE_STREAMING": "flags.enable_streaming_responses",
    "DISABLE_DUAL_WRITE": "flags.maintain_dual_write",
    "DISABLE_AUTO_MIGRATE": "flags.auto_migrate_messages",
    "DISABLE_COMPATIBILITY": "flags.enable_compatibility_mode",
    "ROLLOUT_PERCENTAGE": "flags.rollout_percentage",
    "ENABLED_AGENT_IDS": "flags.enabled_agent_ids",
    "ENABLED_USER_IDS": "flags.enabled_user_ids",
    "ENABLE_CACHING": "flags.enable_caching",
    "ENABLE_PARALLEL_TOOLS": "flags.enable_parallel_tools",
    "ENABLE_CONTEXT_COMPRESSION": "flags.enable_context_compression",
    "CAPTURE_METRICS": "flags.capture_metrics",
    "VERBOSE_LOGGING": "flags.verbose_logging",
    "MONITORING_USE_ADAPTER": "flags.monitoring_use_adapter",
    "MONITORING_ADAPTER_TYPE": "flags.monitoring_adapter_type",
    "MONITORING_DUAL_MODE": "flags.monitoring_dual_mode",
    "MONITORING_ENABLE_VALIDATION": "flags.monitoring_enable_validation",
    "MONITORING_VALIDATION_STRICT": "flags.monitoring_validation_strict",
    "MONITORING_METRICS_FLUSH_INTERVAL": "flags.monitoring_metrics_flush_interval",
    "MONITORING_METRICS_PERSISTENCE": "flags.monitoring_metrics_persistence",
    "AST_MIN_NAME_LENGTH": "graph.noise.min_name_length",
    "AST_STOPLIST_EXTRA": "graph.noise.stoplist_extra",
    "MIN_INFERRED_CONFIDENCE": "graph.noise.min_inferred_confidence",
    "AST_CONF_EXTERNAL": "graph.noise.confidence_external",
    "AST_CONF_FILE": "graph.noise.confidence_file",
    "AST_CONF_CONCRETE": "graph.noise.confidence_concrete",
    "AST_BOOST_SAME_FILE": "graph.noise.boost_same_file",
    "AST_BOOST_TYPECHECK": "graph.noise.boost_typecheck",
    "AST_BOOST_EXPORTED": "graph.noise.boost_exported",
    "AST_STEP_NAME_LEN": "graph.noise.step_name_length",
    "AST_PENALTY_IMPORT_DEPTH": "graph.noise.penalty_import_depth",
    "AST_CONF_MULTIPLIER": "graph.noise.confidence_multiplier",
    "AST_CONF_MIN": "graph.noise.confidence_min",
    "AST_CONF_MAX": "graph.noise.confidence_max",
    "SECURITY_MIN_SEVERITY": "graph.noise.security_min_severity",
    "SECURITY_MIN_CONFIDENCE": "graph.noise.security_min_confidence",
}
"""Environment names of older systems, with the setting that each stands for today."""

INVERTED = frozenset({"DISABLE_DUAL_WRITE", "DISABLE_AUTO_MIGRATE", "DISABLE_COMPATIBILITY"})
"""Those of them that say the opposite: true is off."""

KILL_SWITCH_PREFIX = "KILL_SWITCH_"
"""`KILL_SWITCH_<FLAG>=true` switches a flag off, whatever else is said about it."""

SECRET = frozenset(
    {
        "alerts.slack_url",
        "alerts.smtp_password",
        "alerts.webhook_secret",
        "alerts.webhook_url",
        "graph.embedding_key",
        "replies.model.api_key",
        "security.secret_key",
    }
)
"""Settings whose values are never printed. A URL to post to often has a token in it."""

CONFIDENTIAL = SECRET | {"database_url", "signals.url"}
"""Settings whose values are never printed whole."""

_ENTRY = re.compile(r"[a-z][a-z0-9_]*\Z")
"""A channel or flag name that can be written in every source."""


class Leaf(Struct, frozen=True):
    """One value of the tree: a row of the reference page.

    `type` is the annotated type; `<name>` in `name` stands for a channel or a flag.
    """

    name: str
    environment: str
    type: Any
    default: Any
    doc: str

    @property
    def optional(self) -> bool:
        """Whether None is allowed, so that an empty text switches it off."""
        return type(None) in get_args(_plain(self.type))

    @property
    def type_name(self) -> str:
        """The type in words: `int`, `one of default, test`, `list of float`."""
        return _type_name(self.type)


def environment_name(name: str) -> str:
    """`accept.max_batch` → `COLLOQUY_ACCEPT_MAX_BATCH`; `flags.x` → `COLLOQUY_FLAG_X`."""
    if name.startswith("flags."):
        return FLAG_PREFIX + name.removeprefix("flags.").upper()
    return PREFIX + name.replace(".", "_").upper()


def describe() -> list[Leaf]:
    """Every setting in the order of the tree, with channels and flags as one pattern each."""
    patterns = [
        Leaf(
            f"channels.<name>.{info.name}",
            f"{CHANNEL_PREFIX}<NAME>_{info.name.upper()}",
            info.type,
            info.default,
            _doc(info.type),
        )
        for info in msgspec.structs.fields(ChannelSettings)
    ]
    flag = Leaf("flags.<name>", f"{FLAG_PREFIX}<NAME>", FlagValue, None, "A feature flag.")
    return [*_fixed().values(), *patterns, flag]


def leaf_of(name: str) -> Leaf | None:
    """The setting with this dotted name, or None when there is none."""
    fixed = _fixed().get(name)
    if fixed is not None:
        return fixed
    parts = name.split(".")
    if len(parts) == 2 and parts[0] == "flags" and _ENTRY.match(parts[1]):
        return Leaf(name, environment_name(name), FlagValue, None, "A feature flag.")
    if len(parts) == 3 and parts[0] == "channels" and _ENTRY.match(parts[1]):
        default = Settings().channel(parts[1])
        for info in msgspec.structs.fields(ChannelSettings):
            if info.name == parts[2]:
                value = getattr(default, info.name)
                return Leaf(name, environment_name(name), info.type, value, _doc(info.type))
    return None


def name_of(environment: str) -> str | None:
    """The dotted name that an environment name stands for, or None when it stands for nothing."""
    found = _by_environment().get(environment)
    if found is not None:
        return found
    if environment.startswith(FLAG_PREFIX):
        name = "flags." + environment.removeprefix(FLAG_PREFIX).lower()
        return name if leaf_of(name) else None
    if environment.startswith(CHANNEL_PREFIX):
        rest = environment.removeprefix(CHANNEL_PREFIX).lower()
        for info in msgspec.structs.fields(ChannelSettings):
            channel = rest.removesuffix("_" + info.name)
            if channel != rest:
                name = f"channels.{channel}.{info.name}"
                return name if leaf_of(name) else None
    return None


def known_names() -> list[str]:
    """Dotted names that are always there: what a misspelt one is compared with."""
    return list(_fixed())


def shown(name: str, value: object) -> object:
    """The value as it may be printed: a key and the password in a URL are masked."""
    if name not in CONFIDENTIAL or not isinstance(value, str):
        return value
    if name in SECRET:
        return "***"
    parts = urlsplit(value)
    user, _, host = parts.netloc.rpartition("@")
    if parts.password is not None:
        user = f"{user.partition(':')[0]}:***"
    elif name == "signals.url" and user:
        user = "***"  # what stands alone there is a token
    else:
        return value
    return urlunsplit(parts._replace(netloc=f"{user}@{host}"))


@functools.cache
def _fixed() -> dict[str, Leaf]:
    """Every leaf that does not hang below a channel or flag name."""
    return {leaf.name: leaf for leaf in _leaves(Settings(), "")}


def _leaves(table: Struct, prefix: str) -> Iterator[Leaf]:
    for info in msgspec.structs.fields(type(table)):
        name = prefix + info.name
        default = getattr(table, info.name)
        if isinstance(default, Struct):
            yield from _leaves(default, f"{name}.")
        elif not isinstance(default, dict):
            yield Leaf(name, environment_name(name), info.type, default, _doc(info.type))


@functools.cache
def _by_environment() -> dict[str, str]:
    return {leaf.environment: leaf.name for leaf in _fixed().values()}


def _plain(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _doc(kind: Any) -> str:
    for extra in get_args(kind)[1:]:
        if isinstance(extra, msgspec.Meta) and extra.description:
            return extra.description
    return ""


def _type_name(kind: Any) -> str:
    kind = _plain(kind)
    options = get_args(kind)
    if get_origin(kind) is tuple:
        return f"list of {_type_name(options[0])}"
    if options and all(isinstance(option, str) for option in options):
        return "one of " + ", ".join(options)
    if options:
        return " or ".join(_type_name(option) for option in options)
    return "none" if kind is type(None) else str(kind.__name__)
