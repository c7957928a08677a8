"""Messages from V1 to V2 and back, without loss either way.

    to_v1(to_v2(v1)) == v1        to_v2(to_v1(message)) == message

Each format shows what it can of the other. What it cannot hold travels in the embedded metadata as
a `Difference`: of a V2 message under `colloquy` in V1's, of a V1 message under `v1` in V2's. A
message that the other format holds whole has no such key. A difference counts only where it leads
back to exactly the message that it stands in: one that a client has edited, or made up, is kept as
ordinary metadata, and what the message itself says is what it says.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from ..model.errors import ColloquyError, InvalidInput, MalformedV1
from ..model.message import Message, Sender, check_message
from .contents import function_call_id, lone_result, result_content, said_in_v1, said_in_v2
from .differences import Difference, apply, differ, read, same
from .v1 import V1Message, check_json, check_v1, moment_of

V2_KEY = "colloquy"
"""In V1's metadata: what V2 has and V1 cannot hold."""
V1_KEY = "v1"
"""In V2's metadata: what V1 has and V2 does not know."""


class Place(NamedTuple):
    """Where V1 messages belong: V1 knows a conversation, but no channels, accounts and threads.

    `conversation` is for messages without a `conversation_id`.
    """

    conversation: str | None = None
    channel: str = "api"
    account: str = "default"
    thread: str = ""


NOWHERE = Place()


def place_of(message: Message) -> Place:
    return Place(message.conversation, message.channel, message.account, message.thread)


def to_v2(v1: V1Message, place: Place = NOWHERE) -> Message:
    """The message in V2. Raises MalformedV1, InvalidUnicode."""
    check_json(v1)
    try:
        claimed = _claimed(v1, place)
        return claimed if claimed is not None else _adopt(v1, place)
    except RecursionError:
        raise MalformedV1("the message is nested too deeply", field="metadata") from None


def to_v1(message: Message, place: Place = NOWHERE) -> V1Message:
    """The message in V1; `place` as for `to_v2`. Raises InvalidInput for a message that is none."""
    check_message(message, max_text=None)
    try:
        return _to_v1(message, place)
    except RecursionError:
        raise InvalidInput("the message is nested too deeply", field="metadata") from None


def _to_v1(message: Message, place: Place) -> V1Message:
    recovered = _recovered(message, place)
    # What would be taken for a rendered V2 message must not be shown as it came.
    if recovered is not None and _claimed(recovered, place) is None:
        return recovered
    return _rendered(message, place)


# -- V1 messages kept in V2 -------------------------------------------------------------------


def _adopt(v1: V1Message, place: Place) -> Message:
    """A message that is V1's own, with what V2 does not show of it."""
    message = _built(v1, place)
    difference = differ(v1, _shown(message))
    metadata = message.metadata
    if not difference and V1_KEY not in metadata and V2_KEY not in metadata:
        return message
    difference.kept = metadata.get(V1_KEY, UNSET)
    return msgspec.structs.replace(message, metadata={**metadata, V1_KEY: difference.tree()})


def _recovered(message: Message, place: Place) -> V1Message | None:
    """The V1 message that this one was adopted from; None when it was not."""
    difference = read(message.metadata, V1_KEY)
    if difference is None:
        return None
    bare = msgspec.structs.replace(message, metadata=_without(message.metadata, V1_KEY, difference))
    v1 = apply(_shown(bare), difference)
    try:
        return v1 if same(_adopt(v1, place), message) else None
    except ColloquyError:
        return None


# -- V2 messages kept in V1 -------------------------------------------------------------------


def _rendered(message: Message, place: Place) -> V1Message:
    """A message that is V2's own, with what V1 does not show of it."""
    v1 = _shown(message)
    # What it shows says of which conversation it is.
    likeness = _built(v1, place._replace(conversation=None))
    is_marked = V1_KEY in message.metadata or V2_KEY in message.metadata
    if not is_marked and same(likeness, message):
        return v1
    difference = differ(msgspec.to_builtins(message), msgspec.to_builtins(likeness))
    difference.kept = message.metadata.get(V2_KEY, UNSET)
    v1["metadata"] = {**message.metadata, V2_KEY: difference.tree()}
    return v1


def _claimed(v1: V1Message, place: Place) -> Message | None:
    """The V2 message that this one was rendered from; None when it was not."""
    metadata = v1.get("metadata")
    difference = read(metadata, V2_KEY) if isinstance(metadata, dict) else None
    if difference is None or metadata is None:
        return None
    message = _restored(v1, metadata, difference, place)
    if message is None or not same(_rendered(message, place), v1):
        return None
    recovered = _recovered(message, place)
    if recovered is not None and _claimed(recovered, place) is None:
        return None  # `to_v1` shows this message as it came
    return message


def _restored(
    v1: V1Message, metadata: dict[str, Any], difference: Difference, place: Place
) -> Message | None:
    bare = {**v1, "metadata": _without(metadata, V2_KEY, difference)}
    try:
        tree = apply(msgspec.to_builtins(_built(bare, place)), difference)
        message = msgspec.convert(tree, Message)
        check_message(message, max_text=None)
    except (ColloquyError, msgspec.ValidationError):
        return None
    return message


def _without(metadata: dict[str, Any], key: str, difference: Difference) -> dict[str, Any]:
    """The metadata before the difference was put there."""
    bare = {name: value for name, value in metadata.items() if name != key}
    if difference.kept is not UNSET:
        bare[key] = difference.kept
    return bare


# -- what either shows of the other -----------------------------------------------------------


def _built(v1: V1Message, place: Place) -> Message:
    """What V2 shows of a V1 message. Raises MalformedV1."""
    shape = check_v1(v1)
    conversation = place.conversation
    if shape.conversation_id is not None:
        own = str(shape.conversation_id)
        if conversation is not None and own != conversation:
            raise MalformedV1(
                f"the message is of {own[:40]!r}, not of {conversation[:40]!r}",
                field="conversation_id",
            )
        conversation = own
    if conversation is None:
        raise MalformedV1(
            "a message needs a `conversation_id` where nothing else says which one it is",
            field="conversation_id",
        )
    text, parts = said_in_v1(shape)
    return Message(
        conversation=conversation,
        channel=place.channel,
        account=place.account,
        thread=place.thread,
        id=str(shape.id) if shape.id is not None else None,
        sender=_sender(shape.role, shape.name, conversation),
        text=text,
        parts=parts,
        sent_at=moment_of(shape.timestamp),
        metadata=dict(shape.metadata or {}),
    )


def _sender(role: str, name: str | None, conversation: str) -> Sender | None:
    if role == "user":
        return Sender(conversation, name=name) if name is not None else None
    return Sender(role, "assistant" if role == "assistant" else "system", name)


def _shown(message: Message) -> V1Message:
    """What V1 shows of a V2 message."""
    sender = message.sender
    result = lone_result(message)
    v1: V1Message = {"conversation_id": message.conversation}
    if message.id is not None:
        v1["id"] = message.id
    if result is not None:
        name = sender.name if sender is not None and sender.id == "function" else None
        is_function = bool(name) and result.call_id == function_call_id(name)
        v1["role"] = "function" if is_function else "tool"
        v1["content"] = result_content(result)
        if not is_function:
            v1["tool_call_id"] = result.call_id
    else:
        v1["role"] = _role(sender)
        v1.update(said_in_v2(message))
    if sender is not None and sender.name is not None:
        v1["name"] = sender.name
    if message.sent_at is not None:
        v1["timestamp"] = msgspec.to_builtins(message.sent_at)
    if message.metadata:
        v1["metadata"] = dict(message.metadata)
    return v1


def _role(sender: Sender | None) -> str:
    """A program that asks is V1's `user`, as a person is: both are answered."""
    if sender is None or sender.kind in ("person", "agent"):
        return "user"
    if sender.kind == "assistant":
        return "assistant"
    return sender.id if sender.id == "developer" else "system"
