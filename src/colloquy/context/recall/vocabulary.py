"""Words as recall compares them: a term, which is the CRC-32 of their stem, so that an index keeps
no text; and a vector, which is short for common words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from ...understanding.flow.words import stem
from ...understanding.vectors.words import WIDTH, Floats, WordVectors

MOST_WORDS = 16_384
"""Words that are kept, for all conversations together: 8 MB of vectors."""

SHORTEST = 0.2
"""Length of a vector that counts: a third of all words have shorter ones, which change nothing."""

_NO_TERM = 0
_NO_VECTOR = 0
_ROW_BITS = 15
_ROW_MASK = (1 << _ROW_BITS) - 1
_CHUNK = 64
"""Texts whose vectors are added up at a time: they stay in the processor's cache."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_PLAIN = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() or chr(code) == "'" else ord(" ")
    for code in range(128)
).ljust(256)
"""What each byte of ASCII stands for: its lower case, or a blank."""


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, with their accents."""
    if text.isascii():  # by far the faster way
        words = text.encode("ascii").translate(_PLAIN).decode("ascii").split()
        return words if "'" not in text else [bare for one in words if (bare := one.strip("'"))]
    return _WORD.findall(text.lower().replace("\u2019", "'"))


class Words(NamedTuple):
    """What a vocabulary knows of some texts. `terms`: of their words in order, function words left
    out; `texts`: the place of the text that each term is of; `sums` (texts, WIDTH): of the vectors
    of each text's words."""

    terms: npt.NDArray[np.int64]
    texts: npt.NDArray[np.intp]
    sums: Floats


class Vocabulary:
    """The words that were met last. One for all conversations; not for two threads at once."""

    def __init__(self, vectors: WordVectors, most: int = MOST_WORDS) -> None:
        """`most`: words that are kept, at most `MOST_WORDS`."""
        self._vectors = vectors
        self._most = min(most, MOST_WORDS)
        self._known: dict[str, int] = {}
        """Of each word its term and, in the lowest `_ROW_BITS`, the row of its vector."""
        self._matrix: Floats = np.zeros((self._most + 1, WIDTH), np.float32)
        self._used = _NO_VECTOR + 1

    def read(self, texts: Sequence[list[str]]) -> Words:
        """`texts` as `words_of` gives them."""
        self._learn(texts)
        get = self._known.__getitem__
        kept = [[found for found in map(get, words) if found] for words in texts]
        lengths = np.fromiter(map(len, kept), np.intp, len(kept))
        place = np.repeat(np.arange(len(kept)), lengths)
        known = np.fromiter(chain.from_iterable(kept), np.int64, len(place))
        terms, rows = known >> _ROW_BITS, known & _ROW_MASK
        has_term, has_vector = terms != _NO_TERM, rows != _NO_VECTOR
        sums = self._sums(rows[has_vector], place[has_vector], len(texts))
        return Words(terms[has_term], place[has_term], sums)

    def _sums(self, rows: npt.NDArray[np.int64], place: npt.NDArray[np.intp], count: int) -> Floats:
        found = np.zeros((count, WIDTH), np.float32)
        cuts = np.searchsorted(place, range(0, count + _CHUNK, _CHUNK)).tolist()
        for start, end in pairwise(cuts):
            if start < end:
                own = place[start:end]
                starts = np.flatnonzero(np.diff(own, prepend=-1))
                # As `self._matrix[rows[start:end]]`, faster.
                vectors = self._matrix.take(rows[start:end], axis=0, mode="clip")
                found[own[starts]] = np.add.reduceat(vectors, starts, axis=0)
        return found

    def _learn(self, texts: Sequence[list[str]]) -> None:
        words, known = set(chain.from_iterable(texts)), self._known
        new = [word for word in words if word not in known]
        if len(known) + len(new) > self._most:
            known.clear()
            self._used = _NO_VECTOR + 1
            new = list(words)
        if not new:
            return
        for word in new:
            found = stem(word)
            term = crc32(found.encode("utf-8", "surrogatepass")) if found else _NO_TERM
            known[word] = term << _ROW_BITS
        self._keep_vectors(new[: len(self._matrix) - self._used])

    def _keep_vectors(self, words: list[str]) -> None:
        """Of more words at once than there is room for, the last have none."""
        vectors = self._vectors.of_words(["0" if word.isdigit() else word for word in words])
        telling = np.flatnonzero(np.einsum("ij,ij->i", vectors, vectors) >= SHORTEST**2)
        end = self._used + len(telling)
        self._matrix[self._used : end] = vectors[telling]
        for row, index in enumerate(telling.tolist(), self._used):
            self._known[words[index]] |= row
        self._used = end
