"""One feeling per message: model, cues and rules put together.

The model and the cues are taken for independent witnesses: the probability of an emotion is that
not all of them are wrong (a noisy or; Pearl, 1988). The model's 28 labels are first folded into the
working set. It learned from forum comments, where plain questions count as curiosity and confusion,
so in customers' messages it is believed less in those. A custom rule decides alone. In other
languages than English only cues and rules speak.

`confidence` of a message without cues is the model's, calibrated on forum comments. `intensity` is
how strong the emotion is by itself, raised by exclamation marks, shouting and how good or bad the
words are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...model.understanding import EMOTIONS, Emotion, Label
from ..polarity import polarity_of
from .cues import PLEASANT, Cues, cues_of
from .labels import FINE
from .model import EmotionModel
from .rules import EmotionRules
from .thresholds import Floats

VERSION = "1"
_NEUTRAL = EMOTIONS.index("neutral")
THRESHOLD = 0.35
"""Confidence below which a message counts as neutral."""
FRUSTRATED_BELOW, FRUSTRATED_BONUS = 0.8, 0.2
"""A frustrated customer is better recognised once too often: the reference plan's figures."""
UNTOLD_NEUTRAL = 0.6
"""How surely a text is neutral that no cue and no model speaks for."""
CUE_RIGHT = 0.5
"""How far a sure cue of one emotion takes belief from what the model sees of another."""
DENIED = 0.3
"""What is left of what the model sees of an emotion that is denied ("not happy")."""
MOST_FINE = 3
SARCASM_DOUBT = 0.6
"""What is left of the confidence where the words may mean their opposite."""

_TRUST = {
    "curiosity": 0.8, "confusion": 0.8, "surprise": 0.7, "disappointment": 0.7, "frustrated": 0.8,
    "joy": 0.8, "anger": 0.8, "sadness": 0.8, "disgust": 0.7, "embarrassment": 0.7, "love": 0.6,
    "relief": 0.8,
}  # fmt: skip
_ASKED = {"curiosity": 0.3, "confusion": 0.4}
"""How far the model is believed: by our own judgement; less where someone asks."""
_FELT = {
    "neutral": 0.0, "joy": 0.55, "gratitude": 0.5, "excited": 0.75, "curiosity": 0.3,
    "confusion": 0.4, "surprise": 0.5, "frustrated": 0.6, "anger": 0.85, "anxious": 0.6,
    "sadness": 0.65, "disappointment": 0.5, "love": 0.7, "relief": 0.45, "embarrassment": 0.4,
    "disgust": 0.7,
}  # fmt: skip
_PRAISE = (
    "great",
    "lovely",
    "wonderful",
    "fantastic",
    "brilliant",
    "perfect",
    "nice",
    "awesome",
    "amazing",
)
_POSITIVE_WORDS = rf"(?:{'|'.join(_PRAISE)})"
_SARCASM = re.compile(
    rf"\b(?:thanks|thank you) (?:for nothing|a lot for (?:not|wasting|ruining|ignoring))\b"
    rf"|\b(?:oh|yeah|well)[ ,]+(?:right|{_POSITIVE_WORDS}|sure)\b"
    rf"|\bjust (?:what i (?:needed|wanted)|{_POSITIVE_WORDS})\b|(?:^|\s)/s\b"
    rf"|[\"“”'‘]{_POSITIVE_WORDS}[\"“”'’] "
    rf"|\b{_POSITIVE_WORDS}[,.!]+ (?:another|yet another|again|still|now|so)\b"
    rf"|\b(?:well done|good job|congratulations)\b.{{0,40}}"
    r"\b(?:broke|wrong|lost|ruin|fail|late|again)",
    re.IGNORECASE,
)
_IRONIC_WORDS = frozenset(
    {*_PRAISE, "thanks", "thank", "oh", "yeah", "well", "just", "good", "congratulations"}
)
"""Each turn of irony has one of these, or the mark: a text without is not searched."""
_ROLLING = "🙄"
_COMPLAINS = frozenset({"frustrated", "anger", "disappointment", "disgust"})


class FeelingReader:
    """Reads feelings out of batches of messages. Not safe for two threads at once.

    Args:
        rules: a user's own.
        model: see `ship.load_shipped`; None: cues and rules alone.
        threshold: confidence below which a message counts as neutral.
    """

    def __init__(
        self,
        rules: EmotionRules | None = None,
        model: EmotionModel | None = None,
        *,
        threshold: float = THRESHOLD,
    ) -> None:
        self._rules = rules if rules is not None else EmotionRules()
        self._model = model
        self._threshold = threshold
        labels = model.labels if model is not None else []
        self._cuts = np.array(model.header.cuts) if model is not None else np.empty(0)
        self._columns = [
            (emotion, columns)
            for emotion in EMOTIONS
            if (columns := [at for at, one in enumerate(labels) if _working(one) == emotion])
        ]
        self.version = VERSION if model is None else f"{VERSION}@{model.version}"

    def read(
        self,
        texts: Sequence[str],
        tokens: Sequence[list[str]],
        languages: Sequence[str | None],
    ) -> list[Emotion]:
        """One feeling for each text. `tokens` are their `intent.tokens_of`; a language of None
        counts as English. The result of a text does not depend on the others."""
        english = [language is None or language == "en" for language in languages]
        weights = np.zeros((len(texts), len(EMOTIONS)))
        weights[:, _NEUTRAL] = UNTOLD_NEUTRAL
        fine: dict[int, tuple[Label, ...]] = {}
        seen = [at for at, known in enumerate(english) if known]
        if self._model is not None and seen:
            found = self._model.probabilities([texts[at] for at in seen])
            asking = np.array(["?" in tokens[at] for at in seen])
            told = [row for row, at in enumerate(seen) if tokens[at]]
            rows = [seen[row] for row in told]
            weights[rows] = self._believed(found, asking)[told]
            fine = dict(zip(rows, self._fine(found[told]), strict=True))
        cues = [
            cues_of(text, words, language or "en")
            for text, words, language in zip(texts, tokens, languages, strict=True)
        ]
        for at, one in enumerate(cues):
            if one.felt or one.denied:
                weights[at] = _with_cues(weights[at].tolist(), one)
        # The first of equals, as everywhere.
        best = weights.argmax(axis=1).tolist()
        return [
            self._one(text, words, one, EMOTIONS[place], row, fine.get(at, ()))
            for at, (text, words, one, place, row) in enumerate(
                zip(texts, tokens, cues, best, weights.tolist(), strict=True)
            )
        ]

    def _one(
        self,
        text: str,
        words: list[str],
        cues: Cues,
        label: str,
        weights: list[float],
        fine: tuple[Label, ...],
    ) -> Emotion:
        """`label` is the emotion that has the highest of `weights`, of the working set."""
        uncertain = "sarcasm" if _sarcastic(text, words, cues.felt) else None
        rule = self._rules.first(text) if len(self._rules) else None
        if rule is not None:
            label, confidence = rule.emotion, rule.confidence
        else:
            confidence = max(weights)
            if uncertain is not None:
                confidence *= SARCASM_DOUBT
        if label != "neutral" and confidence < self._threshold:
            label, confidence = "neutral", max(weights[_NEUTRAL], 1 - confidence)
        if label == "frustrated" and confidence < FRUSTRATED_BELOW:
            confidence = min(1.0, confidence + FRUSTRATED_BONUS)
        return Emotion(
            label=label,
            confidence=round(confidence, 4),
            intensity=_intensity(text, words, label, confidence) if label != "neutral" else 0.0,
            fine=fine,
            uncertain=uncertain,
            rule=rule.title if rule is not None else None,
        )

    def _believed(self, found: Floats, asking: npt.NDArray[np.bool_]) -> Floats:
        """The model's probabilities in the working set (texts, EMOTIONS), as far as it is trusted;
        `asking` are the texts that ask something."""
        believed = np.zeros((len(found), len(EMOTIONS)))
        for emotion, columns in self._columns:
            place = EMOTIONS.index(emotion)
            if emotion == "neutral":  # not added up: what is mildly felt is not neutral for sure
                believed[:, place] = found[:, columns].max(axis=1)
                continue
            doubt = np.ones(len(found))
            for column in columns:
                doubt *= 1.0 - found[:, column]
            trust = _TRUST.get(emotion, 1.0)
            believed[:, place] = (1.0 - doubt) * np.where(asking, _ASKED.get(emotion, trust), trust)
        return believed

    def _fine(self, found: Floats) -> list[tuple[Label, ...]]:
        """For each row of the model's probabilities the fine labels above their thresholds, surest
        first."""
        assert self._model is not None
        above: list[list[tuple[float, str]]] = [[] for _ in found]
        rows, columns = np.nonzero(found >= self._cuts)
        sure = found[rows, columns].tolist()
        for row, column, chance in zip(rows.tolist(), columns.tolist(), sure, strict=True):
            above[row].append((chance, self._model.labels[column]))
        return [_surest(labels) if labels else () for labels in above]


def _with_cues(weights: list[float], cues: Cues) -> list[float]:
    """The weights of the working set with what the cues of the text say."""
    told = max(cues.felt.values(), default=0.0)
    for place, emotion in enumerate(EMOTIONS):
        weight = weights[place]
        if emotion == "neutral":
            weight *= 1 - told
        elif emotion in cues.felt:
            weight = 1 - (1 - weight) * (1 - cues.felt[emotion])
        else:
            weight *= (1 - CUE_RIGHT * told) * (DENIED if emotion in cues.denied else 1.0)
        weights[place] = weight
    return weights


def _surest(labels: list[tuple[float, str]]) -> tuple[Label, ...]:
    labels.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(Label(name, round(sure, 4)) for sure, name in labels[:MOST_FINE])


def _working(fine: str) -> str:
    place = FINE.get(fine)
    return place.working if place is not None else fine


def _sarcastic(text: str, words: list[str], cues: dict[str, float]) -> bool:
    """May the words mean their opposite? Praise beside a complaint, and turns of irony."""
    ironic = not _IRONIC_WORDS.isdisjoint(words) or "/s" in text or "/S" in text
    if ironic and _SARCASM.search(text) is not None:
        return True
    if not cues:
        return False
    hopeful = max((cues.get(emotion, 0.0) for emotion in PLEASANT), default=0.0)
    complaining = max((cues.get(emotion, 0.0) for emotion in _COMPLAINS), default=0.0)
    return hopeful >= 0.4 and (_ROLLING in text or (complaining >= 0.85 and "but" not in text))


def _intensity(text: str, words: list[str], label: str, confidence: float) -> float:
    """0 to 1, two decimals: a calm statement is at most 0.65, shouting and praise or blame add."""
    strength = _FELT[label] * (0.5 + 0.25 * confidence)
    strength += 0.15 * abs(polarity_of(text, words)) if label in PLEASANT | _COMPLAINS else 0.0
    strength += 0.05 * min(3, text.count("!"))
    letters = [letter for letter in text[:500] if letter.isalpha()]
    if len(letters) > 8 and sum(map(str.isupper, letters)) > 0.7 * len(letters):
        strength += 0.15
    return round(min(1.0, strength), 2)
