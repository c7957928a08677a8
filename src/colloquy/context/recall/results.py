"""What a search may find, and what it says of what it found."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Filters(NamedTuple):
    """Which lines may be found. `after` and `before`: microseconds since 1970, the latter not
    included; `below`: a sequence number, not included."""

    thread: str | None = None
    roles: Collection[str] = ()
    after: int | None = None
    before: int | None = None
    below: int | None = None


NO_FILTERS = Filters()


class Why(NamedTuple):
    """What speaks for a line. `words`: those of the query that it has, in some form; `meaning`:
    cosine of its words' vectors with the query's; `time`: how closely it is of a time that the
    query names (0 to 1); `speaker`: the query names who said it."""

    words: tuple[str, ...]
    meaning: float
    time: float
    speaker: bool


class Recalled(NamedTuple):
    """A line that was found, by its place in the log. Scores compare within one search only."""

    seq: int
    score: float
    why: Why
