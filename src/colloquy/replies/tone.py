"""In which manner a turn is answered: its tone, its pace, and whether a person is offered.

The rules are our own, in this order, the first that applies:

1. what the setting `replies.tones` says of the emotion;
2. the table `TONES_OF`: each emotion has a tone, and another one from `STRONG` on;
3. where no emotion is sure, the polarity: kind to who is cross, glad with who is glad;
4. who has been cross for a while is answered with empathy also where this message is neutral.

Frustration that is not quite sure counts 0.2 more, up to 1: to miss it costs more than a kind word
too many.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model.errors import InvalidInput
from ..model.reply import TONES, Manner
from ..model.turn import Turn
from ..model.understanding import EMOTIONS, EMOTIONS_OFF, Emotion, Flow, Understanding

STRONG = 0.6
"""The intensity from which a feeling is answered by the second tone of its row."""
SURE = 0.7
"""The confidence from which an emotion is believed."""
DOUBTFUL_FRUSTRATION = 0.8
FRUSTRATION_BONUS = 0.2
LOW_MOOD = -0.3
"""The mood under which a person who feels worse and worse is answered with empathy."""
OFFER_FROM = 0.6
"""The escalation from which a person is offered."""

TONES_OF: dict[str, tuple[str, str]] = {
    "neutral": ("neutral", "neutral"),
    "joy": ("positive", "celebratory"),
    "gratitude": ("positive", "positive"),
    "excited": ("positive", "celebratory"),
    "curiosity": ("neutral", "positive"),
    "confusion": ("encouraging", "calm"),
    "surprise": ("neutral", "calm"),
    "frustrated": ("empathetic", "apologetic"),
    "anger": ("empathetic", "calm"),
    "anxious": ("empathetic", "calm"),
    "sadness": ("empathetic", "empathetic"),
    "disappointment": ("empathetic", "apologetic"),
    "love": ("positive", "celebratory"),
    "relief": ("positive", "positive"),
    "embarrassment": ("encouraging", "empathetic"),
    "disgust": ("empathetic", "apologetic"),
}
"""The tone that answers each emotion: felt a little, felt strongly."""

_BY_POLARITY = {"negative": "empathetic", "neutral": "neutral", "positive": "positive"}
_UNEASY = frozenset({"confusion", "anxious"})
_CROSS = frozenset({"anger", "frustrated", "disgust", "disappointment"})


class Tones:
    """The rules with what the settings change. `fixed`: the one tone for everything."""

    def __init__(self, changed: Iterable[str] = (), fixed: str | None = None) -> None:
        """`changed`: as "frustrated=calm". Raises InvalidInput for no emotion or no tone."""
        self._changed: dict[str, str] = {}
        self._fixed = fixed
        for place, each in enumerate(changed):
            field = f"replies.tones[{place}]"
            emotion, _, tone = (part.strip() for part in each.partition("="))
            if emotion not in EMOTIONS:
                raise InvalidInput(f"{emotion!r} is no emotion", field=field)
            check_tone(tone, field)
            self._changed[emotion] = tone
        if fixed is not None:
            check_tone(fixed, "replies.tone")

    def suggest(self, turn: Turn) -> Manner:
        """How to answer this turn. A turn without a message (a timer's) is neutral."""
        if not turn.incoming:
            return Manner(tone=self._fixed or "neutral")
        understanding, flow = turn.understanding, turn.flow
        at = turn.incoming[-1].received_at
        feelings = turn.feelings
        # A mood only fades: one that is not low enough without its age is looked at no further.
        worsens = (
            feelings.mood < LOW_MOOD
            and feelings.trend == "worse"
            and feelings.mood_at(at) < LOW_MOOD
        )
        if EMOTIONS_OFF in understanding.off:
            return Manner(tone=self._fixed or "neutral", pace=flow.pace)
        tone = self._fixed or self._tone(understanding, worsens)
        return Manner(
            tone=tone,
            pace=_pace(understanding.emotion, flow),
            offer_human=_offers(understanding, flow, worsens),
        )

    def _tone(self, understanding: Understanding, worsens: bool) -> str:
        emotion = understanding.emotion
        is_sure = confidence_of(emotion) >= SURE and emotion.uncertain is None
        label = emotion.label if is_sure else "neutral"
        if label in self._changed:
            return self._changed[label]
        tone = TONES_OF[label][emotion.intensity >= STRONG]
        if tone == "neutral":
            tone = _BY_POLARITY[understanding.feeling]
        return "empathetic" if worsens and tone == "neutral" else tone


def check_tone(tone: str, field: str) -> None:
    """Raises InvalidInput for what is none of `TONES`."""
    if tone not in TONES:
        raise InvalidInput(f"{tone!r} is no tone: {', '.join(TONES)}", field=field)


def confidence_of(emotion: Emotion) -> float:
    """How far an emotion is believed when a tone is chosen."""
    if emotion.label == "frustrated" and emotion.confidence < DOUBTFUL_FRUSTRATION:
        return min(1.0, emotion.confidence + FRUSTRATION_BONUS)
    return emotion.confidence


def _pace(emotion: Emotion, flow: Flow) -> str:
    """Slowly, step by step, for who is confused or afraid; else as fast as the other side is."""
    return "slow" if emotion.label in _UNEASY else flow.pace


def _offers(understanding: Understanding, flow: Flow, worsens: bool) -> bool:
    emotion = understanding.emotion
    is_cross = emotion.label in _CROSS and emotion.intensity >= STRONG
    return flow.escalation >= OFFER_FROM or (is_cross and worsens)
