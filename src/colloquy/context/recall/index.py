"""One conversation's lines, found by words, meaning, speaker, time, and by what stands around them.

index = RecallIndex(Vocabulary(load_words()))
index.add(lines)
index.search("where did she want to move to?", 5, now=now_us())

A linear fusion of BM25 (Robertson and Zaragoza, 2009) and of the cosine of summed word vectors, for
a line, its neighbours and its episode. Weak where the question shares no word with the line and
the vectors do not know its words: names of things, and languages other than English.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from ...understanding.vectors.words import Floats
from .query import Query, read_query
from .results import NO_FILTERS, Filters, Recalled, Why
from .rows import Rows
from .scoring import Signs, bm25, fused, said_much, top
from .weights import Weights

DEFAULT_WEIGHTS = Weights()


class RecallIndex(Rows):
    """Rows that can be searched."""

    def search(
        self,
        text: str,
        k: int,
        *,
        now: int,
        filters: Filters = NO_FILTERS,
        asker: str = "visitor",
        weights: Weights = DEFAULT_WEIGHTS,
    ) -> list[Recalled]:
        """At most `k` lines that this text is about, best first; the later one first of equals.

        `now`, in microseconds since 1970: what "yesterday" is told by. `asker`: the role of who
        wrote the text, who is "I" in it.
        """
        if not len(self) or k < 1:
            return []
        query = read_query(text, now, self._vocabulary, self._codes.words, asker)
        signs = self._signs(query)
        scores = fused(signs, weights, self._places.rows)
        chosen = top(scores, self._allowed(filters), k)
        seqs, why = self._seqs.rows[chosen].tolist(), self._why(query, signs, chosen)
        return [
            Recalled(seq, score, one)
            for seq, score, one in zip(seqs, scores[chosen].tolist(), why, strict=True)
        ]

    def _signs(self, query: Query) -> Signs:
        by_term = bm25([self._postings.of(term) for term in query.terms], self._lengths.rows)
        products: Floats = self._sums.rows @ query.direction
        pairs = products.copy()
        pairs[1:] += products[:-1] * (self._places.rows[1:] > 0)
        return Signs(
            by_term,
            products / self._norms.rows,
            pairs / self._pair_norms.rows,
            self._spoken(query),
            self._timely(query),
            said_much(self._lengths.rows),
            None if query.about_asking else self._asks.rows,
        )

    def _spoken(self, query: Query) -> npt.NDArray[np.bool_] | None:
        """Which lines were said by whom the query names."""
        if query.speakers:
            (code,) = query.speakers
            named: npt.NDArray[np.bool_] = self._speakers.rows == code
            return named
        return self._in_roles(query.roles) if query.roles else None

    def _in_roles(self, roles: Collection[str]) -> npt.NDArray[np.bool_]:
        return np.isin(self._roles.rows, [self._codes.find("role", role) for role in roles])

    def _timely(self, query: Query) -> Floats | None:
        """How closely each line is of a time that the query names."""
        if not query.times:
            return None
        days = self._days.rows
        found = np.zeros(len(days), np.float32)
        for first, last, weight in query.times:
            np.maximum(found, ((days >= first) & (days <= last)) * np.float32(weight), out=found)
        return found

    def _allowed(self, filters: Filters) -> npt.NDArray[np.bool_] | None:
        if filters == NO_FILTERS:
            return None
        allowed = np.ones(len(self), np.bool_)
        if filters.thread is not None:
            allowed &= self._threads.rows == self._codes.find("thread", filters.thread)
        if filters.roles:
            allowed &= self._in_roles(filters.roles)
        if filters.after is not None:
            allowed &= self._at.rows >= filters.after
        if filters.before is not None:
            allowed &= self._at.rows < filters.before
        if filters.below is not None:
            allowed &= self._seqs.rows < filters.below
        return allowed

    def _why(self, query: Query, signs: Signs, chosen: npt.NDArray[np.intp]) -> list[Why]:
        words = list(query.terms.values())
        has = (signs.by_term[:, chosen] > 0).T.tolist()
        meaning = signs.meaning[chosen].tolist()
        count = len(chosen)
        times = [0.0] * count if signs.time is None else signs.time[chosen].tolist()
        spoken = [False] * count if signs.speaker is None else signs.speaker[chosen].tolist()
        return [
            Why(tuple(word for word, is_there in zip(words, one, strict=True) if is_there), *rest)
            for one, *rest in zip(has, meaning, times, spoken, strict=True)
        ]
