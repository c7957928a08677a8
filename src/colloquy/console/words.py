"""Words and icons of the console for what the engine calls by a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from ..api.access import ACTOR
from ..model.errors import Unauthenticated

if TYPE_CHECKING:
    from ..runtime import Runtime


class Word(Struct, frozen=True):
    """What is shown for a code. `kind`: good, warn, bad, info or "" for neutral."""

    code: str
    text: str
    icon: str
    kind: str = ""


OWNERS = {
    "assistant": Word("assistant", "Assistant", "bot"),
    "agent": Word("agent", "Agent", "bot", "info"),
    "human": Word("human", "Person", "user", "info"),
    "team": Word("team", "Team", "team", "info"),
}
STATUSES = {
    "open": Word("open", "Open", "chat"),
    "waiting": Word("waiting", "Waiting for an answer", "clock", "info"),
    "handed_over": Word("handed_over", "Handed over", "hand", "warn"),
}
FEELINGS = {
    "negative": Word("negative", "Unhappy", "frown", "bad"),
    "neutral": Word("neutral", "Neutral", "meh"),
    "positive": Word("positive", "Happy", "smile", "good"),
}
DELIVERY = {
    "sent": Word("sent", "Sent", "check", "good"),
    "pending": Word("pending", "On its way", "clock", "info"),
    "withdrawn": Word("withdrawn", "Withdrawn, not sent", "close", "warn"),
    "failed": Word("failed", "Could not be delivered", "alert", "bad"),
}
TONES = {"neutral": "Neutral", "positive": "Positive", "empathetic": "Empathetic"}

WAITS = Word("waits", "Needs a person", "hand", "warn")
"""Passed on to people, and nobody has taken it over."""

_RANDOM_KEY = re.compile(r"[0-9a-f]{24,64}")
_OPERATORS = {
    "local": "somebody on this machine",
    "anonymous": "somebody",
    "engine": "the assistant",
}


def word(words: Mapping[str, Word], code: str) -> Word:
    """The word for a code, or the code itself where a newer engine has one more."""
    return words.get(code) or Word(code, title(code), "chat")


def title(code: str) -> str:
    """`book_viewing` as `Book viewing`."""
    return code.replace("_", " ").capitalize()


def owner_word(owner: str, owner_id: str | None) -> Word:
    """Who answers a conversation, in a word."""
    return WAITS if owner == "human" and not owner_id else word(OWNERS, owner)


def cause_text(cause: str) -> str:
    """The code of an error in words; the class of a foreign error, such as `KeyError`, as it is."""
    return title(cause) if cause.islower() else cause


def person_name(name: str | None, key: str) -> str:
    """What somebody is called. Visitors of the chat page have no name, and a long random key."""
    if name and name.strip():
        return name.strip()
    return f"Visitor {key[:4]}" if _RANDOM_KEY.fullmatch(key) else key


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def operator_name(runtime: Runtime, actor: str | None) -> str | None:
    """The name of the key that acted, else its id; None where nobody is named."""
    if not actor:
        return None
    key_id = actor.removeprefix(ACTOR)
    try:
        return runtime.keys.holder(key_id).name
    except Unauthenticated:
        return _OPERATORS.get(key_id, key_id)
