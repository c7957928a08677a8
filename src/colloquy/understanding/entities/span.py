"""What every extractor gets beside the text, and what it yields before overlaps are resolved."""

from __future__ import annotations

from typing import Any, NamedTuple


class Circumstances(NamedTuple):
    """When and where a text was written; see `analyse.Item`. `language`: ISO 639-1, if known."""

    at_us: int
    time_zone: str | None = None
    region: str | None = None
    language: str | None = None


class Span(NamedTuple):
    """`text[start:end]` is a `label` with this normalised value."""

    label: str
    start: int
    end: int
    value: Any
    confidence: float = 1.0
