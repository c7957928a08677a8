"""The lines of one conversation in columns: added as they are said, cut into stretches that can be
kept, and taken up from those again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...understanding.vectors.words import WIDTH, Floats
from ..lines import Line
from .arrays import Growing
from .codes import KINDS, Codes
from .days import DAY_US, day_of
from .postings import Postings, entries_of
from .scoring import MAX_COUNT
from .stretches import LINES, Columns, Stretch, columns_of, encode_stretch, rounded
from .vocabulary import Vocabulary, Words, words_of

EPISODE_GAP_US = 6 * 3600 * 1_000_000
"""Silence after which a new episode begins."""
MAX_CHARACTERS = 20_000
"""Of a line that are indexed."""
MAX_LINES = 20_000
"""Lines of one conversation, some 22 MB; beyond it the older half is forgotten."""

_TERM_BITS = 32


class Rows:
    """Keeps numbers only: sequence numbers, times, hashes of stems, sums of word vectors; and the
    names of speakers and threads. Not for two threads at once.

    Lines count from the first one of the conversation: stretch 1 has the first `LINES` of them.
    """

    def __init__(self, vocabulary: Vocabulary, *, max_lines: int = MAX_LINES) -> None:
        self._vocabulary = vocabulary
        self._max_lines = max_lines
        self._seqs = Growing(np.int64)
        self._at = Growing(np.int64)
        self._days = Growing(np.int32)
        self._lengths = Growing(np.float32)
        self._asks = Growing(np.bool_)
        self._roles = Growing(np.int32)
        self._speakers = Growing(np.int32)
        self._threads = Growing(np.int32)
        self._places = Growing(np.int32)
        self._sums = Growing(np.float32, WIDTH)
        self._scales = Growing(np.float32)
        self._norms = Growing(np.float32)
        self._pair_norms = Growing(np.float32)
        self._ends = Growing(np.int64)
        """Of each line where its terms end in the two that follow."""
        self._terms = Growing(np.uint32)
        self._counts = Growing(np.uint8)
        self._postings = Postings()
        self._codes = Codes()
        self._dropped = 0

    def __len__(self) -> int:
        return self._seqs.count

    @property
    def last_seq(self) -> int:
        """The place in the log of the last line; 0 while there is none."""
        return int(self._seqs.rows[-1]) if len(self) else 0

    @property
    def nbytes(self) -> int:
        """About what it takes in memory, the vocabulary not counted."""
        columns = (*self._columns(), self._terms, self._counts)
        return sum(one.nbytes for one in columns) + self._postings.nbytes + self._codes.nbytes

    @property
    def stretches(self) -> int:
        """How many are whole, those included whose lines were forgotten."""
        return (self._dropped + len(self)) // LINES

    @property
    def first_stretch(self) -> int:
        """The number of the first one none of whose lines was forgotten."""
        return -(-self._dropped // LINES) + 1

    def seq_before(self, lines: int) -> int:
        """The place in the log of the line before the last so many; 0 where there is none."""
        return int(self._seqs.rows[-lines - 1]) if len(self) > lines else 0

    def add(self, lines: Sequence[Line]) -> None:
        """The next lines of the log; those that are known by their number are passed over."""
        last = self.last_seq
        lines = [line for line in lines if line.seq > last]
        if not lines:
            return
        texts = [words_of(line.text[:MAX_CHARACTERS]) for line in lines]
        words = self._vocabulary.read(texts)
        self._add_words(words, len(texts))
        self._add_facts(lines)
        self._add_vectors(*rounded(words.sums))
        if len(self) > self._max_lines:
            self._drop(len(self) - self._max_lines // 2)

    def _add_words(self, words: Words, count: int) -> None:
        self._lengths.extend(np.bincount(words.texts, minlength=count))
        keys, times = np.unique(words.texts << _TERM_BITS | words.terms, return_counts=True)
        places = keys >> _TERM_BITS
        sizes = np.bincount(places, minlength=count)
        counts = np.minimum(times, MAX_COUNT)
        self._add_terms(sizes, (keys & ((1 << _TERM_BITS) - 1)).astype(np.uint32), counts)
        first = self._terms.count - len(keys)
        entries = entries_of(places + self._lengths.count - count, counts)
        self._postings.add(self._terms.rows[first:], entries)

    def _add_terms(self, sizes: npt.ArrayLike, terms: npt.ArrayLike, counts: npt.ArrayLike) -> None:
        self._ends.extend(self._terms.count + np.cumsum(sizes))
        self._terms.extend(terms)
        self._counts.extend(counts)

    def _add_facts(self, lines: Sequence[Line]) -> None:
        before = int(self._at.rows[-1]) if len(self) else None
        place = int(self._places.rows[-1]) if len(self) else 0
        places, code = [], self._codes.of
        for line in lines:
            apart = before is None or line.at - before > EPISODE_GAP_US
            place = 0 if apart else place + 1
            places.append(place)
            before = line.at
        self._places.extend(places)
        self._seqs.extend([line.seq for line in lines])
        self._at.extend([line.at for line in lines])
        self._days.extend([day_of(line.at) for line in lines])
        self._asks.extend([line.text.rstrip().endswith("?") for line in lines])
        self._roles.extend([code("role", line.role) for line in lines])
        self._threads.extend([code("thread", line.thread or "") for line in lines])
        self._speakers.extend([code("speaker", line.speaker) for line in lines])

    def _add_vectors(self, levels: npt.NDArray[np.int8], scales: Floats) -> None:
        """As multiples of their scales: what is kept says the same."""
        sums: Floats = levels * scales[:, None]
        start = self._sums.count
        self._sums.extend(sums)
        self._scales.extend(scales)
        self._norms.extend(_lengths(sums))
        pairs = sums.copy()
        joined = np.flatnonzero(self._places.rows[start:] > 0)
        joined = joined[joined + start > 0]
        pairs[joined] += self._sums.rows[joined + start - 1]
        self._pair_norms.extend(_lengths(pairs))

    def _drop(self, count: int) -> None:
        """Forgets the first lines."""
        gone = int(self._ends.rows[count - 1])
        for column in self._columns():
            column.drop(count)
        self._terms.drop(gone)
        self._counts.drop(gone)
        self._ends.rows[:] -= gone
        self._postings.drop(count)
        self._dropped += count

    def _columns(self) -> tuple[Growing, ...]:
        return (
            self._seqs, self._at, self._days, self._lengths, self._asks, self._roles,
            self._speakers, self._threads, self._places, self._sums, self._scales, self._norms,
            self._pair_norms, self._ends,
        )  # fmt: skip

    def stretch(self, number: int) -> tuple[int, bytes]:
        """A whole stretch, to be kept, and the place in the log of its last line. Raises
        LookupError where its lines were forgotten."""
        start = (number - 1) * LINES - self._dropped
        end = start + LINES
        if start < 0 or end > len(self):
            raise LookupError(f"there is no whole stretch {number}")
        first = int(self._ends.rows[start - 1]) if start else 0
        own, of_terms = slice(start, end), slice(first, int(self._ends.rows[end - 1]))
        scales = self._scales.rows[own]
        columns = Columns(
            self._seqs.rows[own], self._at.rows[own], self._places.rows[own],
            self._lengths.rows[own], self._asks.rows[own],
            np.rint(self._sums.rows[own] / scales[:, None]).astype(np.int8), scales,
            {
                "role": self._roles.rows[own], "speaker": self._speakers.rows[own],
                "thread": self._threads.rows[own],
            },
            np.diff(self._ends.rows[own], prepend=first), self._terms.rows[of_terms],
            self._counts.rows[of_terms],
        )  # fmt: skip
        names = {kind: self._codes.names(kind) for kind in KINDS}
        return int(self._seqs.rows[end - 1]), encode_stretch(columns, names)

    def take(self, first: int, stretches: Sequence[Stretch]) -> None:
        """Stretches that were kept, from number `first` on without a gap; the index is empty."""
        code = {
            kind: {
                name: self._codes.of(kind, name) for one in stretches for name in one.names[kind]
            }
            for kind in KINDS
        }
        columns = columns_of(stretches, code)
        count = len(columns.seqs)
        self._dropped = (first - 1) * LINES
        self._lengths.extend(columns.lengths)
        self._add_terms(columns.sizes, columns.terms, columns.counts)
        places = np.repeat(np.arange(count), columns.sizes)
        self._postings.keep(columns.terms, entries_of(places, columns.counts))
        self._seqs.extend(columns.seqs)
        self._at.extend(columns.at)
        self._days.extend(columns.at // DAY_US)
        self._asks.extend(columns.asks)
        self._places.extend(columns.places)
        self._roles.extend(columns.codes["role"])
        self._speakers.extend(columns.codes["speaker"])
        self._threads.extend(columns.codes["thread"])
        self._add_vectors(columns.levels, columns.scales)


def _lengths(vectors: Floats) -> Floats:
    """Never zero."""
    found: Floats = np.sqrt(np.maximum(np.einsum("ij,ij->i", vectors, vectors), 1e-12))
    return found
