"""Operations on messages: `/v2/messages`, `/v2/import`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from ..model.errors import ColloquyError
from ..model.message import Message
from ..model.views import MessageState, Receipt, ReplyView, Trace
from .operation import operation
from .problems import error_of
from .request import Ask, json

REFUSED = frozenset({409, 422})


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
