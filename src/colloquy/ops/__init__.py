"""Running the engine: health, supervised tasks, the loop's pulse and its watchdog."""

from .health import Health, HealthScore, Signal, Status, linear
from .pulse import Pulse
from .tasks import Supervisor, TaskState
from .watchdog import Watchdog, restart_process

__all__ = [
    "Health",
    "HealthScore",
    "Pulse",
    "Signal",
    "Status",
    "Supervisor",
    "TaskState",
    "Watchdog",
    "linear",
    "restart_process",
]
