"""What clients see: receipts, the state of a message, conversations, items of a stream."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from .message import Part
from .session import Event


class Receipt(Struct, frozen=True, omit_defaults=True):
    """The answer to an accepted message; it was durable before this was made.

    `status`: stored (in the inbox), spooled (on disk, the database being away), duplicate (came
    before: the first one's receipt), dead (came before and lies among the dead letters).
    """

    message_id: str
    conversation_id: str
    status: Literal["stored", "spooled", "duplicate", "dead"]
    id: str | None = None
    """The client's own id, as sent."""


class ReplyView(Struct, frozen=True, omit_defaults=True):
    """A reply as a front end shows it. `seq` is its place in the conversation: resume from it."""

    reply_id: str
    conversation_id: str
    seq: int
    at: str
    text: str | None = None
    parts: list[Part] = []
    quick_replies: list[str] = []
    metadata: dict[str, Any] = {}
    turn_id: str | None = None
    author: str = "assistant"
    """assistant, agent, human or team."""
    author_name: str | None = None


class MessageState(Struct, frozen=True, omit_defaults=True):
    """Where a message is: stored, spooled, held, quiet, retry, parked, done or dead; and why."""

    message_id: str
    state: str
    why: str = ""
    conversation_id: str | None = None
    due_at: str | None = None
    attempts: int = 0
    seq: int | None = None
    """The number of its event, once committed."""
    replies: list[ReplyView] = []


class TraceStep(Struct, frozen=True):
    """One thing that happened to a message."""

    at: str
    what: str
    detail: dict[str, Any]


class Trace(Struct, frozen=True):
    """Where a message is and everything that happened to it, oldest first."""

    state: MessageState
    steps: list[TraceStep]


class ConversationView(Struct, frozen=True, omit_defaults=True):
    conversation_id: str
    channel: str
    account: str
    conversation: str
    """The peer's key, as in a message."""
    thread: str
    status: str
    owner: str
    last_seq: int
    created_at: str
    updated_at: str
    owner_id: str | None = None
    state: dict[str, Any] = {}
    version: int = 0
    """Grows with every change."""


class ConversationPage(Struct, frozen=True):
    conversations: list[ConversationView]
    next: int | None
    """Pass it as `before` for the next page; None at the end."""


class EventPage(Struct, frozen=True):
    events: list[Event]
    next: int | None
    """Pass it as `after` for the next page; None at the end of what there is now."""


class StreamItem(Struct, frozen=True, omit_defaults=True):
    """One item of a conversation's live stream.

    `kind`: reply (`reply` is set), message (the visitor's own, committed: `seq`, `message`), owner
    (`data` says who answers now), message_duplicate (a repeat that was not answered),
    reply_withdrawn, reply_failed. Resume from any `seq`; items come at least once,
    in order.

    Provisional and without `seq`: reply_chunk (`data`: turn_id, attempt, offset in characters,
    text) is what a turn at work has written so far; offset 0 begins anew, the reply of the same
    `turn_id` replaces it. reply_chunk_end: it comes to nothing.
    """

    kind: str
    seq: int = 0
    """Its place in the log; 0, and left out, for what is provisional."""
    at: str = ""
    reply: ReplyView | None = None
    message: msgspec.Raw | None = None
    data: dict[str, Any] | None = None


class DeadLetterView(Struct, frozen=True, omit_defaults=True):
    number: int
    message_id: str
    conversation_id: str
    received_at: str
    dead_at: str
    cause: str
    """The stable code of the error that ended it."""
    detail: str
    status: str
    message: msgspec.Raw
    attempts: list[dict[str, Any]] = []


class DeadLetterPage(Struct, frozen=True):
    dead_letters: list[DeadLetterView]
    next: int | None


class ReplyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A reply by a person or a program."""

    text: str | None = None
    parts: list[Part] = []
    id: str | None = None
    """The client's own id: the same id again is the same reply."""
    author: Literal["human", "agent", "team"] = "human"
    author_name: str | None = None
    take_over: bool = False
    """Also become the conversation's owner: automatic replies stop."""
    metadata: dict[str, Any] = {}


class OwnerRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a conversation over, or give it back to the assistant."""

    owner: Literal["assistant", "agent", "human", "team"]
    owner_id: str | None = None
    reason: str | None = None


class OwnerView(Struct, frozen=True, omit_defaults=True):
    conversation_id: str
    owner: str
    owner_epoch: int
    effective: bool
    """True once no automatic reply of the former owner is on its way any more."""
    withdrawn: int = 0
    """Automatic replies that were not sent any more."""
    in_flight: list[str] = []
    """Ids of automatic replies that are being sent right now."""
    owner_id: str | None = None


class KeyView(Struct, frozen=True, omit_defaults=True):
    """An API key without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None


class NewKey(Struct, frozen=True):
    """A key just made: the only time its secret is shown."""

    key: KeyView
    secret: str


class Principal(Struct, frozen=True):
    """Who is asking: the id of the key and its scopes (send, read, operate, admin)."""

    id: str
    scopes: frozenset[str]
