"""Recall: which lines of a conversation's whole log a text is about."""

from .index import RecallIndex
from .results import Filters, Recalled, Why
from .vocabulary import Vocabulary
from .weights import NO_WEIGHTS, Weights

__all__ = [
    "NO_WEIGHTS",
    "Filters",
    "RecallIndex",
    "Recalled",
    "Vocabulary",
    "Weights",
    "Why",
]
