"""How much each sign counts that a line is meant."""

from __future__ import annotations

from typing import NamedTuple


class Weights(NamedTuple):
    """Factors of a line's signs, which lie between 0 and 1 (`meaning` and `pair`: -1 and 1).

    Chosen by search on the eight published conversations of LoCoMo and rounded; docs/context.md
    has what is lost where a conversation had no part in the choice.
    """

    words: float = 0.6
    """Words of the query that the line has (BM25), as a share of the best line's."""
    words_before: float = 0.4
    """The same of the line before it: what answers a question seldom repeats its words."""
    words_two_before: float = 0.3
    words_after: float = 0.3
    meaning: float = 0.6
    """Cosine of the query and the line."""
    pair: float = 0.4
    """Cosine of the query and the line with the one before it."""
    episode: float = 0.3
    """How well the three best lines of its episode fit, beside the other episodes."""
    speaker: float = 0.3
    """The query names who said it."""
    time: float = 1.5
    """The query names when it was said."""
    length: float = 0.3
    """Long lines say more; counted, like the next, where anything else speaks for the line."""
    asks: float = 0.3
    """Taken off a line that ends as a question, unless the query is about questions."""


NO_WEIGHTS = Weights(*(0.0 for _ in Weights._fields))
"""Nothing counts; for one sign alone, `NO_WEIGHTS._replace(words=1.0)`."""
