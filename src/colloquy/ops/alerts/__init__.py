"""One rule engine and one notifier for all rooms (decision 29)."""

from .alerts import EVENT_TOGGLES, TOPIC, Alerts
from .defaults import default_rules
from .engine import Alert, AlertEngine, Saved
from .notifier import Attempt, Sink
from .rules import Comparison, Rule
from .windows import Growth, Outcomes

__all__ = [
    "EVENT_TOGGLES",
    "TOPIC",
    "Alert",
    "AlertEngine",
    "Alerts",
    "Attempt",
    "Comparison",
    "Growth",
    "Outcomes",
    "Rule",
    "Saved",
    "Sink",
    "default_rules",
]
