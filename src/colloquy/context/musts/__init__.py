"""What of a conversation must survive: the facts of its lines."""

from .fact import KINDS, Fact, FactKind
from .find import facts_of

__all__ = ["KINDS", "Fact", "FactKind", "facts_of"]
