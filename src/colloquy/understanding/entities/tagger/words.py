"""Words with their places in the text, and spans as tags of words (BIO) and back."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

MAX_WORDS = 512
"""Words of a text that are tagged; what follows is left alone."""
OUTSIDE = "O"
_SEPARATOR = "\t"
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u20d0-\u20ff"
)
"""Combining marks, which are no letters for `re` and must not cut a word in two."""
_WORD = re.compile(
    rf"[^\W\d_](?:[^\W\d_]|[{_MARKS}])*|\d+"
    r"|(?<=\w)['\u2019](?:s|t|re|ll|ve|d|m)(?!\w)"
    r"|\S[\ufe0f\U0001f3fb-\U0001f3ff]*",
    re.IGNORECASE,
)


class Tokens(Struct, frozen=True):
    """`text[starts[i]:ends[i]] == words[i]`."""

    words: list[str]
    starts: list[int]
    ends: list[int]


class Found(Struct, frozen=True):
    """A span of the text (Python string offsets, end exclusive) with the probability that exactly
    this span carries exactly this label."""

    start: int
    end: int
    label: str
    role: str | None = None
    group: str | None = None
    confidence: float = 1.0


def tokens_of(text: str) -> Tokens:
    """Runs of letters, runs of digits, each other sign alone; "'s" and its like are words."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _WORD.finditer(text):
        words.append(match[0])
        starts.append(match.start())
        ends.append(match.end())
        if len(words) == MAX_WORDS:
            break
    return Tokens(words, starts, ends)


def name_of(label: str, role: str | None, group: str | None) -> str:
    """Label, role and group as the one name that tags carry."""
    if role is None and group is None:
        return label
    return _SEPARATOR.join((label, role or "", group or ""))


def parts_of(name: str) -> tuple[str, str | None, str | None]:
    """What `name_of` joined."""
    label, _, rest = name.partition(_SEPARATOR)
    role, _, group = rest.partition(_SEPARATOR)
    return label, role or None, group or None


def tags_of(tokens: Tokens, spans: Sequence[tuple[int, int, str]]) -> list[str]:
    """BIO tags of the words, from (start, end, name). A word belongs to the first span that it
    shares a letter with; a span that shares none is lost."""
    tags = [OUTSIDE] * len(tokens.words)
    at = 0
    for start, end, name in sorted(spans):
        while at < len(tags) and tokens.ends[at] <= start:
            at += 1
        mark = "B-"
        while at < len(tags) and tokens.starts[at] < end:
            tags[at] = mark + name
            mark = "I-"
            at += 1
    return tags


def spans_of(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """(first word, one past the last, name) of each span. An "I-" that continues nothing of its
    name begins a span."""
    spans: list[tuple[int, int, str]] = []
    begun, name = 0, ""
    for at, tag in enumerate((*tags, OUTSIDE)):
        if name and tag == "I-" + name:
            continue
        if name:
            spans.append((begun, at, name))
        begun, name = at, "" if tag == OUTSIDE else tag[2:]
    return spans
