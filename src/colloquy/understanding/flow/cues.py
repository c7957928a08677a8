"""From what was understood of one message to the few things that the conversation's flow needs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zlib import crc32

from ...model.understanding import Cues, Entity, Understanding
from ..intent import tokens_of
from .acts import Act, act_of
from .words import fold, stem

MAX_TOPIC = 12
MAX_ENTITIES = 8
MAX_VALUE = 24
"""Characters of an entity's value that are kept; a longer one ends in its checksum."""
MAX_LABEL = 24
MAX_WORDS = 256
MAX_REPLY = 600
"""Characters of a reply that are looked at: what it is about comes first."""


def cues_of(words: list[str], found: Understanding, act: Act | None = None) -> Cues:
    """The cues of a message by its words (`intent.tokens_of`), what was understood of it and its
    `acts.act_of`, where that is known already.

    Long words are taken for rare ones: how often a word occurs elsewhere is not known here.
    """
    if act is None:
        act = act_of(words, found.polarity)
    return Cues(
        act=found.act or act.act,
        asks=act.asks,
        topic=topic_of(words),
        entities=[_named(entity) for entity in found.entities[:MAX_ENTITIES]],
        intent=found.intent,
        emotion=found.emotion.label,
        intensity=found.emotion.intensity,
        polarity=found.polarity,
        urgent=found.urgent,
        words=len(words),
    )


def cues_of_text(text: str) -> Cues:
    """The cues of a text of our own side, of which nothing was understood."""
    return _cues_of_reply(text[:MAX_REPLY])


@lru_cache(1024)
def _cues_of_reply(text: str) -> Cues:
    """Kept, because assistants say the same thing to many."""
    return cues_of(tokens_of(text), Understanding())


def topic_of(words: list[str]) -> list[str]:
    """The stems of the content words, longest words first, at most `MAX_TOPIC`."""
    lengths: dict[str, int] = {}
    for word in words[:MAX_WORDS]:
        name = stem(word)
        if len(name) > 1 and (name not in lengths or lengths[name] < len(word)):
            lengths[name] = len(word)
    ranked = sorted(lengths, key=lambda name: -lengths[name])
    return ranked[:MAX_TOPIC]


def _named(entity: Entity) -> str:
    value = _plain(entity.value, entity.text)
    if len(value) > MAX_VALUE:
        value = f"{value[: MAX_VALUE - 9]}~{crc32(value.encode('utf-8', 'surrogatepass')):08x}"
    return f"{entity.label[:MAX_LABEL]}:{value}"


def _plain(value: Any, text: str) -> str:
    """A value as one string, the same for the same value."""
    if value is None:
        return " ".join(fold(text).split())
    if isinstance(value, dict):
        return "/".join(str(value[name]) for name in sorted(value))
    return fold(str(value))
