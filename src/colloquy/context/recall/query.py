"""What a query says: its words, its meaning, whom it names as the speaker, and when."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ...understanding.flow.words import fold
from ...understanding.vectors.words import Floats
from .days import Days
from .vocabulary import Vocabulary, words_of

MAX_QUERY = 2000
"""Characters of a query that are read."""
ANSWERING = frozenset({"assistant", "agent", "human", "team"})
"""Roles that a visitor speaks to."""

_SAYING = (
    r"(?:say|said|tell|told|mention(?:ed)?|ask(?:ed)?|write|wrote|written|promised?|offer(?:ed)?"
    r"|suggest(?:ed)?|recommend(?:ed)?|agreed?|explain(?:ed)?)"
)
_PARTICIPLE = (
    r"\b[^.?!]{0,60}?\b"
    r"(?:gesagt|gefragt|geschrieben|erzählt|erwähnt|versprochen|angeboten|empfohlen|erklärt"
    r"|dit|demandé|écrit|raconté|mentionné|promis|proposé|conseillé|expliqué"
    r"|dicho|preguntado|escrito|contado|mencionado|prometido|ofrecido|recomendado|explicado"
    r"|detto|chiesto|scritto|raccontato|menzionato|promesso|offerto|consigliato|spiegato)"
)
_I_SAID = re.compile(
    rf"\b(?:i (?:\w+ ){{0,2}}{_SAYING}|(?:habe ich|ich habe?|j'ai|ai-je|he|ho){_PARTICIPLE}"
    r"|dije|pregunté|escribí|mencioné)\b"
)
_YOU_SAID = re.compile(
    rf"\b(?:you (?:\w+ ){{0,2}}{_SAYING}|(?:hast du|du hast|haben sie|sie haben|habt ihr|tu as"
    rf"|as-tu|avez-vous|vous avez|has|ha|han|hai|avete){_PARTICIPLE}"
    r"|dijiste|dijo|dijeron|prometiste|prometió|ofreciste|recomendaste)\b"
)


_ASKING = re.compile(
    r"\b(?:ask(?:s|ed|ing)?|questions?|fragen?|fragte|gefragt|demand(?:é|er|ait)|pregunt\w+"
    r"|domand\w+|chiesto|chiedere)\b",
    re.IGNORECASE,
)


class Query(NamedTuple):
    """`terms`: the word of each term. `direction`: of length 1, or zero where no word is known.
    `roles`: whose lines are asked for, by their role; empty where the query does not tell.
    `about_asking`: "what did I ask"."""

    terms: dict[int, str]
    direction: Floats
    speakers: frozenset[int]
    roles: frozenset[str]
    times: list[Days]
    about_asking: bool


def read_query(
    text: str,
    now: int,
    vocabulary: Vocabulary,
    speakers: dict[str, int],
    asker: str,
) -> Query:
    """`speakers`: the code of each word of a speaker's name, folded; such words are no terms."""
    # Here, because its patterns take 50 ms to compile: not before anybody asks.
    from .times import times_in

    text = text[:MAX_QUERY]
    words = words_of(text)
    codes = [speakers.get(fold(word.removesuffix("'s"))) for word in words]
    names = {word for word, code in zip(words, codes, strict=True) if code is not None}
    named = frozenset(code for code in codes if code is not None)
    read = vocabulary.read([[word] for word in words])
    terms = {
        term: words[place]
        for term, place in zip(read.terms.tolist(), read.texts.tolist(), strict=True)
        if codes[place] is None
    }
    total: Floats = read.sums.sum(axis=0)
    length = float(np.sqrt(total @ total))
    return Query(
        terms,
        total / np.float32(length or 1.0),
        named if len(named) == 1 else frozenset(),
        frozenset(roles_meant(text, asker)),
        times_in(_without(text, names), now),
        _ASKING.search(text) is not None,
    )


def _without(text: str, names: set[str]) -> str:
    """April may have said it in May."""
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text


def roles_meant(text: str, asker: str) -> Collection[str]:
    """Of "what did I say" the asker's own role, of "what did you promise" those of the others."""
    text = text.lower().replace("\u2019", "'")
    others = ANSWERING if asker not in ANSWERING else frozenset({"visitor"})
    own, other = _I_SAID.search(text) is not None, _YOU_SAID.search(text) is not None
    if own == other:
        return ()
    return {asker} if own else others
