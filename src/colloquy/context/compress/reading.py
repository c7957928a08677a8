"""A line as compression reads it: tokens, sentences, and the facts that must survive."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from ...understanding.flow.words import stem
from ..lines import Line
from ..musts import KINDS, Fact, facts_of
from ..tokens import TokenCounter

PIECE_OVERHEAD = 1
"""Tokens between two facts of a list."""
SHORT_SENTENCE = 4
"""Words: a shorter sentence says little by itself."""
_TELLING_ACTS = frozenset({"request", "complain", "confirm", "reject"})
_CACHED = 4096
_REMEMBERED, _REMEMBERED_CHARACTERS = 2048, 600
"""The last lines of conversations that go on are read again for each context."""

_BREAK = re.compile(r"[.!?…]\s+|[。！？]\s*|\n\s*")
_WORDS = re.compile(r"[^\W\d_]{3,}")


class Piece(Struct, frozen=True, array_like=True):
    """The shortest run of a line's text that holds some facts; `keys` are theirs (`Fact.key`)."""

    seq: int
    text: str
    tokens: int
    keys: tuple[str, ...]
    rank: int
    """Of its most important kind, 0 first."""


class Sentence(Struct, frozen=True, array_like=True):
    """A whole sentence of a line, word for word. `score`: how much it says, without the others."""

    seq: int
    index: int
    at: int
    text: str
    score: float
    keys: tuple[str, ...]


class Read(NamedTuple):
    """A line, read. `open`: the questions in it, which matter until they are answered."""

    line: Line
    tokens: int
    sentences: tuple[Sentence, ...]
    pieces: tuple[Piece, ...]
    keys: frozenset[str]
    open: tuple[Piece, ...]


def read(line: Line, counter: TokenCounter, names: Collection[str] = ()) -> Read:
    """The line, read; a short one that was read before is remembered."""
    if names or len(line.text) > _REMEMBERED_CHARACTERS:
        return _read(line, counter, names)
    return _remembered(line, counter)


def _read(line: Line, counter: TokenCounter, names: Collection[str] = ()) -> Read:
    facts = facts_of(line, names)
    tokens = counter.count(line.text)
    sentences = _sentences(line, facts)
    if not facts:
        return Read(line, tokens, sentences, (), frozenset(), ())
    musts = [fact for fact in facts if fact.kind != "question"]
    questions = [fact for fact in facts if fact.kind == "question"]
    return Read(
        line,
        tokens,
        sentences,
        _pieces(line, musts, counter),
        frozenset(fact.key for fact in facts),
        tuple(_piece(line, [fact], counter) for fact in questions),
    )


_remembered = lru_cache(_REMEMBERED)(_read)


def _pieces(line: Line, facts: Sequence[Fact], counter: TokenCounter) -> tuple[Piece, ...]:
    """Facts that overlap are one piece: "not on Friday" keeps its Friday."""
    groups: list[list[Fact]] = []
    end = -1
    for fact in facts:
        if fact.start < end:
            groups[-1].append(fact)
        else:
            groups.append([fact])
        end = max(end, fact.end)
    return tuple(_piece(line, group, counter) for group in groups)


def _piece(line: Line, facts: Sequence[Fact], counter: TokenCounter) -> Piece:
    text = line.text[facts[0].start : max(fact.end for fact in facts)]
    return Piece(
        line.seq,
        text,
        counter.count(text) + PIECE_OVERHEAD,
        tuple(dict.fromkeys(fact.key for fact in facts)),
        min(KINDS.index(fact.kind) for fact in facts),
    )


def _sentences(line: Line, facts: Sequence[Fact]) -> tuple[Sentence, ...]:
    found = []
    for index, (start, end) in enumerate(_spans(line.text)):
        keys: tuple[str, ...] = ()
        if facts:
            inside = (fact.key for fact in facts if start <= fact.start and fact.end <= end)
            keys = tuple(dict.fromkeys(inside))
        text = line.text[start:end]
        score = _score(line, text, len(keys))
        found.append(Sentence(line.seq, index, line.at, text, score, keys))
    return tuple(found)


@lru_cache(_CACHED)
def _spans(text: str) -> tuple[tuple[int, int], ...]:
    """Where the sentences of a text lie; blanks between them belong to none."""
    end = len(text.rstrip())
    spans, start = [], len(text) - len(text.lstrip())
    for cut in _BREAK.finditer(text, start, end):
        stop = cut.start() + len(cut[0].rstrip())
        if stop > start:
            spans.append((start, stop))
        start = cut.end()
    if start < end:
        spans.append((start, end))
    return tuple(spans)


def _score(line: Line, text: str, facts: int) -> float:
    score = min(facts, 3) + abs(line.polarity)
    if line.act in _TELLING_ACTS:
        score += 1
    if text.count(" ") + 1 < SHORT_SENTENCE:
        score -= 1
    return score


@lru_cache(_CACHED)
def stems_of(text: str) -> frozenset[str]:
    """The stems of the content words of a text."""
    return frozenset(map(stem, _WORDS.findall(text))) - {""}
