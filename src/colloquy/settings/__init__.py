"""One typed tree of settings, and the one way to load it (decisions 7 and 8).

Defaults < preset < file (TOML) < stored override < environment < command line.
"""

from .answers import DeliverySettings, FeedbackSettings, ReplySettings, WebhookSettings
from .explain import Explanation, Statement, explain, near
from .load import Problem, Resolution, load_settings, overlay, resolve, settings_file, truth
from .memory import GraphSettings, LedgerSettings
from .messages import AcceptSettings, ChannelSettings, PipelineSettings, UnderstandingSettings
from .model import ModelSettings
from .names import Leaf, describe, environment_name, leaf_of, shown
from .operating import (
    AlertSettings,
    HealthSettings,
    MonitoringSettings,
    ShutdownSettings,
    WatchdogSettings,
)
from .signals import SignalServer, SignalSettings
from .surface import ConsoleSettings, LimitSettings, SecuritySettings
from .tree import Settings

__all__ = [
    "AcceptSettings",
    "AlertSettings",
    "ChannelSettings",
    "ConsoleSettings",
    "DeliverySettings",
    "Explanation",
    "FeedbackSettings",
    "GraphSettings",
    "HealthSettings",
    "Leaf",
    "LedgerSettings",
    "LimitSettings",
    "ModelSettings",
    "MonitoringSettings",
    "PipelineSettings",
    "Problem",
    "ReplySettings",
    "Resolution",
    "SecuritySettings",
    "Settings",
    "ShutdownSettings",
    "SignalServer",
    "SignalSettings",
    "Statement",
    "UnderstandingSettings",
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
