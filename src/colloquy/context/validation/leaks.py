"""Secrets in a text that is meant for a model: keys, tokens, passwords, PINs and payment cards.

E-mail addresses and phone numbers are none: people ask about their own, and `privacy.mask` hides
them where a prompt is written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ...graph.admission import is_inside, key_spans, secrets_told
from ...understanding.entities.identifiers import cards
from ...understanding.entities.span import Circumstances

_CACHED, _CACHED_CHARACTERS = 4096, 600
_SHORTEST_KEY = 16
"""Characters without a blank: a shorter word is no key."""
_LEAST_VALUE = 4
_CARD_GATE = re.compile(r"(?:\d[ -]?){11}\d")
_URL = re.compile(r"(?:https?://|www\.)\S+")
"""Their long paths look like keys."""
_AT_ONCE = re.compile(r"\S+")
_JOINTS = str.maketrans("", "", "'’-/")
"""Within words: "isn't", "case-sensitive"."""
_EDGES = "\"'“”„«».,;!?()"
_HIDDEN = re.compile(r"\[[a-z-]+\]")
"""What stands for a secret, or for what `privacy.mask` hides."""
_NOWHERE = Circumstances(0)


class Leak(NamedTuple):
    """`text[start:end]` is what nobody else should know. `kind`: "key", "password" or "card"."""

    start: int
    end: int
    kind: str


def leaks_in(text: str) -> tuple[Leak, ...]:
    """What a text gives away, in order. Never raises for odd text."""
    return _remembered(text) if len(text) <= _CACHED_CHARACTERS else _leaks(text)


def without_leaks(text: str) -> str:
    """The text with what it gives away replaced by what that was: "my password is [password]"."""
    pieces, after = [], 0
    for leak in leaks_in(text):
        pieces += [text[after : leak.start], f"[{leak.kind}]"]
        after = leak.end
    return "".join((*pieces, text[after:])) if pieces else text


def _leaks(text: str) -> tuple[Leak, ...]:
    found = []
    if max(map(len, text.split()), default=0) >= _SHORTEST_KEY:
        addresses = [match.span() for match in _URL.finditer(text)]
        found += [
            Leak(start, end, "key")
            for start, end in key_spans(text)
            if not is_inside(addresses, start, end)
        ]
    for start in secrets_told(text, text.casefold()):
        end = _value_end(text, start)
        if end is not None:
            found.append(Leak(start, end, "password"))
    if _CARD_GATE.search(text):
        found += [Leak(span.start, span.end, "card") for span in cards(text, _NOWHERE)]
    return _apart(found)


_remembered = lru_cache(_CACHED)(_leaks)


def _apart(found: list[Leak]) -> tuple[Leak, ...]:
    """In order; of those that overlap one that reaches as far as all of them."""
    apart: list[Leak] = []
    for leak in sorted(found):
        if apart and leak.start < apart[-1].end:
            apart[-1] = apart[-1]._replace(end=max(leak.end, apart[-1].end))
        else:
            apart.append(leak)
    return tuple(apart)


def _value_end(text: str, start: int) -> int | None:
    """Where the password ends that begins there; None for "password is wrong": a password has a
    sign before it, or something in it that words do not have."""
    run = _AT_ONCE.match(text, start)
    if run is None:
        return None
    value = run[0].strip(_EDGES)
    if len(value) < _LEAST_VALUE or _HIDDEN.fullmatch(value):
        return None
    told = text[:start].rstrip()[-1:] in (":", "=") or not _is_word(value)
    return run.end() if told else None


def _is_word(value: str) -> bool:
    letters = value.translate(_JOINTS)
    return letters.isalpha() and (letters.islower() or letters.istitle() or letters.isupper())
