"""Typing errors mended before intents are told apart: "depsoit" is read as "deposit".

A word is mended when the pack's examples do not have it, it is no English word that is known (it
has no vector, see `vectors.words`), and one word of the examples is a single edit away: a letter
more, less, other, or two neighbours changed round (Damerau, 1964). Both have `LEAST` letters, and
begin with the same one, as nearly all misspelt words do. Of several, that of the most examples is
taken; of equals, none. Candidates are found by what is left when one letter is taken out of either
(SymSpell). Only for packs in English: of other languages the words that are right are not known.
"""

from __future__ import annotations

from collections import Counter

from ..intent import tokens_of
from ..pack import Pack
from ..vectors.words import load_words
from .claims import plain

LEAST = 5
"""Letters of a word that is mended, and of what it is mended to: below, one edit makes too many
words into others."""
LONGEST = 30
_MAX_KEPT = 20_000


class Spelling:
    """The words of a pack. Not safe for two threads at once (it remembers what it mended)."""

    def __init__(self, pack: Pack | None) -> None:
        english = pack is not None and pack.language == "en"
        texts = [row.text for row in pack.rows()] if pack is not None and english else []
        self._counts = Counter(word for text in texts for word in set(tokens_of(plain(text))))
        self._shorter: dict[str, list[str]] = {}
        for word in sorted(self._counts):
            if LEAST <= len(word) <= LONGEST and word.isalpha():
                for part in {word, *_without_one(word)}:
                    self._shorter.setdefault(part, []).append(word)
        self._mended: dict[str, str] = {}

    def mend(self, words: list[str]) -> list[str]:
        """The words with typing errors mended; as many as before."""
        if not self._shorter:
            return words
        return [word if word in self._counts else self._mend(word) for word in words]

    def _mend(self, word: str) -> str:
        found = self._mended.get(word)
        if found is None:
            if len(self._mended) >= _MAX_KEPT:
                self._mended.clear()
            found = self._mended[word] = self._search(word)
        return found

    def _search(self, word: str) -> str:
        if not LEAST - 1 <= len(word) <= LONGEST or not word.isalpha():
            return word
        near = {
            other
            for part in (word, *_without_one(word))
            for other in self._shorter.get(part, ())
            if other[0] == word[0] and one_edit(word, other)
        }
        if not near or load_words().find(word) is not None:
            return word
        ordered = sorted(near, key=lambda other: (-self._counts[other], other))
        if len(ordered) > 1 and self._counts[ordered[0]] == self._counts[ordered[1]]:
            return word
        return ordered[0]


def one_edit(one: str, other: str) -> bool:
    """Is one letter more, less or other, or are two neighbours changed round? False for equals."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    left, right = one[start:], other[start:]
    if len(left) == len(right):
        return left[1:] == right[1:] or (
            left[:2] == right[1::-1] and left[2:] == right[2:] and len(left) > 1
        )
    return left[1:] == right or left == right[1:]


def _without_one(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place in range(len(word))]
