"""How one person usually feels: a small state that each message moves on.

Pure: state in, state out, with the message's own time as the clock. The state is JSON, has a fixed
bound and is meant to be kept with the conversation or the person.
"""

from __future__ import annotations

from math import exp

from msgspec import Struct

from ...model.errors import InvalidInput
from ...model.understanding import EMOTIONS, Emotion

MAX_HISTORY = 10
"""The most feelings that are remembered one by one."""
MAX_TRANSITIONS = 6
"""Pairs of feelings that are counted; the rarest gives way."""
MOOD_SHARE = 0.3
"""How much a new message moves the mood."""
MOOD_HALF_LIFE_US = 24 * 3600 * 1_000_000
"""After a day of silence half of the mood is left."""
TREND = 0.15
"""Difference of two halves of the history from which there is a trend."""
_LEAST_FOR_TREND = 4
_MOST_COUNTED = 1_000_000

VALENCE = {
    "neutral": 0.0, "joy": 0.8, "gratitude": 0.7, "excited": 0.9, "curiosity": 0.2,
    "confusion": -0.2, "surprise": 0.1, "frustrated": -0.7, "anger": -1.0, "anxious": -0.6,
    "sadness": -0.8, "disappointment": -0.6, "love": 1.0, "relief": 0.5, "embarrassment": -0.3,
    "disgust": -0.8,
}  # fmt: skip
"""How pleasant each emotion is, -1 to 1."""


class Felt(Struct, frozen=True, array_like=True, gc=False):
    """One message's feeling: when (microseconds since 1970), label, intensity (0 to 1)."""

    at_us: int
    label: str
    intensity: float


class Patterns(Struct, frozen=True, omit_defaults=True, gc=False):
    """One person's feelings so far.

    `counts` are messages by emotion, `transitions` by "from>to" where it changed; `mood` runs from
    -1 to 1 as it was after the last message.
    """

    history: tuple[Felt, ...] = ()
    counts: dict[str, int] = {}
    transitions: dict[str, int] = {}
    mood: float = 0.0

    @property
    def messages(self) -> int:
        """How many were counted."""
        return sum(self.counts.values())

    @property
    def usual(self) -> str:
        """The most frequent emotion that is not neutral; "neutral" if there is none."""
        felt = {label: count for label, count in self.counts.items() if label != "neutral"}
        return max(sorted(felt), key=lambda label: felt[label]) if felt else "neutral"

    @property
    def trend(self) -> str:
        """ "better", "worse" or "steady": the later half of the history against the earlier."""
        if len(self.history) < _LEAST_FOR_TREND:
            return "steady"
        values = [_value(felt.label, felt.intensity) for felt in self.history]
        middle = len(values) // 2
        change = sum(values[middle:]) / len(values[middle:]) - sum(values[:middle]) / middle
        if abs(change) < TREND:
            return "steady"
        return "better" if change > 0 else "worse"

    def mood_at(self, at_us: int) -> float:
        """The mood at a time: it fades by half in `MOOD_HALF_LIFE_US`."""
        return round(self.mood * self._faded(at_us), 4)

    def summary(self) -> str:
        """The state in a sentence, for people."""
        if not self.messages:
            return "no messages yet"
        mood = "good" if self.mood > 0.2 else "bad" if self.mood < -0.2 else "even"
        felt = [(count, label) for label, count in self.counts.items() if label != "neutral"]
        felt.sort(key=lambda pair: (-pair[0], pair[1]))
        listed = ", ".join(f"{label} {count}" for count, label in felt[:3]) or "nothing but neutral"
        return (
            f"{self.messages} messages: {listed}; mood {mood} ({self.mood:+.2f}), {self.trend}; "
            f"last {self.history[-1].label}"
        )

    def _faded(self, at_us: int) -> float:
        if not self.history:
            return 1.0
        silent = max(0, at_us - self.history[-1].at_us)
        return exp(-0.6931471805599453 * silent / MOOD_HALF_LIFE_US)


def step(
    state: Patterns, emotion: Emotion, at_us: int, *, max_history: int = MAX_HISTORY
) -> Patterns:
    """The state after a message with this feeling, at its time in microseconds since 1970.

    Raises InvalidInput for an emotion that is none of `EMOTIONS`, or a `max_history` that is not
    between 1 and `MAX_HISTORY`.
    """
    if emotion.label not in EMOTIONS:
        raise InvalidInput(f"{emotion.label!r} is no emotion", field="label")
    if not 1 <= max_history <= MAX_HISTORY:
        raise InvalidInput(f"max_history is 1 to {MAX_HISTORY}", field="max_history")
    counts = dict(state.counts)
    counts[emotion.label] = min(_MOST_COUNTED, counts.get(emotion.label, 0) + 1)
    transitions = state.transitions
    if state.history and state.history[-1].label != emotion.label:
        transitions = _counted(transitions, f"{state.history[-1].label}>{emotion.label}")
    faded = state.mood * state._faded(at_us)
    value = _value(emotion.label, emotion.intensity)
    return Patterns(
        history=(*state.history, Felt(at_us, emotion.label, round(emotion.intensity, 2)))[
            -max_history:
        ],
        counts=counts,
        transitions=transitions,
        mood=round((1 - MOOD_SHARE) * faded + MOOD_SHARE * value, 4),
    )


def _counted(transitions: dict[str, int], name: str) -> dict[str, int]:
    counted = {**transitions, name: min(_MOST_COUNTED, transitions.get(name, 0) + 1)}
    if len(counted) > MAX_TRANSITIONS:
        rarest = min((one for one in counted if one != name), key=lambda one: (counted[one], one))
        del counted[rarest]
    return counted


def _value(label: str, intensity: float) -> float:
    """How pleasant a feeling is, -1 to 1: a weak one counts half."""
    return VALENCE[label] * (0.5 + 0.5 * intensity)
