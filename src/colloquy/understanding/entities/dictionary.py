"""Phrases of users, found with one Aho-Corasick automaton however many there are, and misspelled
ones through an index of deletions.

A word that is no word of the dictionary is looked up with letters left out, as the dictionary's
words were when they were indexed (Garbe's symmetric deletion, 2012): two words within k edits meet
when k letters at most are left out of each. The text is then searched once more with the words that
were meant.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt
from ahocorasick_rs import AhoCorasick
from msgspec import Struct

from ...model.errors import InvalidInput
from .span import Circumstances, Span

FUZZY_LETTERS = (5, 9)
"""Letters of a word from which one edit is forgiven, and from which two are."""
FUZZY_CONFIDENCE = (1.0, 0.85, 0.72)
"""Confidence by edits."""
MAX_ENTRIES = 1_000_000
MAX_PHRASE = 1_000
_LONGEST_FUZZY = 24
"""Letters: longer words would have thousands of deletions."""
_ALTERNATIVES = 3
_MAX_CACHED = 20_000
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


class Entry(Struct, frozen=True):
    """A value of a label with all phrases that mean it (its synonyms)."""

    label: str
    value: str
    phrases: Sequence[str]
    fuzzy: bool = True
    """Are its phrases found with typing errors in them?"""


class Gazetteer(Protocol):
    """Where phrases come from while the process runs."""

    @property
    def version(self) -> str:
        """Differs whenever the entries do."""
        ...

    def entries(self) -> Iterable[Entry]:
        """All entries."""
        ...


def entries_of(
    entities: Mapping[str, Mapping[str, Sequence[str]]], fuzzy: Container[str] = ()
) -> list[Entry]:
    """A pack's entities, phrases by value by label, as entries; `fuzzy` labels forgive typing
    errors."""
    return [
        Entry(label, value, phrases, label in fuzzy)
        for label, values in entities.items()
        for value, phrases in values.items()
    ]


class Dictionary:
    """Whole words only, without regard to case; the longest phrase wins.

    A phrase that belongs to several labels or values is found for each. `update` swaps all entries
    in one assignment: a search sees the old ones or the new ones.
    """

    def __init__(self, entries: Iterable[Entry] = (), *, fuzzy: bool = True) -> None:
        """Raises InvalidInput as `update` does."""
        self._fuzzy = fuzzy
        self.update(entries)

    def __len__(self) -> int:
        """Distinct phrases."""
        return len(self._index.meanings)

    def update(self, entries: Iterable[Entry]) -> None:
        """Replaces all entries. Raises InvalidInput: a phrase that is empty or too long, or more
        than `MAX_ENTRIES` phrases."""
        self._index = _Index(entries, self._fuzzy)

    def find(self, text: str, _: Circumstances) -> Iterator[Span]:
        """Value: the entry's. Misspelled phrases come with less confidence."""
        index = self._index
        if not index.meanings:
            return
        folded = fold(text)
        exact = index.search(folded)
        for place, start, end in exact:
            for label, value in index.meanings[place]:
                yield Span(label, start, end, value)
        if index.fuzzy is None:
            return
        taken = [(start, end) for _, start, end in exact]
        seen: set[tuple[int, int, int]] = set()
        for place, start, end, edits in index.misspelled(folded):
            if (place, start, end) in seen or any(a <= start and end <= b for a, b in taken):
                continue
            seen.add((place, start, end))
            for label, value in index.meanings[place]:
                yield Span(label, start, end, value, FUZZY_CONFIDENCE[edits])


class _Index:
    """Everything built from one set of entries; never changes but for its cache."""

    def __init__(self, entries: Iterable[Entry], fuzzy: bool) -> None:
        meanings: dict[str, list[tuple[str, str]]] = {}
        forgiving: set[str] = set()
        for entry in entries:
            for phrase in entry.phrases:
                key = fold(phrase.strip())
                if not key or len(key) > MAX_PHRASE:
                    raise InvalidInput(
                        f"a phrase has 1 to {MAX_PHRASE} characters, not {len(key)}",
                        field=f"entities.{entry.label}",
                    )
                if entry.fuzzy:
                    forgiving.add(key)
                known = meanings.setdefault(key, [])
                if (entry.label, entry.value) not in known:
                    known.append((entry.label, entry.value))
        if len(meanings) > MAX_ENTRIES:
            raise InvalidInput(f"{len(meanings)} phrases; the limit is {MAX_ENTRIES}")
        self._forgiving = {place for place, key in enumerate(meanings) if key in forgiving}
        self.meanings = list(meanings.values())
        self._automaton = AhoCorasick(list(meanings))
        self.fuzzy = _Spelling(sorted(forgiving)) if fuzzy and forgiving else None

    def search(self, folded: str) -> list[tuple[int, int, int]]:
        """(phrase, start, end) of whole words, the longest of those that overlap."""
        found = [
            (place, start, end)
            for place, start, end in self._automaton.find_matches_as_indexes(
                folded, overlapping=True
            )
            if _whole(folded, start, end)
        ]
        if len(found) < 2:
            return found
        found.sort(key=lambda match: (match[1] - match[2], match[1]))
        taken = bytearray(len(folded))
        kept = []
        for match in found:
            _, start, end = match
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                kept.append(match)
        kept.sort(key=lambda match: match[1])
        return kept

    def misspelled(self, folded: str) -> Iterator[tuple[int, int, int, int]]:
        """(phrase, start, end, edits) of phrases with a misspelled word."""
        if self.fuzzy is None:
            return
        wrong = [
            (match.start(), match.end(), meant)
            for match in _WORD.finditer(folded)
            if (meant := self.fuzzy.meant(match[0]))
        ]
        if not wrong:
            return
        for choice in range(max(len(meant) for _, _, meant in wrong)):
            pieces: list[str] = []
            edges: list[tuple[int, int, int, int, int]] = []
            at = length = 0
            for start, end, meant in wrong:
                word, edits = meant[min(choice, len(meant) - 1)]
                pieces += [folded[at:start], word]
                length += start - at
                edges.append((length, length + len(word), start, end, edits))
                length += len(word)
                at = end
            pieces.append(folded[at:])
            for place, start, end in self.search("".join(pieces)):
                inside = [edge for edge in edges if start <= edge[0] and edge[1] <= end]
                edits = sum(edge[4] for edge in inside)
                if place not in self._forgiving:
                    continue
                if not inside or edits >= len(FUZZY_CONFIDENCE):
                    continue
                if edits == 2 and end - start < FUZZY_LETTERS[1]:
                    continue
                yield place, _back(start, edges), _back(end, edges), edits


class _Spelling:
    """Words of the dictionary by what is left when letters are left out."""

    def __init__(self, phrases: Iterable[str]) -> None:
        every = {word[0] for phrase in phrases for word in _WORD.finditer(phrase)}
        self._all = frozenset(every)
        self._words = sorted(word for word in every if _forgiven(word))
        keys: list[int] = []
        owners: list[int] = []
        for place, word in enumerate(self._words):
            left = _deletions(word)
            keys += left
            owners += [place] * len(left)
        order = np.argsort(np.array(keys, np.uint32), kind="stable")
        self._keys: npt.NDArray[np.uint32] = np.array(keys, np.uint32)[order]
        self._owners: npt.NDArray[np.uint32] = np.array(owners, np.uint32)[order]
        self._cache: dict[str, tuple[tuple[str, int], ...]] = {}

    def meant(self, word: str) -> tuple[tuple[str, int], ...]:
        """The nearest words of the dictionary with their edits, at most `_ALTERNATIVES`; none if
        it is one itself or none is near. The first letter must be right."""
        known = self._cache.get(word)
        if known is None:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            known = self._cache[word] = self._nearest(word)
        return known

    def _nearest(self, word: str) -> tuple[tuple[str, int], ...]:
        if word in self._all or len(word) + 2 < FUZZY_LETTERS[0] or len(word) > _LONGEST_FUZZY:
            return ()
        keys = np.array(_deletions(word, 2), np.uint32)
        low = np.searchsorted(self._keys, keys, "left")
        high = np.searchsorted(self._keys, keys, "right")
        places = {
            int(place)
            for first, last in zip(low.tolist(), high.tolist(), strict=True)
            for place in self._owners[first:last]
        }
        near = []
        for place in places:
            other = self._words[place]
            if other[0] != word[0]:
                continue
            edits = distance(word, other, _forgiven(other))
            if edits is not None:
                near.append((edits, other))
        near.sort()
        return tuple((other, edits) for edits, other in near[:_ALTERNATIVES] if edits == near[0][0])


def distance(first: str, second: str, most: int) -> int | None:
    """Edits between two words (a letter more, less, other, or two swapped), None beyond `most`."""
    if abs(len(first) - len(second)) > most:
        return None
    before: list[int] = []
    row = list(range(len(second) + 1))
    for at, letter in enumerate(first, 1):
        following = [at]
        for to, other in enumerate(second, 1):
            cost = min(row[to] + 1, following[to - 1] + 1, row[to - 1] + (letter != other))
            if at > 1 and to > 1 and letter == second[to - 2] and first[at - 2] == other:
                cost = min(cost, before[to - 2] + 1)
            following.append(cost)
        if min(following) > most:
            return None
        before, row = row, following
    return row[-1] if row[-1] <= most else None


def _forgiven(word: str) -> int:
    """Edits that are forgiven in a word of the dictionary."""
    if len(word) > _LONGEST_FUZZY:
        return 0
    return sum(len(word) >= letters for letters in FUZZY_LETTERS)


def _deletions(word: str, most: int | None = None) -> list[int]:
    """Keys of the word with up to `most` letters left out (else as many as are forgiven)."""
    most = _forgiven(word) if most is None else most
    return list(
        {
            crc32("".join(kept).encode("utf-8", "surrogatepass"))
            for left in range(most + 1)
            for kept in combinations(word, len(word) - left)
        }
    )


def _back(at: int, edges: Sequence[tuple[int, int, int, int, int]]) -> int:
    """A place in the corrected text as a place in the text itself."""
    shift = 0
    for start, end, first, last, _ in edges:
        if at <= start:
            break
        if at < end:
            return first
        shift = last - end
    return at + shift


def _whole(text: str, start: int, end: int) -> bool:
    """Do no letters go on before or after?"""
    if start and text[start].isalnum() and text[start - 1].isalnum():
        return False
    return not (end < len(text) and text[end].isalnum() and text[end - 1].isalnum())


def fold(text: str) -> str:
    """Lower case that keeps the length, so that offsets stay right ("İ" alone would grow)."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
