"""Phrases of a pack, found with one Aho-Corasick automaton however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ahocorasick_rs import AhoCorasick, MatchKind

from .span import Circumstances, Span


class Dictionary:
    """Whole words only, without regard to case; the longest phrase wins."""

    def __init__(self, entities: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        meanings: dict[str, tuple[str, str]] = {}
        for label, values in entities.items():
            for value, phrases in values.items():
                for phrase in phrases:
                    meanings.setdefault(fold(phrase.strip()), (label, value))
        self._meanings = list(meanings.values())
        self._automaton = AhoCorasick(list(meanings), matchkind=MatchKind.LeftmostLongest)

    def find(self, text: str, _: Circumstances) -> Iterator[Span]:
        """Value: the pack's name for the phrase."""
        folded = fold(text)
        for index, start, end in self._automaton.find_matches_as_indexes(folded):
            if start and folded[start].isalnum() and folded[start - 1].isalnum():
                continue
            if end < len(folded) and folded[end].isalnum() and folded[end - 1].isalnum():
                continue
            label, value = self._meanings[index]
            yield Span(label, start, end, value)


def fold(text: str) -> str:
    """Lower case that keeps the length, so that offsets stay right ("İ" alone would grow)."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
