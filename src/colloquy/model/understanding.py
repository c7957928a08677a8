"""What was understood of one text, with the versions of the models that understood it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

CLEAR_POLARITY = 0.33
"""Beyond this a text counts as positive or negative: a third of the way to either end."""


FEELINGS = ("negative", "neutral", "positive")

EMOTIONS = (
    "neutral", "joy", "gratitude", "excited", "curiosity", "confusion", "surprise", "frustrated",
    "anger", "anxious", "sadness", "disappointment", "love", "relief", "embarrassment", "disgust",
)  # fmt: skip
"""The working set, by their names on the wire (decision 21)."""

ACTS = (
    "inform", "question", "request", "confirm", "reject", "greet", "thank", "goodbye", "apologize",
    "complain",
)  # fmt: skip
"""Dialogue acts."""


class Entity(Struct, frozen=True, omit_defaults=True):
    """A span of the text: `text[start:end]` in Python string offsets, end exclusive.

    `role` and `group` tell apart entities of one label ("from" and "to"; the first and the second
    pizza); both come from annotated examples or handlers, never from patterns.
    """

    label: str
    start: int
    end: int
    text: str
    value: Any = None
    """The normalised value: E.164 phone, RFC 3339 time, {"amount", "currency"}, …"""
    confidence: float = 1.0
    extractor: str = "pattern"
    """Which layer found it: "pattern", "tagger", "dictionary" or the name of a user's own."""
    role: str | None = None
    group: str | None = None


class Label(Struct, frozen=True, omit_defaults=True):
    """A name with its calibrated confidence: of those with 0.8, about 80 % are right."""

    name: str
    confidence: float


EMOTIONS_OFF = "enable_emotional_intelligence"
"""The flag without which no emotion is read."""


class Emotion(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a text feels.

    `label` is one of `EMOTIONS`; `intensity` runs from 0 to 1. `fine` are the finer labels above
    their thresholds, surest first. `uncertain` says why the label is not to be trusted
    ("sarcasm"). `rule` names the custom rule that decided.
    """

    label: str = "neutral"
    confidence: float = 0.0
    intensity: float = 0.0
    fine: tuple[Label, ...] = ()
    uncertain: str | None = None
    rule: str | None = None


class Understanding(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`intent` is None when no intent reached the threshold; `guess` then says what came nearest.
    It may be a parent of intents ("billing") where no child is sure enough: `guess` is the nearest.

    `confidence` is calibrated: of messages with 0.8, about 80 % are right. `intents` are all that
    apply when a pack has several per message, likeliest first, each with its own probability.
    `polarity` runs from -1 to 1. `candidates` are entities that lost against an overlapping one.
    `tier` is the one that decided the intent: "fast" or "accurate". `model` names the versions that
    made this, so that it can be run again and compared; `extra` holds what a user's own extractors
    and classifiers returned, by their name.
    """

    intent: str | None = None
    guess: str | None = None
    confidence: float = 0.0
    intents: list[Label] = []
    entities: list[Entity] = []
    candidates: list[Entity] = []
    polarity: float = 0.0
    emotion: Emotion = Emotion()
    act: str | None = None
    language: str | None = None
    urgent: bool = False
    tier: str = "fast"
    extra: dict[str, Any] = {}
    off: list[str] = []
    """The flags of what was switched off, so that nothing is known of it."""
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


class Cues(Struct, frozen=True, array_like=True):
    """What the conversation's flow is computed from: small, and with no need to read the rest.

    `topic` are stems of the message's content words, rarest first, at most 12; `entities` are
    "label:value" of the first 8. `asks`: it holds a question.
    """

    act: str = "inform"
    asks: bool = False
    topic: list[str] = []
    entities: list[str] = []
    intent: str | None = None
    emotion: str = "neutral"
    intensity: float = 0.0
    polarity: float = 0.0
    urgent: bool = False
    words: int = 0


class Flow(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a message stands in its conversation.

    `open_questions` were asked and not answered, by the id of their message. `repeated`: the
    message this one says again. `shift`: 0 to 1, how surely the subject changed with it. `pace`:
    "slow", "steady" or "fast". `escalation`: 0 to 1, with the signals it is made of.
    """

    open_questions: list[str] = []
    answers: str | None = None
    repeated: str | None = None
    shift: float = 0.0
    thread: str | None = None
    pace: str = "steady"
    escalation: float = 0.0
    signals: list[str] = []
