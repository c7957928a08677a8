"""Facts that are said, not named: negations with what they negate, promises, questions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...understanding.flow.words import fold
from .fact import Fact, fact
from .words import AFTER_THE_VERB, FUTURE, NEGATORS, PROMISE, words_in

NEGATED_WORDS = 5
"""Words behind a negation that belong to it."""
NEGATED_BEFORE = 2
"""Words before it, where the language puts it behind the verb."""
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_CLAUSE = re.compile(r"[^.,;:!?\n()]+")
_JOINS = words_in(
    "but and because so or aber und weil denn sondern oder dass et mais ou car y pero porque e ma "
    "perché che que"
)
_NO_NEGATION = re.compile(
    r"\b(?:no (?:problem|worries|doubt|way|need to worry)|not only|why not|don't worry|can't wait"
    r"|not at all|kein problem|keine sorge|warum nicht|pas de (?:problème|souci)|pourquoi pas"
    r"|de nada|sin duda|por qué no|ningún problema|nessun problema|perché no|n'est-ce pas)\b",
    re.IGNORECASE,
)


def negations(text: str) -> Iterator[Fact]:
    idioms = [match.span() for match in _NO_NEGATION.finditer(text)]
    for clause in _CLAUSE.finditer(text):
        if NEGATORS.isdisjoint(clause[0].lower().split()):
            continue
        words = list(_WORD.finditer(text, clause.start(), clause.end()))
        after = 0
        for place, word in enumerate(words):
            lower = word[0].lower()
            if place < after or lower not in NEGATORS:
                continue
            if any(start <= word.start() < end for start, end in idioms):
                continue
            first, after = _reach(words, place, lower)
            start, end = words[first].start(), words[after - 1].end()
            yield fact("negation", text, start, end, _folded(text[start:end]))


def _reach(words: list[re.Match[str]], place: int, negator: str) -> tuple[int, int]:
    """The first word of a negation and the one behind its last."""
    after = place + 1
    while after < len(words) and after <= place + NEGATED_WORDS:
        if words[after][0].lower() in _JOINS:
            break
        after += 1
    before = NEGATED_BEFORE if negator in AFTER_THE_VERB or after == place + 1 else 0
    first = place
    while first > max(0, place - before) and words[first - 1][0].lower() not in _JOINS:
        first -= 1
    return first, after


def _folded(said: str) -> str:
    return " ".join(fold(word) for word in _WORD.findall(said))


_SENTENCE = re.compile(r"[^.!?\n]+(?:\.(?=\w)[^.!?\n]+)*[.!?]*")
_WILL = re.compile(
    r"\b(?:(?:i|we|he|she|they)(?:'ll| will| shall| promised?| guarantee| commit)\b(?! not\b)"
    r"|(?:i'm|i am|we're|we are) (?:going to|gonna)\b"
    r"|you(?:'ll| will) (?:get|receive|have|be)\b"
    r"|will be (?:sent|delivered|refunded|shipped|credited)\b"
    r"|(?:ich|wir) (?:werden?|verspreche|garantiere)n?\b"
    r"|je (?:vous |te |t')?(?:promets|garantis)\b|(?:je vais|nous allons)\b"
    r"|(?:prometo|prometemos|garantizo|voy a|vamos a)\b|(?:prometto|promettiamo|garantisco)\b)",
    re.IGNORECASE,
)
_LEAST_QUESTION = 2
"""Words: "What?" asks nothing that could be kept open."""


def sentences(text: str, marks: int) -> Iterator[Fact]:
    """Promises and questions: the whole sentence each."""
    for match in _SENTENCE.finditer(text):
        said = match[0].strip()
        if not said:
            continue
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        end = start + len(said)
        if said.endswith("?"):
            if len(said.split()) >= _LEAST_QUESTION:
                yield fact("question", text, start, end, _folded(said))
        elif marks & PROMISE and (
            _WILL.search(said) or any(map(FUTURE.match, _WORD.findall(said)))
        ):
            yield fact("promise", text, start, end, _folded(said))
