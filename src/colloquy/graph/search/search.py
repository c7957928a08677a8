"""Searching entities: by words, by meaning, or by both put together.

Words: see `words`. Meaning: cosine with the query's vector.

Both: reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009), the sum of 1 / (K + rank) over
the lists that an entity is in. Ranks need no common scale, and K = 60 is theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct

from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import InvalidInput, Unavailable
from ...storage.search import query_words
from ...storage.store import Store
from ...storage.vectors import Floats, Near, VectorIndex
from ..kinds import shape_of
from ..queries.sql import Parameters, check_bound
from .documents import Entry, Folded, folded_of
from .embedder import CheckedEmbedder
from .words import DEPTH, Ranked, Words, read_ranked

Mode = Literal["words", "meaning", "both"]
MODES = ("words", "meaning", "both")

K = 60
LEAST_SIMILARITY = 0.25
"""What is less like the query than this is not found by meaning. Chosen by eye for the shipped word
vectors, not measured; another embedder may want another, `SearchQuery.least_similarity`."""
MAX_LIMIT = 100
MAX_QUERY = 1000
_SCALE = 10**12
"""Scores in cursors are whole numbers."""


class SearchQuery(Struct, frozen=True, kw_only=True):
    """`kinds` empty: any. `as_of` is refused: the indexes know the present only."""

    text: str
    mode: Mode = "both"
    kinds: tuple[str, ...] = ()
    least_similarity: float = LEAST_SIMILARITY
    limit: int = 20
    cursor: str | None = None
    as_of: int | None = None


class Why(Struct, frozen=True):
    """What spoke for a hit; ranks from 1, None where it is not in that list.

    `words` of the query that begin a word of it, `in_name` those that begin one of its name.
    """

    word_rank: int | None
    word_score: float | None
    meaning_rank: int | None
    similarity: float | None
    words: list[str]
    in_name: list[str]


class Hit(Struct, frozen=True):
    """`score` compares hits of one search only."""

    id: str
    kind: str
    name: str | None
    score: float
    why: Why


class SearchPage(Struct, frozen=True):
    """`truncated`: too many entities have the words to rank all of them, see `words`."""

    hits: list[Hit]
    next: str | None
    truncated: bool = False


class _Parts(NamedTuple):
    words: Ranked
    meaning: Ranked

    def score(self, number: int) -> int:
        ranks = [found[number][0] for found in self if number in found]
        return round(_SCALE * sum(1 / (K + rank) for rank in ranks))


class GraphSearch:
    """Searches one store. Without an embedder by words only."""

    def __init__(
        self,
        store: Store,
        embedder: CheckedEmbedder | None = None,
        vectors: VectorIndex | None = None,
    ) -> None:
        """`vectors` are those of the embedder."""
        self._store = store
        self._embedder = embedder
        self._vectors = vectors

    async def prepare(self) -> None:
        """Takes in what changed. Reading the vectors into memory is what else the first search by
        meaning waits for: half a second for 100,000. Raises Unavailable where there are too many.
        """
        if self._vectors is not None:
            await self._vectors.refresh()

    async def search(self, query: SearchQuery) -> SearchPage:
        """Best first. Raises InvalidInput; Unavailable where there is no embedder, or it fails."""
        _check(query)
        words = query_words(query.text)
        vector = await self._vector_of(query)
        # Beside each other; meaning first, as it waits for the database only for a moment.
        by_meaning, (by_words, truncated) = await asyncio.gather(
            self._by_meaning(query, vector), self._by_words(query, words)
        )
        parts = _Parts(by_words, by_meaning)
        scored = sorted(
            (-parts.score(number), number) for number in parts.words.keys() | parts.meaning.keys()
        )
        if query.cursor is not None:
            score, number = decode_cursor(query.cursor, 2)
            scored = [place for place in scored if place > (-score, number)]
        # What changed between the index and now is not shown.
        chosen = scored[: query.limit]
        entries = await self._entries([number for _, number in chosen], query.kinds)
        folded = await folded_of(self._store, entries.values())
        hits = [
            _hit(entries[number], -score, parts, words, folded[number])
            for score, number in chosen
            if number in folded
        ]
        more = len(scored) > len(chosen)
        last = encode_cursor(-chosen[-1][0], chosen[-1][1]) if more else None
        return SearchPage(hits, last, truncated)

    async def _by_words(self, query: SearchQuery, words: Sequence[str]) -> Words:
        if not words or query.mode == "meaning":
            return Words({}, False)
        return await self._store.explore(read_ranked(words, query.kinds, self._store.dialect))

    async def _vector_of(self, query: SearchQuery) -> Floats | None:
        """None where there is nothing to search by."""
        if query.mode == "words":
            return None
        if self._embedder is None or self._vectors is None:
            if query.mode == "both":
                return None
            raise Unavailable("searching by meaning needs `graph.embedder`")
        vector: Floats = (await self._embedder.embed([query.text]))[0]
        return vector if np.any(vector) else None

    async def _by_meaning(self, query: SearchQuery, vector: Floats | None) -> Ranked:
        if self._vectors is None or vector is None:
            return {}
        near = await self._vectors.nearest(vector, DEPTH, query.kinds)
        kept: list[Near] = [one for one in near if one.similarity >= query.least_similarity]
        return {one.entity: (rank, one.similarity) for rank, one in enumerate(kept, 1)}

    async def _entries(self, numbers: Sequence[int], kinds: Sequence[str]) -> dict[int, Entry]:
        if not numbers:
            return {}
        put = Parameters()
        rows = await self._store.select(
            f"""SELECT e.number, e.id, e.kind, e.name, e.stands, e.changed FROM graph_entities e
                WHERE e.number IN {put.any_of(numbers)}""",
            *put.values,
        )
        entries = (Entry(*row) for row in rows)
        return {one.number: one for one in entries if not kinds or one.kind in kinds}


def _check(query: SearchQuery) -> None:
    if query.as_of is not None:
        raise InvalidInput(
            "searching knows the present only; read entities as of a position instead",
            field="as_of",
        )
    if query.mode not in MODES:
        raise InvalidInput(f"`mode` is one of {', '.join(MODES)}", field="mode")
    if not query.text.strip() or len(query.text) > MAX_QUERY:
        raise InvalidInput(f"`text` must be 1 to {MAX_QUERY} characters, not blank", field="text")
    check_bound(query.limit, "limit", MAX_LIMIT)
    for kind in query.kinds:
        try:
            shape_of(kind)
        except InvalidInput as error:
            raise InvalidInput(error.detail, field="kinds") from None


def _hit(entry: Entry, score: int, parts: _Parts, words: Sequence[str], known: Folded) -> Hit:
    word_rank, word_score = parts.words.get(entry.number, (None, None))
    meaning_rank, similarity = parts.meaning.get(entry.number, (None, None))
    in_name = [word for word in words if _begins(word, known.names)]
    matched = [word for word in words if word in in_name or _begins(word, known.words)]
    why = Why(word_rank, word_score, meaning_rank, similarity, matched, in_name)
    return Hit(entry.id, entry.kind or "", entry.name, score / _SCALE, why)


def _begins(word: str, words: Sequence[str]) -> bool:
    return any(one.startswith(word) for one in words)
