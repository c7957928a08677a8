"""Cues: words, phrases, emoji and emoticons that say by themselves how someone feels.

Each has a probability, by our own judgement, that a customer's message with it shows that emotion.
A negation among the three words before turns a pleasant cue into a weaker disappointment and takes
an unpleasant one away ("not worried"); thanks are never denied. An intensifier beside a word makes
it surer. Emoji count `polarity.EMOJI_WEIGHT` times a word's: as the exponent of the doubt they
leave. Where nothing says what is felt, trouble that has been going on is a sign of frustration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ..polarity import EMOJI_WEIGHT, INTENSIFIERS, NEGATIONS, emoticons_of
from .cue_words import BURDEN, EMOJI, ENGLISH, OTHERS, TROUBLE

REACH = 3
"""Words that a negation reaches over."""
NEGATED = 0.7
TROUBLED = 0.55
"""How surely trouble that has been going on frustrates, where no cue says what is felt."""
_MOST_WORDS = 512
_SUREST = 0.97

_DENIALS = NEGATIONS - {"no", "nothing"}
PLEASANT = frozenset({"joy", "gratitude", "excited", "love", "relief"})

Cue = tuple[tuple[str, ...], str, float]


def _listed(cues: dict[str, dict[float, str]]) -> dict[str, list[Cue]]:
    """Cues by their first word, the longest first."""
    found: dict[str, list[Cue]] = {}
    for emotion, levels in cues.items():
        for probability, phrases in levels.items():
            for phrase in phrases.split("|"):
                words = tuple(phrase.split())
                found.setdefault(words[0], []).append((words, emotion, probability))
    return {word: sorted(known, key=lambda cue: -len(cue[0])) for word, known in found.items()}


_BY_LANGUAGE = {
    "en": _listed(ENGLISH),
    **{language: _listed(cues) for language, cues in OTHERS.items()},
}
_SYMBOLS = {
    symbol: (emotion, 1 - (1 - probability) ** EMOJI_WEIGHT)
    for emotion, (probability, symbols) in EMOJI.items()
    for symbol in symbols
}


class Cues(Struct, frozen=True):
    """What the cues of a text say: the probability of each emotion that one speaks for, two of them
    making it surer, and the emotions that were denied."""

    felt: dict[str, float]
    denied: frozenset[str]


def cues_of(text: str, tokens: Sequence[str], language: str = "en") -> Cues:
    """The cues of a text; `tokens` are its `intent.tokens_of`. Words count in English and in the
    languages that have a list; emoji and emoticons in every one."""
    doubt: dict[str, float] = {}
    denied: set[str] = set()

    def speak(emotion: str, probability: float) -> None:
        doubt[emotion] = doubt.get(emotion, 1.0) * (1 - probability)

    for emotion, probability, is_denied in _said(tokens, language):
        if not is_denied:
            speak(emotion, probability)
            continue
        denied.add(emotion)
        if emotion in PLEASANT:
            speak("disappointment", NEGATED * probability)
    if language == "en" and not (doubt or TROUBLE.isdisjoint(tokens) or BURDEN.isdisjoint(tokens)):
        speak("frustrated", TROUBLED)
    if not text.isascii():
        for symbol in text:
            if symbol in _SYMBOLS:
                speak(*_SYMBOLS[symbol])
    for strength in emoticons_of(text):
        probability = 1 - (1 - min(0.6, abs(strength) / 5)) ** EMOJI_WEIGHT
        speak("joy" if strength > 0 else "disappointment", probability)
    felt = {emotion: min(_SUREST, 1 - left) for emotion, left in doubt.items()}
    return Cues(felt, frozenset(denied))


def _said(tokens: Sequence[str], language: str) -> Iterable[tuple[str, float, bool]]:
    """Emotion, probability, and whether it is denied, of each cue among the words."""
    by_word = _BY_LANGUAGE.get(language)
    if by_word is None or by_word.keys().isdisjoint(tokens):
        return
    words = tokens[:_MOST_WORDS]
    free = 0
    for at in [at for at, word in enumerate(words) if word in by_word]:
        if at < free:
            continue
        for phrase, emotion, probability in by_word[words[at]]:
            end = at + len(phrase)
            if len(phrase) > 1 and tuple(words[at:end]) != phrase:
                continue
            free = end
            before = words[max(0, at - REACH) : at]
            if before and before[-1] in INTENSIFIERS:
                probability = 1 - (1 - probability) ** INTENSIFIERS[before[-1]]
            # "No thanks" and "nothing else, thank you" are polite.
            yield emotion, probability, emotion != "gratitude" and not _DENIALS.isdisjoint(before)
            break
