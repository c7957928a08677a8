"""How many tokens of a language model a text takes, told without its tokenizer.

Byte-pair and WordPiece vocabularies differ by a tenth and more among each other, so the default
leans to the high side: a budget that is kept here is rarely broken there. A word of the shipped
vectors, which are English, is one token; others grow with their length. Error: docs/context.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import ceil
from typing import Protocol

from ..model.errors import NotFound
from ..understanding.vectors.words import load_words

LETTERS_PER_TOKEN = 3.6
"""Of a word that is not known: German, French, Spanish and Italian ones, and names."""
LETTERS_PER_TOKEN_ELSEWHERE = 2.2
"""Of words in other alphabets: Cyrillic, Arabic, Devanagari and their like."""
CAPITALS_PER_TOKEN = 2.0
"""Of a word in capitals: codes and shouting."""
SIGNS_PER_TOKEN = 3
"""Of a run of one and the same mark: "...", "---"."""
TOKENS_PER_SYMBOL = 3
"""An emoji, or another sign outside the basic plane: its bytes are often tokens of their own."""

_LONGEST_ACRONYM = 3
_CACHED = 32_768
_LINES = 8192
_LONGEST_LINE = 500
_LONGEST_CACHED = 40
"""Characters of a word that is remembered: longer ones hardly come twice."""
_PART = re.compile(
    r"(?P<word>[A-Za-zÀ-ɏ]+)|(?P<digits>\d+)"
    r"|(?P<ideographs>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)|(?P<letters>[^\W\d_]+)"
    r"|(?P<symbol>[\U00010000-\U0010ffff\u2600-\u27bf])|(?P<sign>(.)\7*)",
    re.DOTALL,
)
_CAMEL = re.compile(r"[A-ZÀ-Þ]?[^A-ZÀ-Þ]+|[A-ZÀ-Þ]+(?![^A-ZÀ-Þ])")


class TokenCounter(Protocol):
    """Counts as one model's tokenizer does, or nearly so. `name` stands in what is recorded."""

    @property
    def name(self) -> str: ...

    def __hash__(self) -> int:
        """What was counted is remembered by the counter that did it."""

    def count(self, text: str) -> int:
        """Tokens of the text alone, without what a chat format adds around it."""


class EstimatedTokens:
    """The default: rules over words, digits and signs; about a microsecond for twenty words.

    Digits and Chinese, Japanese and Korean signs are one token each, as the strictest vocabularies
    have it. Safe for any number of threads.
    """

    name = "estimate:1"

    def count(self, text: str) -> int:
        return _of_line(text) if len(text) <= _LONGEST_LINE else _of_text(text)


def _of_text(text: str) -> int:
    chunks = text.split()
    if max(map(len, chunks), default=0) <= _LONGEST_CACHED:
        return sum(map(_remembered, chunks))
    return sum(map(_counted, chunks))


_of_line = lru_cache(_LINES)(_of_text)
"""The lines of a conversation are counted again for each of its contexts."""


def _counted(chunk: str) -> int:
    """Tokens of what stands between two blanks."""
    total = 0
    for part in _PART.finditer(chunk):
        length = part.end() - part.start()
        match part.lastgroup:
            case "word":
                total += sum(map(_of_word, _CAMEL.findall(part[0])))
            case "digits":
                total += length
            case "ideographs":
                total += length
            case "letters":
                total += ceil(length / LETTERS_PER_TOKEN_ELSEWHERE)
            case "symbol":
                total += TOKENS_PER_SYMBOL
            case _:
                total += ceil(length / SIGNS_PER_TOKEN)
    return total


_remembered = lru_cache(_CACHED)(_counted)


def _of_word(word: str) -> int:
    if len(word) > _LONGEST_ACRONYM and word.isupper():
        return ceil(len(word) / CAPITALS_PER_TOKEN)
    return 1 if _is_known(word.lower()) else max(1, round(len(word) / LETTERS_PER_TOKEN))


def _is_known(word: str) -> bool:
    try:
        return load_words().find(word) is not None
    except NotFound:
        return False
