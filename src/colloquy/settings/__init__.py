"""One typed tree of settings, and the one way to load it (decisions 7 and 8).

Defaults < preset < file (TOML) < stored override < environment < command line.
"""

from .explain import Explanation, Statement, explain, near
from .load import Problem, Resolution, load_settings, overlay, resolve, settings_file, truth
from .names import Leaf, describe, environment_name, leaf_of, shown
from .tree import (
    AcceptSettings,
    ChannelSettings,
    DeliverySettings,
    HealthSettings,
    PipelineSettings,
    ReplySettings,
    SecuritySettings,
    Settings,
    ShutdownSettings,
    WatchdogSettings,
    WebhookSettings,
)

__all__ = [
    "AcceptSettings",
    "ChannelSettings",
    "DeliverySettings",
    "Explanation",
    "HealthSettings",
    "Leaf",
    "PipelineSettings",
    "Problem",
    "ReplySettings",
    "Resolution",
    "SecuritySettings",
    "Settings",
    "ShutdownSettings",
    "Statement",
    "WatchdogSettings",
    "WebhookSettings",
    "describe",
    "environment_name",
    "explain",
    "leaf_of",
    "load_settings",
    "near",
    "overlay",
    "resolve",
    "settings_file",
    "shown",
    "truth",
]
