"""What lists show of a conversation, out of its turns: who, what was said last, what was felt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..model.message import Data, Media, Message
from ..model.turn import Turn
from ..storage.write_set import Headline

MAX_PREVIEW = 120
"""Characters."""


def is_of_peer(message: Message) -> bool:
    """Whether the other side said it, and not somebody on ours."""
    return message.sender is None or message.sender.kind in ("person", "agent")


def preview_of(text: str | None, parts: Iterable[Any] = ()) -> str | None:
    """The beginning of a text on one line; what came with it where there is none."""
    if text:
        # Twice as much is looked at, for the line breaks and blanks that go.
        line = " ".join(text[: 2 * MAX_PREVIEW].split())
        if line:
            return line[:MAX_PREVIEW]
    for part in parts:
        if isinstance(part, Media):
            return (part.name or part.mime)[:MAX_PREVIEW]
        if isinstance(part, Data):
            return part.kind[:MAX_PREVIEW]
    return None


def hear(headline: Headline, message: Message, event: int) -> None:
    """Adds one more message, whose event has this index in its unit."""
    headline.preview = preview_of(message.full_text, message.parts) or headline.preview
    if is_of_peer(message):
        headline.said = event
        if message.sender is not None and message.sender.name:
            headline.name = message.sender.name


def feel(headline: Headline, turn: Turn) -> None:
    """Adds what was understood of the turn, if anything was."""
    if turn.raw_understanding and turn.raw_understanding[-1] and is_of_peer(turn.message):
        found = turn.understanding
        headline.intent = found.intent
        headline.feeling = found.feeling
