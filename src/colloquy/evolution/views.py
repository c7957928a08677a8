"""What V2 shows of a conversation, as V1 messages: replies and items of a transcript.

As with messages, what V1 cannot hold travels in the metadata under `colloquy`, and leads back to
the very same view. `as` says of what: `reply` or `item`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from ..model.errors import MalformedV1
from ..model.message import Message, Part
from ..model.views import ReplyView, TranscriptItem
from .adapting import V2_KEY
from .contents import said_in_v1, said_in_v2
from .differences import Difference, apply, differ
from .v1 import V1Message, check_v1

T = TypeVar("T")


def reply_to_v1(reply: ReplyView, conversation: str | None = None) -> V1Message:
    """A reply as V1's `assistant` says it; `conversation` is shown as its `conversation_id`."""
    v1: V1Message = {"conversation_id": conversation} if conversation is not None else {}
    v1 |= {"id": reply.reply_id, "role": "assistant", **_said(reply.text, reply.parts)}
    if reply.author_name is not None:
        v1["name"] = reply.author_name
    v1["timestamp"] = reply.at
    difference = differ(msgspec.to_builtins(reply), _reply_likeness(v1, reply.metadata))
    difference.kept = reply.metadata.get(V2_KEY, UNSET)
    v1["metadata"] = {**reply.metadata, V2_KEY: {"as": "reply", **difference.tree()}}
    return v1


def reply_of_v1(v1: V1Message) -> ReplyView:
    """The reply that `reply_to_v1` showed. Raises MalformedV1."""
    carried = _carried(v1, "reply")
    return _reply(v1, carried)


def item_to_v1(item: TranscriptItem, conversation: str | None = None) -> V1Message | None:
    """What was said, or a call of a tool, or what it returned; None for what V1 has no word for:
    notes, ratings, changes of owner and their like."""
    if item.kind == "reply" and item.reply is not None:
        v1 = reply_to_v1(item.reply, conversation)
        tree = msgspec.to_builtins(item)
        del tree["reply"]
        carried = v1["metadata"][V2_KEY]
        v1["metadata"][V2_KEY] = {"as": "item", "set": tree, "reply": carried}
        return v1
    shown = _shown(item)
    if shown is None:
        return None
    v1 = {"conversation_id": conversation} if conversation is not None else {}
    v1 |= {**shown, "timestamp": item.at}
    difference = differ(msgspec.to_builtins(item), _item_likeness(v1, item.kind))
    v1["metadata"] = {V2_KEY: {"as": "item", **difference.tree()}}
    return v1


def item_of_v1(v1: V1Message) -> TranscriptItem:
    """The item that `item_to_v1` showed. Raises MalformedV1."""
    carried = _carried(v1, "item")
    inner = carried.pop("reply", None)
    if inner is not None:
        if not isinstance(inner, dict):
            raise _no_view("reply")
        reply = _reply(v1, {name: value for name, value in inner.items() if name != "as"})
        tree = {**_difference(carried).set, "reply": msgspec.to_builtins(reply)}
        return _convert(tree, TranscriptItem)
    difference = _difference(carried)
    likeness = _item_likeness(v1, difference.set.get("kind", "message"))
    return _convert(apply(likeness, difference), TranscriptItem)


def _reply(v1: V1Message, carried: dict[str, Any]) -> ReplyView:
    difference = _difference(carried)
    metadata = {name: value for name, value in v1["metadata"].items() if name != V2_KEY}
    if difference.kept is not UNSET:
        metadata[V2_KEY] = difference.kept
    return _convert(apply(_reply_likeness(v1, metadata), difference), ReplyView)


def _reply_likeness(v1: V1Message, metadata: Mapping[str, Any]) -> dict[str, Any]:
    text, parts = said_in_v1(check_v1(v1))
    made = {
        "reply_id": v1.get("id"),
        "at": v1.get("timestamp"),
        "text": text,
        "parts": msgspec.to_builtins(parts),
        "author_name": v1.get("name"),
        "metadata": dict(metadata),
    }
    return {name: value for name, value in made.items() if value not in (None, [], {})}


def _shown(item: TranscriptItem) -> V1Message | None:
    """The V1 fields of an item that is no reply."""
    if item.kind == "message":
        sender = item.sender
        kind = sender.kind if sender is not None else "person"
        role = {"assistant": "assistant", "system": "system"}.get(kind, "user")
        v1 = {"id": item.message_id} if item.message_id else {}
        v1 |= {"role": role, **_said(item.text, item.parts)}
        return {**v1, "name": sender.name} if sender is not None and sender.name else v1
    if not item.call_id or not item.name:
        return None
    if item.kind == "tool_call":
        function = {"name": item.name, "arguments": item.arguments or ""}
        call = {"id": item.call_id, "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if item.kind == "tool_result":
        result = {"role": "tool", "tool_call_id": item.call_id, "name": item.name}
        return {**result, "content": item.result}
    return None


def _item_likeness(v1: V1Message, kind: str) -> dict[str, Any]:
    # Its kind always travels: a message with a tool call looks as a call does.
    made: dict[str, Any] = {"at": v1.get("timestamp")}
    if kind == "tool_call":
        call = next(iter(_calls(v1)), {})
        function = call.get("function", {})
        made |= {"call_id": call.get("id"), "name": function.get("name")}
        made["arguments"] = function.get("arguments")
    elif kind == "tool_result":
        made |= {"call_id": v1.get("tool_call_id"), "name": v1.get("name")}
        made["result"] = v1.get("content")
    else:
        text, parts = said_in_v1(check_v1(v1))
        made |= {"message_id": v1.get("id"), "text": text}
        made["parts"] = msgspec.to_builtins(parts)
    return {name: value for name, value in made.items() if value not in (None, [])}


def _calls(v1: V1Message) -> list[dict[str, Any]]:
    return v1["tool_calls"] if check_v1(v1).tool_calls else []


def _said(text: str | None, parts: list[Part]) -> dict[str, Any]:
    return said_in_v2(Message(conversation="-", text=text, parts=parts))


def _carried(v1: V1Message, kind: str) -> dict[str, Any]:
    check_v1(v1)
    found = (v1.get("metadata") or {}).get(V2_KEY)
    if not isinstance(found, dict) or found.get("as") != kind:
        raise _no_view(kind)
    return {name: value for name, value in found.items() if name != "as"}


def _difference(carried: dict[str, Any]) -> Difference:
    try:
        return msgspec.convert(carried, Difference)
    except msgspec.ValidationError:
        raise _no_view("difference") from None


def _convert(tree: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        raise MalformedV1(str(error), field=f"metadata.{V2_KEY}") from None


def _no_view(kind: str) -> MalformedV1:
    return MalformedV1(f"no {kind} of V2 is carried here", field=f"metadata.{V2_KEY}")
