"""Which lines have a term, and how often: of lines that were added, and of those that were read
from where they are kept. The latter stay in one sorted array: a dictionary of them would take most
of the time in which an index is read."""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt

from .scoring import COUNT_BITS, MAX_COUNT

Terms = npt.NDArray[np.uint32]
Entries = npt.NDArray[np.uint32]
"""A line's place, then in `COUNT_BITS` how often the term stands in it."""

_ENTRY_BYTES = 4
_BYTES_PER_TERM = 232
"""Of a term beside its lines: its place in the dictionary, its number, its array."""
_FEW = 64
"""Entries that are taken one by one: so few are not worth an array."""


def entries_of(lines: npt.NDArray[np.int64], counts: npt.NDArray[np.integer]) -> Entries:
    entries: Entries = (lines << COUNT_BITS | np.minimum(counts, MAX_COUNT)).astype(np.uint32)
    return entries


class Postings:
    """Lines are places from 0, and come in order."""

    __slots__ = ("_added", "_entries", "_kept", "_terms")

    def __init__(self) -> None:
        self._terms: Terms = np.zeros(0, np.uint32)
        """Of each entry of `_kept`, ascending."""
        self._kept: Entries = np.zeros(0, np.uint32)
        self._added: dict[int, array[int]] = {}
        self._entries = 0

    @property
    def nbytes(self) -> int:
        """About."""
        kept = self._terms.nbytes + self._kept.nbytes
        return kept + len(self._added) * _BYTES_PER_TERM + self._entries * _ENTRY_BYTES

    def keep(self, terms: Terms, entries: Entries) -> None:
        """Entries of the first lines of all, by line."""
        order = np.argsort(terms, kind="stable")
        self._terms, self._kept = terms[order], entries[order]

    def add(self, terms: Terms, entries: Entries) -> None:
        """Entries of the next lines, by line."""
        self._entries += len(terms)
        if len(terms) <= _FEW:
            for term, entry in zip(terms.tolist(), entries.tolist(), strict=True):
                if (found := self._added.get(term)) is None:
                    self._added[term] = array("I", (entry,))
                else:
                    found.append(entry)
            return
        order = np.argsort(terms, kind="stable")
        terms, data = terms[order], entries[order].tobytes()
        starts = np.flatnonzero(np.concatenate(([True], terms[1:] != terms[:-1])))
        cuts = (np.append(starts, len(terms)) * _ENTRY_BYTES).tolist()
        for term, start, end in zip(terms[starts].tolist(), cuts, cuts[1:], strict=False):
            if (found := self._added.get(term)) is None:
                self._added[term] = array("I", data[start:end])
            else:
                found.frombytes(data[start:end])

    def of(self, term: int) -> Entries | None:
        """The term's entries, ascending; None where no line has it."""
        added = self._added.get(term)
        found = None if added is None else np.frombuffer(added, np.uint32)
        if not len(self._terms):
            return found
        own = np.uint32(term)  # of the array's type, or it would be copied into another
        start, end = self._terms.searchsorted(own), self._terms.searchsorted(own, "right")
        if start == end:
            return found
        kept = self._kept[start:end]
        return kept if found is None else np.concatenate((kept, found))

    def drop(self, lines: int) -> None:
        """Forgets the first lines."""
        first = lines << COUNT_BITS
        rest = self._kept >= first
        self._terms, self._kept = self._terms[rest], self._kept[rest] - np.uint32(first)
        self._entries = 0
        for term, found in list(self._added.items()):
            left = array("I", (entry - first for entry in found if entry >= first))
            self._entries += len(left)
            if left:
                self._added[term] = left
            else:
                del self._added[term]
