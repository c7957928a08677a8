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
REMEMBERED_AT_ONCE = 256
"""Of one conversation: a long one must not push out all others."""

_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}
_NO_KEYS: frozenset[str] = frozenset()
_BREAK = re.compile(r"[.!?…]\s+|[。！？]\s*|\n\s*")
_WORDS = re.compile(r"[^\W\d_]{3,}")


class Piece(Struct, frozen=True, array_like=True, gc=False):
    """The shortest run of a line's text that holds some facts; `keys` are theirs (`Fact.key`)."""

    seq: int
    text: str
    tokens: int
    keys: tuple[str, ...]
    rank: int
    """Of its most important kind, 0 first."""


class Sentence(Struct, frozen=True, array_like=True, gc=False):
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

    @property
    def reads(self) -> tuple[Read, ...]:
        return (self,)

    @property
    def pinned(self) -> bool:
        return self.line.pinned

    @property
    def score(self) -> float:
        """Of its most telling sentence."""
        return max((sentence.score for sentence in self.sentences), default=0.0)

    @property
    def is_whole(self) -> bool:
        """A tool's result without its call means nothing."""
        return self.line.kind != "result"

    @property
    def last_seq(self) -> int:
        return self.line.seq


def read(line: Line, counter: TokenCounter, names: Collection[str] = ()) -> Read:
    """The line, read; a short one that was read before is remembered."""
    if names or len(line.text) > _REMEMBERED_CHARACTERS:
        return _read(line, counter, names)
    return _remembered(line, counter)


def read_all(
    lines: Sequence[Line], counter: TokenCounter, names: Collection[str] = ()
) -> list[Read]:
    """The lines, read; of many, the last ones are remembered: they are what is read again."""
    first = max(0, len(lines) - REMEMBERED_AT_ONCE)
    reads = [_read(line, counter, names) for line in lines[:first]]
    return reads + [read(line, counter, names) for line in lines[first:]]


def _read(line: Line, counter: TokenCounter, names: Collection[str] = ()) -> Read:
    facts = facts_of(line, names)
    tokens = counter.count(line.text)
    if not facts:
        return Read(line, tokens, _sentences(line, (), ()), (), _NO_KEYS, ())
    keys = [fact.key for fact in facts]
    pieces: list[list[int]] = []
    questions: list[list[int]] = []
    end = -1
    for place, fact in enumerate(facts):
        if fact.kind == "question":
            questions.append([place])
        elif fact.start < end:
            # Facts that overlap are one piece: "not on Friday" keeps its Friday.
            pieces[-1].append(place)
            end = max(end, fact.end)
        else:
            pieces.append([place])
            end = max(end, fact.end)
    return Read(
        line,
        tokens,
        _sentences(line, facts, keys),
        tuple([_piece(line, facts, keys, places, counter) for places in pieces]),
        frozenset(keys),
        tuple([_piece(line, facts, keys, places, counter) for places in questions]),
    )


_remembered = lru_cache(_REMEMBERED)(_read)


def _piece(
    line: Line,
    facts: Sequence[Fact],
    keys: Sequence[str],
    places: Sequence[int],
    counter: TokenCounter,
) -> Piece:
    """Of the facts at these places, in the order of the text."""
    first = facts[places[0]]
    held: tuple[str, ...] = (keys[places[0]],)
    text, rank = first.text, _RANKS[first.kind]
    if len(places) > 1:
        text = line.text[first.start : max([facts[place].end for place in places])]
        held = tuple(dict.fromkeys([keys[place] for place in places]))
        rank = min([_RANKS[facts[place].kind] for place in places])
    return Piece(line.seq, text, counter.count(text) + PIECE_OVERHEAD, held, rank)


def _sentences(line: Line, facts: Sequence[Fact], keys: Sequence[str]) -> tuple[Sentence, ...]:
    text, seq, at = line.text, line.seq, line.at
    told = abs(line.polarity) + (1 if line.act in _TELLING_ACTS else 0)
    found = []
    for index, (start, end) in enumerate(_spans(text)):
        inside: tuple[str, ...] = ()
        if facts:
            inside = tuple(
                dict.fromkeys(
                    [
                        key
                        for fact, key in zip(facts, keys, strict=True)
                        if start <= fact.start and fact.end <= end
                    ]
                )
            )
        said = text[start:end]
        score = told + min(len(inside), 3)
        if said.count(" ") + 1 < SHORT_SENTENCE:
            score -= 1
        found.append(Sentence(seq, index, at, said, score, inside))
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


@lru_cache(_CACHED)
def stems_of(text: str) -> frozenset[str]:
    """The stems of the content words of a text."""
    return frozenset(map(stem, _WORDS.findall(text))) - {""}
