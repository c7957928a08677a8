"""A running engine: everything put together in one process and one event loop."""

from .assistant import Assistant
from .runtime import Runtime

__all__ = ["Assistant", "Runtime"]
