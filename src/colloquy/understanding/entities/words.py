"""Where a pattern has a chance: the starts of digits and of a few trigger words.

Trying a large pattern at every character of a text costs tens of microseconds; trying it only where
one of its first words stands costs a tenth of that and finds the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

WORD = re.compile(r"\d+|[^\W\d_]+")
"""A run of digits or a run of letters."""
DIGIT = "0"
"""The trigger that stands for every run of digits."""


def words_of(text: str) -> list[str]:
    """The words of a list that is written as one text."""
    return text.split()


def preceded(*words: str) -> str:
    """A look-behind for one of these words and a blank."""
    return "(?:" + "|".join(rf"(?<=\b{word} )" for word in words) + ")"


def matches_at_words(
    pattern: re.Pattern[str], text: str, triggers: frozenset[str]
) -> Iterator[re.Match[str]]:
    """What `pattern.finditer` yields, for a pattern that starts with a digit or a trigger word."""
    free = 0
    for word in WORD.finditer(text):
        start = word.start()
        if start < free:
            continue
        found = word[0]
        if found[0].isdecimal() or found.lower() in triggers:
            match = pattern.match(text, start)
            if match is not None:
                free = match.end()
                yield match
