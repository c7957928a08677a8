"""Emotions by name: the 28 fine ones, and how they are grouped.

The 28 are those of GoEmotions (Demszky and others, 2020); each belongs to one of the six of Ekman
(1992) or is neutral, to a polarity ("ambiguous" where it depends), and to a label of the working
set (`model.understanding.EMOTIONS`).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ...model.errors import InvalidInput


class Place(Struct, frozen=True):
    """Where a fine emotion belongs. `intensity`: how strong it is by itself, 0 to 1."""

    working: str
    ekman: str
    polarity: str
    intensity: float


FINE = {
    "admiration": Place("joy", "joy", "positive", 0.5),
    "amusement": Place("joy", "joy", "positive", 0.5),
    "anger": Place("anger", "anger", "negative", 0.8),
    "annoyance": Place("frustrated", "anger", "negative", 0.5),
    "approval": Place("neutral", "joy", "positive", 0.2),
    "caring": Place("neutral", "joy", "positive", 0.3),
    "confusion": Place("confusion", "surprise", "ambiguous", 0.4),
    "curiosity": Place("curiosity", "surprise", "ambiguous", 0.3),
    "desire": Place("neutral", "joy", "positive", 0.4),
    "disappointment": Place("disappointment", "sadness", "negative", 0.5),
    "disapproval": Place("disappointment", "anger", "negative", 0.4),
    "disgust": Place("disgust", "disgust", "negative", 0.7),
    "embarrassment": Place("embarrassment", "sadness", "negative", 0.5),
    "excitement": Place("excited", "joy", "positive", 0.8),
    "fear": Place("anxious", "fear", "negative", 0.7),
    "gratitude": Place("gratitude", "joy", "positive", 0.5),
    "grief": Place("sadness", "sadness", "negative", 0.9),
    "joy": Place("joy", "joy", "positive", 0.6),
    "love": Place("love", "joy", "positive", 0.7),
    "nervousness": Place("anxious", "fear", "negative", 0.5),
    "optimism": Place("neutral", "joy", "positive", 0.3),
    "pride": Place("joy", "joy", "positive", 0.6),
    "realization": Place("neutral", "surprise", "ambiguous", 0.3),
    "relief": Place("relief", "joy", "positive", 0.5),
    "remorse": Place("embarrassment", "sadness", "negative", 0.5),
    "sadness": Place("sadness", "sadness", "negative", 0.6),
    "surprise": Place("surprise", "surprise", "ambiguous", 0.5),
    "neutral": Place("neutral", "neutral", "neutral", 0.0),
}

GROUPINGS = ("28", "ekman", "polarity")


def grouped(labels: Iterable[str], grouping: str) -> list[str]:
    """The labels in a grouping, each once, in order. "28" leaves any labels as they are.

    Raises InvalidInput for another grouping, or for a label that is none of the 28.
    """
    if grouping not in GROUPINGS:
        raise InvalidInput(f"labels are grouped by one of {', '.join(GROUPINGS)}", field="labels")
    if grouping == "28":
        return sorted(set(labels))
    places = []
    for label in labels:
        place = FINE.get(label)
        if place is None:
            raise InvalidInput(
                f"{label!r} is none of the 28 emotions that can be grouped", field="labels"
            )
        places.append(place.ekman if grouping == "ekman" else place.polarity)
    return sorted(set(places))
