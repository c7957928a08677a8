"""Finds the facts of a line.

Rules over words and digits, for English, German, French, Spanish and Italian, cheap enough to run
on every line: patterns of addresses, amounts and references are those of entity extraction; days,
counts and names are found here, because what counts is that they are not lost, not what they mean.
Names without capitals are found only where they are given (`names`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache, reduce
from operator import or_

from ...understanding.entities.plain import plain
from ..lines import Line
from .fact import Fact
from .names import has_inner_capital, known_names, names_of
from .said import negations, sentences
from .values import (
    amounts,
    clock_times,
    clock_words,
    codes,
    contacts,
    counts,
    dates,
    days,
    numbers,
    periods,
    phones,
    references,
)
from .words import (
    ADDRESS,
    CAPITAL,
    CLOCK,
    CODE,
    COUNT,
    DATE,
    DAY,
    DIGIT,
    GERMAN,
    MONEY,
    NEGATION,
    PERIOD,
    PROMISE,
    QUESTION,
    marks_of,
)

BLOCK = 4000
"""Characters of a long line that are looked at together."""
_CACHED = 4096
_CACHED_CHARACTERS = 600


def facts_of(line: Line, names: Collection[str] = ()) -> tuple[Fact, ...]:
    """The facts of a line in the order of the text, a longer one before those that lie in it.

    `names`: further names, in lower case, that are known here. Never raises for odd text.
    """
    text = line.text
    day = line.at // 86_400_000_000
    if len(text) <= _CACHED_CHARACTERS and not names:
        found = _remembered(text, day)
    else:
        found = tuple(_in_blocks(text, day, names))
    if line.pinned:
        return (Fact("pinned", line.text, str(line.seq), 0, len(line.text)), *found)
    return found


def _in_blocks(text: str, day: int, names: Collection[str]) -> Iterator[Fact]:
    """The facts of a text of any length, cut at blanks."""
    start = 0
    while start < len(text):
        end = start + BLOCK
        if end < len(text):
            end = text.rfind(" ", start + 1, end) + 1 or end
        for fact in _facts(text[start:end], day, names):
            yield fact._replace(start=fact.start + start, end=fact.end + start)
        start = end


def _facts(text: str, day: int, names: Collection[str] = ()) -> tuple[Fact, ...]:
    chunks = text.split()
    each = list(marks_of(chunks))
    marks = reduce(or_, each, 0)
    if not marks & ~GERMAN and not names:
        return ()
    flat = plain(text)
    low = _lower(flat)
    taken: list[Fact] = []
    covered = bytearray(len(text))
    for wanted, find in _FINDERS:
        if marks & wanted == wanted:
            _take(taken, covered, find(flat, low, day))
    if marks & CAPITAL and has_inner_capital(chunks, each):
        _take(taken, covered, names_of(flat, german=bool(marks & GERMAN)))
    if names:
        _take(taken, covered, known_names(flat, names))
    # These lie over others: "not on Friday" has a date in it.
    if marks & NEGATION:
        taken += negations(flat)
    if marks & (PROMISE | QUESTION):
        taken += sentences(flat, marks)
    taken.sort(key=lambda fact: (fact.start, -fact.end))
    if flat is text:
        return tuple(taken)
    return tuple(fact._replace(text=text[fact.start : fact.end]) for fact in taken)


_remembered = lru_cache(_CACHED)(_facts)


def _lower(text: str) -> str:
    """In lower case, character for character. Patterns that fold cases take three times as long."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(small if len(small := one.lower()) == 1 else one for one in text)


def _take(taken: list[Fact], covered: bytearray, found: Iterator[Fact]) -> None:
    """Adds what overlaps nothing before it; `covered` has a one for each character taken."""
    for fact in found:
        if covered.find(1, fact.start, fact.end) < 0:
            covered[fact.start : fact.end] = b"\1" * (fact.end - fact.start)
            taken.append(fact)


Finder = Callable[[str, str, int], Iterator[Fact]]
_FINDERS: tuple[tuple[int, Finder], ...] = (
    (ADDRESS, contacts),
    (DIGIT, phones),
    (DIGIT | MONEY, amounts),
    (DIGIT, references),
    (DIGIT | CODE, codes),
    (DIGIT | DATE, dates),
    (PERIOD, periods),
    (DAY, days),
    (DIGIT, clock_times),
    (CLOCK, clock_words),
    (DIGIT, numbers),
    (COUNT, counts),
)
"""Each with the marks that must all be there for it to find anything, in the order in which they
take what they find. They are given the text, the same in lower case, and the day of it."""
