"""Names: runs of words with capitals, and words that are known to be names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from .fact import Fact, fact
from .words import CAPITAL, TITLES, is_no_name

_CAPITALISED = re.compile(
    r"(?<![\w'@#])[A-ZÀ-Þ][\w]*(?:['-][^\W\d_]+)*"
    r"(?: (?:(?:de|van|von|der|la|di|del|of|the|&) ){0,2}[A-ZÀ-Þ][\w]*(?:['-][^\W\d_]+)*)*"
)
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_SHOUTED = 0.6
"""Share of words in capitals from which capitals say nothing."""
_ENDS = (".", "!", "?", "…", ":")


def has_inner_capital(chunks: list[str], marks: list[int]) -> bool:
    """Whether a word in the middle of a sentence has a capital."""
    if not any(
        mark & CAPITAL and place and not chunks[place - 1].endswith(_ENDS)
        for place, mark in enumerate(marks)
    ):
        return False
    return len(chunks) < 3 or sum(map(str.isupper, chunks)) <= _SHOUTED * len(chunks)


def names_of(text: str, *, german: bool) -> Iterator[Fact]:
    for run in _CAPITALISED.finditer(text):
        words = list(_WORD.finditer(text, run.start(), run.end()))
        titles = [place for place, word in enumerate(words) if _bare(word[0]) in TITLES]
        titled = bool(titles)
        if titled:
            # "Call Mr Miller": the name is behind it.
            words = words[titles[-1] + 1 :]
        while words and is_no_name(_bare(words[0][0])):
            words.pop(0)
        while words and is_no_name(_bare(words[-1][0])):
            words.pop()
        if not words:
            continue
        # A word that opens a sentence has its capital from there; German nouns have one anyway.
        if len(words) == 1 and not titled and (german or _opens_sentence(text, words[0].start())):
            continue
        end = words[-1].end()
        yield fact("name", text, words[0].start(), end - 2 if text[:end].endswith("'s") else end)


def _bare(word: str) -> str:
    return word.lower().removesuffix("'s")


def _opens_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \"'(“„«*_-")
    return not before or before[-1] in ".!?…:\n" or not before[-1].isascii()


def known_names(text: str, names: Collection[str]) -> Iterator[Fact]:
    for word in _WORD.finditer(text):
        if word[0].lower() in names:
            yield fact("name", text, word.start(), word.end())
