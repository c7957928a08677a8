"""Which words of a text may begin a fact that must survive, in five languages.

`marks_of` looks at one word, and remembers: a text without a mark is not looked at any further.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ...understanding.entities import money
from ...understanding.entities.languages import LEXICONS
from ...understanding.entities.numbers import ONES
from ...understanding.entities.plain import plain
from ...understanding.flow.words import FUNCTION_WORDS, fold, listed

DIGIT, CAPITAL, NEGATION, DAY, COUNT, ADDRESS, PROMISE, QUESTION, GERMAN = (
    1 << bit for bit in range(9)
)
DATE, PERIOD, CLOCK, MONEY, CODE = (1 << bit for bit in range(9, 14))
"""A month, a year or digits with a mark between them; a week and its like; noon and its like; a
currency; a reference that is one word."""

LANGUAGES = ("en", "de", "fr", "es", "it")
_CACHED = 32_768
_LONGEST = 40
"""Characters of a word that is looked at; longer ones are looked at where they stand."""


def words_in(listed_words: str) -> frozenset[str]:
    """Words written one after the other."""
    return frozenset(listed_words.split())


def _of_lexicons(*fields: str) -> frozenset[str]:
    found: set[str] = set()
    for code in LANGUAGES:
        for field in fields:
            value = getattr(LEXICONS[code], field)
            for words in (value,) if isinstance(value, str) else value:
                found.update(words.split("|"))
    return frozenset(word for word in found if word)


_SHORTEST_DAY = 4
"""Letters: "sat", "sun", "mar" and "mai" are mostly other words."""
_OTHER_MEANINGS = frozenset({"mars", "marts", "march", "mayo", "morgen", "mañana", "manana"})
WEEKDAYS = frozenset(
    word for word in _of_lexicons("weekdays") if len(word) > _SHORTEST_DAY
) | words_in(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays "
    "thursdays fridays saturdays sundays"
)
MONTHS = _of_lexicons("months") | words_in(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
BARE_MONTHS = frozenset(
    word for word in MONTHS if len(word) >= _SHORTEST_DAY and word not in _OTHER_MEANINGS
)
"""Those that are a date without a number beside them."""
RELATIVE_DAYS: dict[str, int] = {
    "today": 0, "tonight": 0, "tomorrow": 1, "tmrw": 1, "yesterday": -1, "heute": 0, "morgen": 1,
    "übermorgen": 2, "gestern": -1, "vorgestern": -2, "aujourd'hui": 0, "demain": 1, "hier": -1,
    "hoy": 0, "mañana": 1, "ayer": -1, "oggi": 0, "domani": 1, "ieri": -1, "stasera": 0,
}  # fmt: skip
"""Days from the one on which the text was written."""
CLOCK_WORDS = words_in("noon midnight mittags mitternacht midi minuit mediodía mezzogiorno")
_DAY_WORDS = WEEKDAYS | BARE_MONTHS | RELATIVE_DAYS.keys()
_PERIODS = listed(
    "week month year weekend woche wochenende monat jahr semaine mois annee semana mes ano "
    "settimana mese anno"
)
_MONTH_BEGINNINGS = frozenset(month[:3] for month in MONTHS)

COUNT_WORDS: dict[str, int] = {
    word: value
    for code in LANGUAGES
    for word, value in LEXICONS[code].numbers.items()
    if value > 1
    and " " not in word
    and len(word) > 2
    and word not in ("paar", "couple", "once", "twice")
} | {word: value for word, value in ONES.items() if value > 1}
"""Numbers in words; one is mostly an article."""

NEGATORS = words_in(
    "not never no none nobody nothing neither nor without cannot cant can't dont don't doesnt "
    "doesn't didnt didn't isnt isn't wasnt wasn't arent aren't weren't wont won't wouldnt wouldn't "
    "couldnt couldn't shouldn't haven't hasnt hasn't hadn't ain't "
    "nicht kein keine keinen keinem keiner keines nie niemals niemand nichts ohne "
    "pas jamais rien aucun aucune personne sans "
    "nunca jamás jamas nada nadie ningún ninguna tampoco sin "
    "non mai niente nessuno nessuna senza nulla"
) - {"personne", "mai"}
AFTER_THE_VERB = words_in("nicht nie niemals nichts pas jamais rien nada niente nulla")
"""What they negate stands before them as well."""
_GERMAN_WORDS = words_in("der die das und ist nicht ich ein eine wir sie mit für auf zu")
_PROMISE_WORDS = listed(
    "i'll we'll he'll she'll they'll you'll will shall promise promised guarantee guaranteed "
    "commit going gonna werde werden wird verspreche versprochen garantiere garantieren "
    "promets promis promettons garantis vais allons prometo prometemos garantizo voy vamos "
    "prometto promettiamo garantisco"
) | {"i’ll", "we’ll", "you’ll"}

TITLES = words_in("herr frau mr mrs ms dr")
"""Before a name."""
_OPENERS = TITLES | words_in(
    "hey hi hello wow woah woo cool great nice oh ah aw yeah yes no ok okay sure thanks dear "
    "congrats haha lol omg hallo hola ciao bonjour salut danke merci gracias grazie "
    "i i'm i'll i've i'd tv pm am asap faq"
)

_EDGES = '.,;:!?()[]{}"“”„«»…-–—*_~'
_DIGIT = re.compile(r"\d")
_JOINT = re.compile(r"['/]")
_DATED = re.compile(r"\d[-/.]\d|(?:19|20)\d\d")
_CURRENCY = re.compile(rf"{money.GATE}|^(?:k|grand)\b")
"""The unit of "5 k" may be a word of its own."""
SINGLE_CODE = re.compile(
    r"(?<![\w-])#\w[\w-]*|(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Z0-9][A-Z0-9-]{3,40}(?![\w-])"
)
"""A reference that says by itself that it is one: "#81", "AB-1234"."""
_ENDING = re.compile(r"['\u2019]s$")
FUTURE = re.compile(r".{2,}(?:aré|eré|iré|aremos|eremos|iremos|erò|irò|arò|eremo|iremo)$")
"""Spanish and Italian verbs in the future of "I" and "we"."""


def _looked_at(chunk: str) -> int:
    marks = DIGIT if _DIGIT.search(chunk) else 0
    flat = plain(chunk)
    small = flat.lower()
    if _DATED.search(flat) or any(map(small.__contains__, _MONTH_BEGINNINGS)):
        marks |= DATE
    if _CURRENCY.search(small):
        marks |= MONEY
    if SINGLE_CODE.search(flat):
        marks |= CODE
    if "@" in chunk or "://" in chunk or "www." in chunk:
        marks |= ADDRESS
    if "?" in chunk:
        marks |= QUESTION
    word = chunk.strip(_EDGES)
    if not word:
        return marks
    lower = _ENDING.sub("", word.lower().replace("\u2019", "'"))
    if word[0].isupper() and not is_no_name(lower):
        marks |= CAPITAL
    if lower in NEGATORS:
        marks |= NEGATION
    # "Friday/Saturday", "l'année": what is joined counts alone as well.
    parts = {lower, *_JOINT.split(lower)}
    if not _DAY_WORDS.isdisjoint(parts):
        marks |= DAY
    if not CLOCK_WORDS.isdisjoint(parts):
        marks |= CLOCK
    if not _PERIODS.isdisjoint(map(fold, parts)):
        marks |= PERIOD
    if lower in COUNT_WORDS:
        marks |= COUNT
    if lower in _PROMISE_WORDS or FUTURE.match(lower):
        marks |= PROMISE
    if lower in _GERMAN_WORDS:
        marks |= GERMAN
    return marks


def is_no_name(lower: str) -> bool:
    """Whether a word, in lower case, is no part of a name although it has a capital."""
    return (
        lower in _OPENERS
        or lower in WEEKDAYS
        or lower in MONTHS
        or fold(lower).replace("'", "") in FUNCTION_WORDS
    )


_remembered = lru_cache(_CACHED)(_looked_at)


def marks_of(chunks: list[str]) -> Iterable[int]:
    """The marks of each word, as `str.split` gives them."""
    if max(map(len, chunks), default=0) <= _LONGEST:
        return map(_remembered, chunks)
    return (_remembered(one) if len(one) <= _LONGEST else _looked_at(one) for one in chunks)
