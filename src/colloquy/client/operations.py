"""Every operation of the API: what it asks, and the type of its answer.

The methods are written as descriptions of a request; `operation.py` makes them methods of both
clients. Keyword arguments that are left out are left to the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from ..model.errors import ColloquyError
from ..model.message import Message
from ..model.views import (
    ConversationFilter,
    ConversationPage,
    ConversationView,
    DeadLetterPage,
    DeadLetterView,
    EventPage,
    FeedbackRequest,
    FeedbackView,
    KeyView,
    MessageState,
    NewKey,
    NoteRequest,
    NoteView,
    OwnerRequest,
    OwnerView,
    ParticipantsView,
    ReadRequest,
    Receipt,
    ReplyRequest,
    ReplyView,
    StreamItem,
    Trace,
    TranscriptPage,
)
from .feed import Feed, stream_item
from .operation import operation, paged, streaming
from .problems import error_of
from .request import Ask, json, nothing
from .webhooks import WebhookOperations

NOT_WELL = frozenset({503})
REFUSED = frozenset({422})
_ALL = ConversationFilter()


class Answer(NamedTuple):
    """What `send` brings: `replies` is None when none came within the time."""

    receipt: Receipt
    replies: list[ReplyView] | None


class MessageOperations:
    """`/v2/messages`, `/v2/import`."""

    @operation("POST", "/v2/messages")
    def send(self, message: Message, wait_s: float = 0.0) -> Ask[Answer]:
        """One message; with `wait_s` (up to 30) also the replies that come within that time."""
        if wait_s > 0:
            return Ask(_waited, query={"wait": wait_s}, body=_with_id(message), has_id=True)
        return Ask(_receipt, body=_with_id(message), has_id=True)

    @operation("POST", "/v2/messages")
    def send_many(self, messages: Sequence[Message]) -> Ask[list[Receipt | ColloquyError]]:
        """A receipt or an error for each, in order. Raises when the request is refused whole."""
        return _batch(messages)

    @operation("POST", "/v2/import")
    def import_messages(self, messages: Sequence[Message]) -> Ask[list[Receipt | ColloquyError]]:
        """Stores history: the messages are recorded in their conversations, not answered."""
        return _batch(messages)

    @operation("GET", "/v2/messages/{message_id}")
    def message(self, message_id: str) -> Ask[MessageState]:
        """Where a message is."""
        return Ask(json(MessageState), path={"message_id": message_id})

    @operation("GET", "/v2/messages/{message_id}/trace")
    def trace(self, message_id: str) -> Ask[Trace]:
        """Where a message is and everything that happened to it."""
        return Ask(json(Trace), path={"message_id": message_id})


class ConversationOperations:
    """`/v2/conversations`."""

    @operation("GET", "/v2/conversations")
    def conversation_page(
        self,
        filter: ConversationFilter = _ALL,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Ask[ConversationPage]:
        """One page of the conversations that pass a filter, newest activity first."""
        wanted = {name: _word(value) for name, value in msgspec.structs.asdict(filter).items()}
        return Ask(json(ConversationPage), query={**wanted, "cursor": cursor, "limit": limit})

    conversations = paged(
        conversation_page,
        lambda page: page.conversations,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/conversations/{conversation_id}")
    def conversation(self, conversation_id: str) -> Ask[ConversationView]:
        """One conversation: its owner, its status, its state."""
        return Ask(json(ConversationView), path={"conversation_id": conversation_id})

    @operation("GET", "/v2/conversations/{conversation_id}/events")
    def event_page(
        self, conversation_id: str, after: int = 0, limit: int | None = None
    ) -> Ask[EventPage]:
        """Up to `limit` events of the log above number `after`, oldest first."""
        return Ask(
            json(EventPage),
            path={"conversation_id": conversation_id},
            query={"after": after, "limit": limit},
        )

    events = paged(
        event_page,
        lambda page: page.events,
        lambda page: None if page.next is None else {"after": page.next},
    )

    @operation("GET", "/v2/conversations/{conversation_id}/messages")
    def transcript(
        self,
        conversation_id: str,
        before: int | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> Ask[TranscriptPage]:
        """What was said and done, oldest first: before or after an event, or the newest part."""
        return Ask(
            json(TranscriptPage),
            path={"conversation_id": conversation_id},
            query={"before": before, "after": after, "limit": limit},
        )

    @operation("GET", "/v2/conversations/{conversation_id}/participants")
    def participants(self, conversation_id: str) -> Ask[ParticipantsView]:
        """Who said something."""
        return Ask(json(ParticipantsView), path={"conversation_id": conversation_id})

    @operation("POST", "/v2/conversations/{conversation_id}/notes")
    def note(self, conversation_id: str, request: NoteRequest) -> Ask[NoteView]:
        """A remark for operators, which visitors never see."""
        if request.id is None:
            request = msgspec.structs.replace(request, id=uuid4().hex)
        return Ask(
            json(NoteView), path={"conversation_id": conversation_id}, body=request, has_id=True
        )

    @operation("POST", "/v2/conversations/{conversation_id}/feedback")
    def feedback(self, conversation_id: str, request: FeedbackRequest) -> Ask[FeedbackView]:
        """Whether a reply helped."""
        return Ask(
            json(FeedbackView), path={"conversation_id": conversation_id}, body=request, has_id=True
        )

    @operation("POST", "/v2/conversations/{conversation_id}/read")
    def mark_read(self, conversation_id: str, seq: int) -> Ask[ConversationView]:
        """Operators have read up to event `seq`."""
        return Ask(
            json(ConversationView),
            path={"conversation_id": conversation_id},
            body=ReadRequest(seq),
            has_id=True,
        )

    @operation("POST", "/v2/conversations/{conversation_id}/replies")
    def reply(self, conversation_id: str, request: ReplyRequest) -> Ask[ReplyView]:
        """A reply by a person or a program, who may take the conversation over with it."""
        if request.id is None:
            request = msgspec.structs.replace(request, id=uuid4().hex)
        return Ask(
            json(ReplyView), path={"conversation_id": conversation_id}, body=request, has_id=True
        )

    @operation("POST", "/v2/conversations/{conversation_id}/owner")
    def set_owner(self, conversation_id: str, request: OwnerRequest) -> Ask[OwnerView]:
        """Who answers from now on."""
        return Ask(json(OwnerView), path={"conversation_id": conversation_id}, body=request)

    @streaming("GET", "/v2/conversations/{conversation_id}/stream")
    def stream(
        self, conversation_id: str, after: int = 0, *, resume: bool = True
    ) -> Feed[StreamItem]:
        """What is there above number `after`, then what comes, in order and each item once.

        It goes on for ever, over connections that break and servers that restart; without `resume`
        it ends with its first connection and raises Unavailable when that breaks. A conversation
        need not have begun.
        """
        return Feed(
            Ask(stream_item, path={"conversation_id": conversation_id}),
            lambda item: item.seq,
            after,
            resume,
        )


class DeadLetterOperations:
    """`/v2/dead-letters`."""

    @operation("GET", "/v2/dead-letters")
    def dead_letter_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        status: str = "dead",
        conversation_id: str | None = None,
    ) -> Ask[DeadLetterPage]:
        """One page of dead letters, newest first; `status` is dead or discarded."""
        return Ask(
            json(DeadLetterPage),
            query={
                "cursor": cursor,
                "limit": limit,
                "status": status,
                "conversation_id": conversation_id,
            },
        )

    dead_letters = paged(
        dead_letter_page,
        lambda page: page.dead_letters,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/dead-letters/{number}")
    def dead_letter(self, number: int) -> Ask[DeadLetterView]:
        """One dead letter with its message and its attempts."""
        return Ask(json(DeadLetterView), path={"number": number})

    @operation("POST", "/v2/dead-letters/retry")
    def retry_dead_letters(
        self, numbers: Sequence[int] | None, conversation_id: str | None = None
    ) -> Ask[list[int]]:
        """Those numbers, else all of one conversation; returns the numbers retried, in order."""
        return Ask(_numbers, body={"numbers": numbers, "conversation_id": conversation_id})

    @operation("POST", "/v2/dead-letters/discard")
    def discard_dead_letters(self, numbers: Sequence[int]) -> Ask[list[int]]:
        """Sets dead letters aside; returns their numbers."""
        return Ask(_numbers, body={"numbers": numbers})


class ServerOperations:
    """Keys, health, metrics."""

    @operation("GET", "/v2/keys")
    def keys(self) -> Ask[list[KeyView]]:
        """All API keys without their secrets, revoked ones too."""
        return Ask(lambda body: json(_Keys)(body).keys)

    @operation("POST", "/v2/keys")
    def create_key(
        self, name: str, scopes: Sequence[str], expires_at: str | None = None
    ) -> Ask[NewKey]:
        """A new key and its secret, which is shown this once. `expires_at` is RFC 3339."""
        return Ask(json(NewKey), body={"name": name, "scopes": scopes, "expires_at": expires_at})

    @operation("DELETE", "/v2/keys/{key_id}")
    def revoke_key(self, key_id: str) -> Ask[None]:
        """From now on the key is refused."""
        return Ask(nothing, path={"key_id": key_id})

    @operation("GET", "/ready")
    def ready(self) -> Ask[bool]:
        """Does the server take messages now?"""
        return Ask(lambda body: json(_Ready)(body).ready, accepts=NOT_WELL)

    @operation("GET", "/health")
    def health(self) -> Ask[str]:
        """How the server is, in one word: healthy, warning, critical or down."""
        return Ask(lambda body: json(_Status)(body).status, accepts=NOT_WELL)

    @operation("GET", "/v2/health")
    def health_report(self) -> Ask[dict[str, Any]]:
        """The full report: score, state, signals, tasks."""
        return Ask(json(dict[str, Any]))

    @operation("GET", "/metrics")
    def metrics(self) -> Ask[str]:
        """Metrics in Prometheus' text format."""
        return Ask(bytes.decode)


class Operations(
    MessageOperations,
    ConversationOperations,
    DeadLetterOperations,
    WebhookOperations,
    ServerOperations,
):
    """Everything that a key can ask a server for."""


# -- answers that are more than one struct ------------------------------------------------------


class _Waited(msgspec.Struct):
    receipt: Receipt
    replies: list[ReplyView] | None = None


class _Result(msgspec.Struct):
    """One item of a batch's answer: the fields of a receipt, or an error."""

    message_id: str = ""
    conversation_id: str = ""
    status: str = "stored"
    id: str | None = None
    error: dict[str, Any] | None = None


class _Results(msgspec.Struct):
    results: list[_Result] | None = None


class _Numbers(msgspec.Struct):
    numbers: list[int]


class _Keys(msgspec.Struct):
    keys: list[KeyView]


class _Ready(msgspec.Struct):
    ready: bool


class _Status(msgspec.Struct):
    status: str


def _word(value: str | bool | None) -> str | None:
    """As it stands in an address."""
    return str(value).lower() if isinstance(value, bool) else value


def _with_id(message: Message) -> Message:
    """The message with an id: repeats of it are then one message."""
    return message if message.id else msgspec.structs.replace(message, id=uuid4().hex)


def _batch(messages: Sequence[Message]) -> Ask[list[Receipt | ColloquyError]]:
    body = {"messages": [_with_id(message) for message in messages]}
    return Ask(_results, body=body, has_id=True, accepts=REFUSED)


def _receipt(body: bytes) -> Answer:
    return Answer(json(Receipt)(body), None)


def _waited(body: bytes) -> Answer:
    waited = json(_Waited)(body)
    return Answer(waited.receipt, waited.replies)


def _results(body: bytes) -> list[Receipt | ColloquyError]:
    found = json(_Results)(body).results
    if found is None:  # refused whole: a problem without results
        raise error_of(json(dict[str, Any])(body))
    return [
        error_of(item.error)
        if item.error is not None
        else Receipt(item.message_id, item.conversation_id, item.status, item.id)  # type: ignore[arg-type]
        for item in found
    ]


def _numbers(body: bytes) -> list[int]:
    return json(_Numbers)(body).numbers
