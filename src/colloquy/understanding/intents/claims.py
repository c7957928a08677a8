"""Whether an intent is claimed: by the pack's threshold and margin, by example, by its parent."""

from __future__ import annotations

import unicodedata
from typing import Literal

from msgspec import Struct

from ..intent import Guess, tokens_of
from ..pack import DEFAULT_MARGIN, DEFAULT_THRESHOLD, Pack

Why = Literal["sure", "example", "parent", "unsure", "torn", "nothing"]


def plain(text: str) -> str:
    """The text with full-width, mathematical and other compatible forms of letters as the usual
    ones (Unicode's NFKC); offsets in it are not those of the text."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


class Claim(Struct, frozen=True):
    """The intent that is claimed if any is, the nearest one, and the confidence of the first, or
    else of the second.

    `why`: the guess is "sure"; the text is an "example"; a "parent" of intents is sure; the guess
    is "unsure", below the threshold; "torn", with too small a lead; there is "nothing" to go by.
    """

    intent: str | None
    guess: str | None
    confidence: float
    why: Why


class Claims:
    """The threshold, margin and examples of a pack."""

    def __init__(self, pack: Pack | None) -> None:
        self.threshold = pack.threshold if pack is not None else DEFAULT_THRESHOLD
        self.margin = pack.margin if pack is not None else DEFAULT_MARGIN
        # What was given as an example is what it was given for, however few examples there are.
        self._examples: dict[tuple[str, ...], list[str]] = {}
        for name, known in pack.intents.items() if pack is not None else ():
            for text in known.examples:
                self._examples.setdefault(tuple(tokens_of(plain(text))), []).append(name)

    def is_sure(self, guess: Guess) -> bool:
        """Does it reach the threshold and the margin?"""
        return guess.confidence >= self.threshold and guess.lead >= self.margin

    def given(self, words: list[str]) -> list[str]:
        """The intents that a text of these words is an example of."""
        return self._examples.get(tuple(words), [])

    def decide(self, words: list[str], guess: Guess, parent: Guess | None) -> Claim:
        """What is claimed of a text with its nearest intent and the parent that is sure, if any."""
        if guess.intent and self.is_sure(guess):
            return Claim(guess.intent, guess.intent, guess.confidence, "sure")
        if given := self.given(words):
            return Claim(given[-1], given[-1], max(guess.confidence, self.threshold), "example")
        if parent is not None:
            return Claim(parent.intent, guess.intent, parent.confidence, "parent")
        if not guess.intent:
            return Claim(None, None, guess.confidence, "nothing")
        unsure = guess.confidence < self.threshold
        return Claim(None, guess.intent, guess.confidence, "unsure" if unsure else "torn")
