"""Events of a running engine for dashboards: validated, broadcast, and counted for later."""

from .adapters import TOPIC
from .dashboards import Dashboard
from .events import KINDS, Event
from .monitoring import Monitoring

__all__ = ["KINDS", "TOPIC", "Dashboard", "Event", "Monitoring"]
