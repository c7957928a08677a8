"""What visitors of the chat page send and see."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from .message import Key


class ChatConfig(Struct, frozen=True):
    """How the operator wants the chat to look: the settings `chat`. Without `ratings` nobody is
    asked how a reply was."""

    title: str
    greeting: str
    accent: str
    placeholder: str
    avatar: bool
    privacy: str
    ratings: bool


class Session(Struct, frozen=True):
    """Who the visitor is from now on, and where their conversation stands."""

    token: str
    conversation_id: str
    owner: str
    after: int
    """Follow the stream from here to get the last part of what was said."""


class ChatMessage(Struct, frozen=True, forbid_unknown_fields=True):
    """What a visitor says. The same `id` again is the same message."""

    id: Key
    text: Annotated[str, Meta(min_length=1)]
    stream: Key
    """The browser tab; `sequence` counts its messages."""
    sequence: Annotated[int, Meta(ge=0, le=2**53)]
    time_zone: Annotated[str, Meta(max_length=64)] | None = None


class ChatStop(Struct, frozen=True, forbid_unknown_fields=True):
    """The answer that the visitor wants no more of: the `turn` of its chunks."""

    turn: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class Link(Struct, frozen=True, omit_defaults=True):
    """An attachment."""

    url: str
    name: str | None = None


class ChatItem(Struct, frozen=True, omit_defaults=True):
    """One thing that the visitor sees happen.

    `kind`: message (the visitor's own), duplicate (the message `message_id` was taken for a repeat
    of the one before), reply, withdrawn (the reply `id` was taken back), owner, feedback (the reply
    `id` has this `rating` now). Provisional and without `seq`: chunk (`text` of the answer that
    `turn` is making, from the character `offset` on; offset 0 begins anew), chunk_end (nothing
    comes of it).
    """

    kind: str
    seq: int = 0
    at: str = ""
    id: str | None = None
    """The client's id of a message; the id of a reply."""
    message_id: str | None = None
    text: str | None = None
    links: list[Link] = []
    quick_replies: list[str] = []
    author: str | None = None
    author_name: str | None = None
    tone: str | None = None
    """Of a reply: neutral, positive, empathetic."""
    owner: str | None = None
    turn: str | None = None
    """Of a reply and of the chunks that it replaces."""
    offset: int = 0
    interrupted: bool = False
    """Of a reply: the visitor stopped it; this is what had been written by then."""
    rating: str | None = None
    """up, neutral or down; None where it was taken back."""
    category: str | None = None
    """Of a rating, whose comment is `text`."""


class History(Struct, frozen=True):
    """Older items, oldest first. `before` asks for the ones before these; null at the start."""

    items: list[ChatItem]
    before: int | None
