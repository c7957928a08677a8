"""Full-text search: the words of a text, and a query for the beginnings of words, on both engines.

Words are cut and folded here and not by the databases, so that both find the same, and so that no
character of what somebody typed has a meaning in their query languages. Folding is Unicode's
compatibility decomposition (UAX #15) without marks, and case folding: "Zürich", "ZÜRICH" and
"zurich" are one word.
"""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 100_000
"""Characters of one text that are looked at."""
MAX_WORD = 64
"""Characters of a word that count."""
MAX_QUERY = 1000
"""Characters of a query that are looked at."""
MAX_QUERY_WORDS = 10

_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The different words of a text, folded, in order."""
    folded = _fold(text[:MAX_TEXT])
    return list(dict.fromkeys(word[:MAX_WORD] for word in _WORD.findall(folded)))


def query_words(query: str) -> list[str]:
    """The words of what somebody typed; [] if there is none, and then nothing is found."""
    return words_of(query[:MAX_QUERY])[:MAX_QUERY_WORDS]


def match_of(words: list[str], dialect: str) -> str:
    """The query for texts in which each of `words` begins a word."""
    if dialect == "sqlite":
        return " ".join(f'"{word}"*' for word in words)
    return " & ".join(f"'{word}':*" for word in words)


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    return _bare(_bare(text).casefold())


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))
