"""A conversation's events as far as feedback looks at them: small, typed, without their texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from ..model.context import ContextRecord
from ..model.feedback import Rating
from ..model.times import to_us
from ..model.views import ReplyReason
from ..storage.store import StoreEvent

KINDS = ("message", "reply", "message_duplicate", "owner_changed", "feedback")
"""Kinds of events that are read."""
MAX_EVENTS = 2_000
"""Of a conversation the newest so many are read."""


class Said(NamedTuple):
    """A message of the visitor. `at` is when it was received, in microseconds since 1970."""

    at: int
    length: int
    thread: str | None
    polarity: float
    act: str
    is_repeat: bool
    model: str


class Replied(NamedTuple):
    """A reply. `handler` is what made it; of people their kind: human, team or agent.

    `models` understood the message or wrote the reply.
    """

    at: int
    id: str
    turn: str
    is_automatic: bool
    handler: str
    intent: str
    confidence: float | None
    models: tuple[str, ...]
    context: ContextRecord | None = None
    """What it was answered from, where that was recorded."""


class Repeated(NamedTuple):
    """A message that was the same as the one before and was not answered."""

    at: int


class Passed(NamedTuple):
    """Somebody else answers from now on. `by_engine`: the assistant passed it on itself."""

    at: int
    owner: str
    by_engine: bool


class Rated(NamedTuple):
    """What somebody said of a reply. `rating` is "" where it has none; `reaction` the emoji of a
    reaction, "" where one was taken back, None where it is none."""

    at: int
    reply_id: str
    rating: str | int
    by: str
    category: str
    comment: str
    reaction: str | None = None


Happened = Said | Replied | Repeated | Passed | Rated
Log = Sequence[Happened]
"""In the order of the conversation's log."""


class _Part(Struct):
    text: str | None = None
    caption: str | None = None


class _Sender(Struct):
    kind: str = "person"


class _Sent(Struct):
    text: str | None = None
    parts: list[_Part] = []
    sender: _Sender | None = None


class _Understood(Struct):
    polarity: float = 0.0
    act: str | None = None
    model: str = ""


class _Flow(Struct):
    repeated: str | None = None
    thread: str | None = None


class _Message(Struct):
    received_at: datetime
    message: _Sent
    understanding: _Understood | None = None
    flow: _Flow | None = None


class _Reply(Struct):
    reply_id: str
    author: str = "assistant"
    why: ReplyReason | None = None


class _Owner(Struct):
    owner: str
    actor: str


class _Feedback(Struct):
    reply_id: str
    by: str
    rating: Rating | None = None
    category: str | None = None
    comment: str | None = None
    reaction: str | None = None


_message = msgspec.json.Decoder(_Message)
_reply = msgspec.json.Decoder(_Reply)
_owner = msgspec.json.Decoder(_Owner)
_feedback = msgspec.json.Decoder(_Feedback)
_NOTHING = _Understood()
_NOWHERE = _Flow()


def log_of(events: Iterable[StoreEvent]) -> list[Happened]:
    """What happened, in order; what no visitor said and nothing rated is left out."""
    log: list[Happened] = []
    model = ""
    for event in events:
        if event.kind == "message":
            said = _said(event)
            if said is not None:
                model = said.model
                log.append(said)
        elif event.kind == "reply":
            log.append(_replied(event, model))
        elif event.kind == "message_duplicate":
            log.append(Repeated(event.at))
        elif event.kind == "owner_changed":
            body = _owner.decode(event.body)
            log.append(Passed(event.at, body.owner, body.actor == "engine"))
        elif event.kind == "feedback":
            log.append(_rated(event))
    return log


def _said(event: StoreEvent) -> Said | None:
    body = _message.decode(event.body)
    message = body.message
    if message.sender is not None and message.sender.kind != "person":
        return None
    texts = [message.text, *(part.text or part.caption for part in message.parts)]
    found, flow = body.understanding or _NOTHING, body.flow or _NOWHERE
    return Said(
        # What was imported may have been received long after it was said.
        min(to_us(body.received_at), event.at),
        sum(map(len, filter(None, texts))),
        flow.thread,
        found.polarity,
        found.act or "inform",
        flow.repeated is not None,
        found.model,
    )


def _replied(event: StoreEvent, understood_by: str) -> Replied:
    body = _reply.decode(event.body)
    why = body.why
    models = [understood_by, why.model.model if why is not None and why.model is not None else ""]
    return Replied(
        event.at,
        body.reply_id,
        event.turn_id.hex() if event.turn_id is not None else "",
        body.author == "assistant",
        why.handler if why is not None else body.author,
        (why.intent if why is not None else None) or "",
        why.confidence if why is not None else None,
        tuple(filter(None, models)),
        why.context if why is not None else None,
    )


def _rated(event: StoreEvent) -> Rated:
    body = _feedback.decode(event.body)
    return Rated(
        event.at,
        body.reply_id,
        "" if body.rating is None else body.rating,
        body.by,
        body.category or "",
        body.comment or "",
        body.reaction,
    )


def said_of_replies(log: Log) -> list[tuple[Rated, Replied | None]]:
    """What stands of what people said of replies, oldest first, each with its reply where the log
    has it.

    Of what one said of a reply by rating it the newest stands, and of their reactions the newest
    unless it was taken back. Of the two the newer that rates counts; without a rating a reaction
    stands for itself.
    """
    replies = {one.id: one for one in log if isinstance(one, Replied)}
    newest: dict[tuple[str, str], dict[bool, Rated]] = {}
    for one in log:
        if isinstance(one, Rated):
            tracks = newest.setdefault((one.reply_id, one.by), {})
            tracks.pop(one.reaction is not None, None)
            tracks[one.reaction is not None] = one
    standing: list[Rated] = []
    for tracks in newest.values():
        said = [one for one in tracks.values() if one.rating != "" or one.reaction]
        rating = [one for one in said if one.rating != ""]
        if said:
            standing.append((rating or said)[-1])
    # A sort is stable: what came at the same time stays in the order of the log.
    standing.sort(key=lambda one: one.at)
    return [(rated, replies.get(rated.reply_id)) for rated in standing]


def ratings_of(log: Log) -> list[tuple[Rated, Replied | None]]:
    """The ratings that count, oldest first, each with its reply where that is in the log."""
    return [pair for pair in said_of_replies(log) if pair[0].rating != ""]
