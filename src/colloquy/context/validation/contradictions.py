"""Two items of a context that say different things about the same.

A sentence is compared with those that have the same content words besides its values: "The rent is
940 euros." with "The rent is 980 euros.", "The flat has no balcony." with "The flat has a balcony."
What is said in other words is not found, and two things that are told of in the same words look
like one: it is a sign to look there, and no proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from ...model.context import ContextItem
from ...privacy import mask
from ...understanding.flow.words import stem
from ..lines import Line
from ..musts import facts_of
from ..musts.words import (
    CLOCK_WORDS,
    COUNT_WORDS,
    MONTHS,
    NEGATORS,
    RELATIVE_DAYS,
    WEEKDAYS,
    words_in,
)
from .rule import Checked, Finding

_CACHED, _CACHED_CHARACTERS = 4096, 600
_MAX_CHARACTERS = 4000
"""Of an item that are looked at."""
_VALUES = frozenset({"number", "money", "date", "time"})
_LEAST_ABOUT, _MOST_ABOUT = 2, 8
"""Content words that tell what a sentence is about; with one alone it must say "is" or the like."""
_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()

_END = re.compile(r"[.!?]+(?!\w)|\n")
_DIGIT = re.compile(r"\d")
_AMOUNT, _LETTERS = re.compile(r"\d+(?:[.,]\d+)*"), re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_CURRENCIES = words_in("euro euros eur dollar dollars usd pound pounds gbp chf franken francs")
_NOT_ABOUT = (
    NEGATORS | COUNT_WORDS.keys() | WEEKDAYS | MONTHS | RELATIVE_DAYS.keys() | CLOCK_WORDS
    | _CURRENCIES
)  # fmt: skip
"""Words that say how much, when or that not, and not of what."""
_STATES = re.compile(
    r"\b(?:is|are|costs?|ist|sind|kostet|est|sont|coûte|es|son|cuesta|è|sono|costa)\b|[:=]",
    re.IGNORECASE,
)
_PERSONAL = words_in(
    "i i'm i've i'll me my mine we our us you your ich mich mir mein meine meinen wir uns unser "
    "unsere sie ihr ihre du dein deine je moi mon ma mes nous notre vous votre tu yo mi mis "
    "nosotros usted io mio mia noi lei"
)


class Sentence(NamedTuple):
    """Where it lies in its text. `about`: the stems of its content words."""

    start: int
    end: int
    about: frozenset[str]
    personal: bool
    """Whom it is about depends on who says it."""
    telling: bool
    """It has a value or a negation, as it looks."""


class Claim(NamedTuple):
    """What a sentence says. `week`: in which it was said, where its days are counted from there."""

    kinds: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    denied: bool = False
    week: int | None = None


_NOTHING = Claim()
_Claims = Iterable[tuple[str, Claim]]
"""Each with the source of its item."""


def contradictions(checked: Checked) -> Iterator[Finding]:
    about: dict[tuple[object, ...], list[tuple[ContextItem, Sentence]]] = {}
    for item in checked.context.items:
        if item.calls or item.answers:
            continue  # two calls of a tool look alike, and say what was so when they were made
        for sentence in _sentences_of(item.text):
            who = (item.role, item.speaker) if sentence.personal else None
            about.setdefault((sentence.about, who), []).append((item, sentence))
    today = checked.now // _DAY_US
    for said in about.values():
        if len(said) > 1 and any(one.telling for _, one in said) and _vary(said, today):
            claims = ((item.source, _claim_of(item, one, today)) for item, one in said)
            yield from _compared(claims, denials=len(said[0][1].about) >= _LEAST_ABOUT)


def _vary(said: list[tuple[ContextItem, Sentence]], today: int) -> bool:
    """Whether words or days differ: the same words on the same day say the same."""
    first, one = said[0]
    words, day = first.text[one.start : one.end].strip(), _day_said(first, today)
    return any(
        item.text[other.start : other.end].strip() != words or _day_said(item, today) != day
        for item, other in said
    )


def _compared(claims: _Claims, *, denials: bool) -> Iterator[Finding]:
    """Sentences about the same, each with the first of its kind: their number is what it costs."""
    told: dict[tuple[object, ...], tuple[str, Claim]] = {}
    for source, claim in claims:
        if claim.values and not claim.denied:
            before, other = told.setdefault((claim.kinds, claim.week), (source, claim))
            if before != source and _differ(other.values, claim.values):
                ours, theirs = (mask(", ".join(one.values)) for one in (claim, other))
                yield Finding(f"says {ours}, and {before} says {theirs}", source)
        if denials:
            before, other = told.setdefault(("denied", claim.values, claim.week), (source, claim))
            if before != source and other.denied != claim.denied:
                yield Finding(f"denies what {before} says, or the reverse", source)


def _sentences_of(text: str) -> tuple[Sentence, ...]:
    if len(text) <= _CACHED_CHARACTERS:
        return _remembered(text)
    return _sentences(text[:_MAX_CHARACTERS])


def _sentences(text: str) -> tuple[Sentence, ...]:
    """Those that are no questions, and say something that others could say, too."""
    found, start = [], 0
    for end, mark in (*((cut.end(), cut[0]) for cut in _END.finditer(text)), (len(text), "")):
        if "?" not in mark and (one := _sentence(text, start, end)) is not None:
            found.append(one)
        start = end
    return tuple(found)


def _sentence(text: str, start: int, end: int) -> Sentence | None:
    words = frozenset(_WORD.findall(text[start:end].lower().replace("’", "'")))
    about = frozenset(map(stem, words - _NOT_ABOUT)) - {""}
    if not 0 < len(about) <= _MOST_ABOUT:
        return None
    telling = _DIGIT.search(text, start, end) is not None or not words.isdisjoint(_NOT_ABOUT)
    if len(about) < _LEAST_ABOUT and not (telling and _STATES.search(text, start, end)):
        return None
    return Sentence(start, end, about, not words.isdisjoint(_PERSONAL), telling)


_remembered = lru_cache(_CACHED)(_sentences)


def _claim_of(item: ContextItem, sentence: Sentence, today: int) -> Claim:
    if not sentence.telling:
        return _NOTHING
    day = _day_said(item, today)
    claimed = _claimed if len(item.text) <= _CACHED_CHARACTERS else _claim
    return claimed(item.text, sentence.start, sentence.end, day)


def _claim(text: str, start: int, end: int, day: int) -> Claim:
    """What the sentence `text[start:end]` says, on a day since 1970."""
    facts = [
        fact
        for fact in facts_of(Line(0, "", text, day * _DAY_US))
        if start <= fact.start and fact.end <= end
    ]
    values = [fact for fact in facts if fact.kind in _VALUES]
    counted = any(fact.kind == "date" and not any(map(str.isdigit, fact.text)) for fact in values)
    return Claim(
        tuple(fact.kind for fact in values),
        tuple(fact.normal for fact in values),
        any(fact.kind == "negation" for fact in facts),
        day // 7 if counted else None,
    )


_claimed = lru_cache(_CACHED)(_claim)


def _differ(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether they are two values, and not one that is written in two ways."""
    return ours != theirs and tuple(map(_form, ours)) == tuple(map(_form, theirs))


@lru_cache(_CACHED)
def _form(value: str) -> str:
    return _LETTERS.sub("a", _AMOUNT.sub("0", value))


def _day_said(item: ContextItem, today: int) -> int:
    return _day_of(item.at[:10]) if item.at is not None else today


@lru_cache(256)
def _day_of(moment: str) -> int:
    """Days since 1970; 0 for what is no date."""
    try:
        return date.fromisoformat(moment).toordinal() - _EPOCH
    except ValueError:
        return 0
