"""`/v1/chat`: what a request says and brings along, its answer at once or in pieces.

V1 clients of the OpenAI kind keep no conversation on the server and send all of it every time. What
the server does not know of it yet is recorded before the new message, where the flag
`auto_migrate_messages` is on; where it is off only the last message counts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from ...evolution import V1Message, merge, reply_to_v1
from ...model import ids
from ...model.errors import ColloquyError, MalformedV1, NotFound, TooLarge
from ...model.message import Message, Sender, encode
from ...model.views import ReplyView, StreamItem
from ..messages import MAX_WAIT_S
from .answers import error_tree
from .history import said
from .requests import MIGRATION, at_path, is_on, message_of, with_conversation

if TYPE_CHECKING:
    from ...runtime import Runtime

MAX_HISTORY = 500
"""Messages of the log that a request's history is compared with, the newest ones."""
STREAM_S = 300.0
"""A stream ends after this long without an answer."""
DONE = b"data: [DONE]\n\n"


class ChatShape(Struct):
    """The fields of a request that count here; others (`model`, `temperature`) do not."""

    message: str | dict[str, Any] | None = None
    messages: list[Any] | None = None
    stream: bool = False
    wait: float = MAX_WAIT_S


def chat_shape(tree: dict[str, Any]) -> ChatShape:
    """Raises MalformedV1."""
    try:
        shape = msgspec.convert(tree, ChatShape)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$.")
        raise MalformedV1(detail, field=path.rstrip("`") or None) from None
    if (shape.message is None) == (shape.messages is None):
        raise MalformedV1("a chat needs `message` or `messages`", field="messages")
    if shape.messages is not None and not shape.messages:
        raise MalformedV1("a chat needs at least one message", field="messages")
    if not 0 <= shape.wait <= MAX_WAIT_S:
        raise MalformedV1(f"wait must be between 0 and {MAX_WAIT_S:g} seconds", field="wait")
    return shape


def newest(shape: ChatShape, conversation: str) -> tuple[V1Message, str]:
    """The message that is to be answered, and where it stands. Raises MalformedV1."""
    if shape.messages is not None:
        v1, path = shape.messages[-1], f"messages[{len(shape.messages) - 1}]"
    elif isinstance(shape.message, str):
        v1, path = {"role": "user", "content": shape.message}, "message"
    else:
        v1, path = {"role": "user", **(shape.message or {})}, "message"
    if not isinstance(v1, dict):
        raise MalformedV1("a message is a JSON object", field=path)
    own = v1.get("conversation_id")
    if own is not None and str(own) != conversation:
        raise MalformedV1("the message is of another conversation", field=f"{path}.conversation_id")
    found: V1Message = with_conversation(v1, conversation)
    return found, path


async def take_over(runtime: Runtime, shape: ChatShape, conversation: str) -> int:
    """Records what the request's history has and the log has not; returns how many messages.

    Raises MalformedV1 for a history that cannot be read: then nothing is recorded.
    """
    earlier = (shape.messages or [])[:-1]
    if not earlier or not is_on(runtime, MIGRATION, conversation):
        return 0
    most = runtime.settings.accept.max_batch
    if len(earlier) > most:
        raise TooLarge(f"{len(earlier)} messages; the limit is {most}", field="messages")
    history = [_earlier(v1, number, conversation, runtime) for number, v1 in enumerate(earlier)]
    known = await _known(runtime, conversation)
    theirs = {message.id for message in known if message.id is not None}
    # The same text under another name is not another message here: V1 clients number as they like.
    compared = [
        message if message.id in theirs else msgspec.structs.replace(message, id=None)
        for message in history
    ]
    merged = {id(message) for message in merge(known, compared)}
    seen: Counter[bytes] = Counter()
    new: list[Message] = []
    for message, likeness in zip(history, compared, strict=True):
        body = encode(likeness)
        seen[body] += 1
        if id(likeness) in merged:
            new.append(_named(message, body, seen[body]))
    results = await runtime.import_messages(new) if new else []
    for result in results:
        if isinstance(result, ColloquyError):
            raise result
    return len(new)


def chat_answer(
    message_id: str, conversation: str, replies: list[ReplyView] | None
) -> dict[str, Any]:
    return {
        "object": "chat",
        "id": message_id,
        "conversation_id": conversation,
        "status": "pending" if replies is None else "answered",
        "messages": [reply_to_v1(reply, conversation) for reply in replies or ()],
    }


async def chat_chunks(
    runtime: Runtime, message_id: str, conversation: str
) -> AsyncIterator[bytes | None]:
    """The answer as server-sent events: pieces, then each message whole, then `[DONE]`.

    None keeps the line alive. An error after the beginning is an event with `error`.
    """
    try:
        async for tree in _chunks(runtime, message_id, conversation):
            yield None if tree is None else b"data: %s\n\n" % encode(tree)
    except ColloquyError as error:
        yield b"data: %s\n\n" % encode(error_tree(error))
    yield DONE


async def _chunks(
    runtime: Runtime, message_id: str, conversation: str
) -> AsyncIterator[dict[str, Any] | None]:
    channel = runtime.settings.versions.v1_channel
    key = ids.conversation_id(channel, "default", conversation).hex()
    draft = Draft(ids.turn_id(bytes.fromhex(message_id)).hex())
    items: Any = runtime.stream(key)
    replies = asyncio.ensure_future(runtime.wait(message_id, STREAM_S))
    following: asyncio.Future[StreamItem | None] | None = None
    try:
        while not replies.done():
            following = following or asyncio.ensure_future(anext(items))
            await asyncio.wait((replies, following), return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                break
            try:
                item = following.result()
            except StopAsyncIteration:  # the server stops
                break
            following = None
            if item is None:
                yield None
            elif (piece := draft.take(item)) is not None:
                yield _chunk(conversation, 0, piece)
        found = await replies
    finally:
        replies.cancel()
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await following
        await items.aclose()
    for index, reply in enumerate(found or ()):
        v1 = reply_to_v1(reply, conversation)
        text = v1["content"] if isinstance(v1["content"], str) else reply.text or ""
        rest, replaces = draft.rest(text) if index == 0 else (text, False)
        if rest or replaces:
            yield _chunk(conversation, index, rest, replaces=replaces)
        yield {"object": "chat.message", "index": index, "message": v1}
    status = "pending" if found is None else "answered"
    yield {
        "object": "chat.end", "id": message_id, "conversation_id": conversation, "status": status,
    }  # fmt: skip


class Draft:
    """What a turn writes, in pieces that can be joined. Attempts may begin anew; pieces that were
    sent cannot be taken back."""

    def __init__(self, turn: str) -> None:
        self._turn = turn
        self._text = ""
        self._sent = ""

    def take(self, item: StreamItem) -> str | None:
        """What the client has not got yet; None where there is nothing that goes on from it."""
        data = item.data or {}
        if item.kind != "reply_chunk" or data.get("turn_id") != self._turn:
            return None
        if data["offset"] == 0:
            self._text = data["text"]
        elif data["offset"] == len(self._text):
            self._text += data["text"]
        if len(self._text) <= len(self._sent) or not self._text.startswith(self._sent):
            return None
        piece = self._text[len(self._sent) :]
        self._sent = self._text
        return piece

    def rest(self, text: str) -> tuple[str, bool]:
        """What is left of the whole text, and whether it has to replace what was sent."""
        if text.startswith(self._sent):
            return text[len(self._sent) :], False
        return text, True


def _chunk(conversation: str, index: int, text: str, *, replaces: bool = False) -> dict[str, Any]:
    tree = {
        "object": "chat.chunk", "conversation_id": conversation, "index": index,
        "delta": {"role": "assistant", "content": text},
    }  # fmt: skip
    return {**tree, "replace": True} if replaces else tree


def _earlier(v1: Any, number: int, conversation: str, runtime: Runtime) -> Message:
    try:
        return message_of(with_conversation(v1, conversation), runtime.settings, live=False)
    except ColloquyError as error:
        raise at_path(error, f"messages[{number}]") from None


async def _known(runtime: Runtime, conversation: str) -> list[Message]:
    """The newest messages and replies of the log, oldest first, as messages."""
    try:
        newest_first, _ = await said(runtime, conversation, "desc", None, MAX_HISTORY)
    except NotFound:
        return []
    found = []
    for one in reversed(newest_first):
        what = one.what
        if isinstance(what, ReplyView):
            what = Message(
                conversation=conversation,
                id=what.reply_id,
                sender=Sender("assistant", "assistant"),
                text=what.text,
                parts=what.parts,
            )
        elif what.id is None:
            what = msgspec.structs.replace(what, id=one.id)
        # Clients tell other times than we do, or none: the order decides.
        found.append(msgspec.structs.replace(what, sent_at=None))
    return found


def _named(message: Message, body: bytes, number: int) -> Message:
    """Under an id that the same history brings again."""
    if message.id is not None:
        return message
    digest = blake2b(body + b"%d" % number, digest_size=16).hexdigest()
    return msgspec.structs.replace(message, id=f"history-{digest}")
