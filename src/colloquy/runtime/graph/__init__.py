"""The knowledge graph as edges handle it, and the task behind it."""

from .desk import GraphDesk
from .turns import AskedByTurn

__all__ = ["AskedByTurn", "GraphDesk"]
