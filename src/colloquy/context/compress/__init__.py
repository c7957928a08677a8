"""Compression of a conversation: a view within a budget of tokens, held against its source."""

from .choosing import choose, should_compress
from .compressing import compress
from .forms import (
    STRATEGIES,
    Attempt,
    Characteristics,
    Compressed,
    Contradiction,
    Options,
    Recommendation,
    Rule,
    Strategy,
    Summarise,
    SummarySentence,
    Validation,
)
from .rolling import Rolling, advance, advance_read, decode_rolling, encode_rolling
from .validating import validate

__all__ = [
    "STRATEGIES",
    "Attempt",
    "Characteristics",
    "Compressed",
    "Contradiction",
    "Options",
    "Recommendation",
    "Rolling",
    "Rule",
    "Strategy",
    "Summarise",
    "SummarySentence",
    "Validation",
    "advance",
    "advance_read",
    "choose",
    "compress",
    "decode_rolling",
    "encode_rolling",
    "should_compress",
    "validate",
]
