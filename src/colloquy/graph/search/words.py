"""Finding entities by words: each word of the query must begin a word of the entity.

Where that finds few (`FEW`), those that have any of the longer words come after. Ranked by BM25 on
SQLite and by ts_rank on PostgreSQL; a word in a name counts `NAME_WEIGHT` times one elsewhere.

Ranking costs about a microsecond an entity, so a list is ranked from `MANY` at most: where more
have all the words, from those that have them in their names; where any of the words will do, the
most common are left out. Who searches is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...storage.search import match_of
from ...storage.store import Reading
from ..queries.sql import Parameters

DEPTH = 200
"""Of each list; what a search finds in all is at most twice that."""
FEW = 20
"""Hits with all the words from which those with some of them are not looked for."""
SHORTEST = 3
"""Characters of a word that counts alone: beginnings like "a" are in everything."""
MANY = 10_000
"""Entities that a list is ranked from."""
NAME_WEIGHT = 8.0

Ranked = Mapping[int, tuple[int, float]]
"""Number of an entity → (rank from 1, score)."""


class Words(NamedTuple):
    """`truncated`: more than `MANY` have the words, and not all of them were ranked."""

    ranked: Ranked
    truncated: bool


def read_ranked(words: Sequence[str], kinds: Sequence[str], dialect: str) -> Reading[Words]:
    """The entities with these words (folded, one at least), best first, of these kinds (empty:
    any)."""
    every = match_of(list(words), dialect)
    count = yield from _read_count(every, dialect)
    truncated = count > MANY
    found: dict[int, float] = {}
    if truncated:
        found |= yield from _read_best(_in_names(words, dialect), kinds, dialect)
    if count and (not truncated or len(found) < FEW):
        for number, score in (yield from _read_best(every, kinds, dialect)).items():
            found.setdefault(number, score)
    telling = [word for word in words if len(word) >= SHORTEST]
    if len(words) > 1 and telling and len(found) < FEW:
        rare = yield from _read_rare(telling, dialect)
        truncated |= len(rare) < len(telling)
        some = yield from _read_best(_any_of(rare, dialect), kinds, dialect)
        for number, score in some.items():
            found.setdefault(number, score)
    best = list(found.items())[:DEPTH]
    return Words({number: (rank, score) for rank, (number, score) in enumerate(best, 1)}, truncated)


def _read_rare(words: Sequence[str], dialect: str) -> Reading[list[str]]:
    """The rarest of the words, which `MANY` entities have between them; one at least."""
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = yield from _read_count(match_of([word], dialect), dialect)
    rare: list[str] = []
    total = 0
    for word in sorted(counts, key=counts.__getitem__):
        total += counts[word]
        if rare and total > MANY:
            break
        rare.append(word)
    return rare


def _read_count(match: str, dialect: str) -> Reading[int]:
    """How many entities match, as far as one more than `MANY`."""
    put = Parameters()
    _, test, _ = _columns(put, match, dialect)
    ((count,),) = yield (
        f"""SELECT count(*) FROM
            (SELECT 1 FROM graph_search g WHERE {test} LIMIT {put(MANY + 1)}) AS c""",
        put.values,
    )
    return int(count)


def _read_best(match: str, kinds: Sequence[str], dialect: str) -> Reading[dict[int, float]]:
    """The best of the first `MANY` that match, with their scores, in order."""
    put = Parameters()
    number, test, score = _columns(put, match, dialect)
    source = "graph_search g"
    if kinds:
        source += f" JOIN graph_entities e ON e.number = {number}"
        test += f" AND e.kind IN {put.any_of(list(kinds))}"
    rows = yield (
        f"""SELECT number, score FROM (SELECT {number} AS number, {score} AS score
                FROM {source} WHERE {test} LIMIT {put(MANY)}) AS c
            ORDER BY score DESC, number LIMIT {put(DEPTH)}""",
        put.values,
    )
    return {number: float(score) for number, score in rows}


def _columns(put: Parameters, match: str, dialect: str) -> tuple[str, str, str]:
    """The number of an entity, whether it matches, and its score."""
    asked = put(match)
    if dialect == "sqlite":
        score = f"-bm25(graph_search, {NAME_WEIGHT}, 1.0)"
        return "g.rowid", f"graph_search MATCH {asked}", score
    asked = f"CAST(CAST({asked} AS text) AS tsquery)"
    score = f"ts_rank('{{{1 / NAME_WEIGHT}, 0, 0, 1}}', g.words, {asked})"
    return "g.entity", f"g.words @@ {asked}", score


def _in_names(words: Sequence[str], dialect: str) -> str:
    """The query for entities that have all the words in their names."""
    if dialect == "sqlite":
        return f"{{name}} : ({match_of(list(words), dialect)})"
    return " & ".join(f"'{word}':*A" for word in words)


def _any_of(words: Sequence[str], dialect: str) -> str:
    return (" OR " if dialect == "sqlite" else " | ").join(
        match_of([word], dialect) for word in words
    )
