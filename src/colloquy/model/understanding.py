"""What was understood of one text, with the version of the model that understood it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

CLEAR_POLARITY = 0.33
"""Beyond this a text counts as positive or negative: a third of the way to either end."""


FEELINGS = ("negative", "neutral", "positive")


class Entity(Struct, frozen=True, omit_defaults=True):
    """A span of the text: `text[start:end]` in Python string offsets, end exclusive."""

    label: str
    start: int
    end: int
    text: str
    value: Any = None
    """The normalised value: E.164 phone, RFC 3339 time, {"amount", "currency"}, …"""
    confidence: float = 1.0
    extractor: str = "pattern"


class Understanding(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`intent` is None when no intent reached the threshold; `guess` then says what came nearest.

    `confidence` is calibrated: of messages with 0.8, about 80 % are right. `polarity` runs from -1
    to 1. `model` names the versions that made this, so that it can be run again and compared.
    """

    intent: str | None = None
    guess: str | None = None
    confidence: float = 0.0
    entities: list[Entity] = []
    polarity: float = 0.0
    language: str | None = None
    urgent: bool = False
    model: str = ""

    @property
    def feeling(self) -> str:
        """The polarity as a word: negative, neutral or positive."""
        if -CLEAR_POLARITY <= self.polarity <= CLEAR_POLARITY:
            return "neutral"
        return "positive" if self.polarity > 0 else "negative"

    def entity(self, label: str) -> Entity | None:
        """The first entity with this label."""
        return next((entity for entity in self.entities if entity.label == label), None)
