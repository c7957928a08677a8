"""What a visitor may see of a conversation: understanding, actors, reasons and notes stay here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from msgspec import Struct

from ..model.chat import ChatItem, Link
from ..model.feedback import VISITOR, thumb_of
from ..model.message import Media, Message, Text
from ..model.views import FeedbackView, ReplyView, StreamItem


class _SeenMessage(Struct):
    message_id: str
    message: Message


_seen = msgspec.json.Decoder(_SeenMessage)


def visible(item: StreamItem) -> ChatItem | None:
    """What a visitor sees of an item; None for what is not for them."""
    if item.message is not None:
        seen = _seen.decode(item.message)
        return ChatItem(
            "message",
            item.seq,
            item.at,
            id=seen.message.id,
            message_id=seen.message_id,
            text=seen.message.full_text,
        )
    if item.reply is not None:
        return _reply(item, item.reply)
    data = item.data or {}
    if item.kind == "owner":
        return ChatItem("owner", item.seq, item.at, owner=data.get("owner"))
    if item.kind == "reply_withdrawn":
        return ChatItem("withdrawn", item.seq, item.at, id=data.get("reply_id"))
    if item.kind == "message_duplicate":
        return ChatItem("duplicate", item.seq, item.at, message_id=data.get("message_id"))
    if item.kind == "feedback" and data.get("by") == VISITOR:
        return rated(
            msgspec.convert({"rating": None, **data, "seq": item.seq, "at": item.at}, FeedbackView)
        )
    return _provisional(item, data)


async def visible_items(
    items: AsyncIterator[StreamItem | None],
) -> AsyncIterator[ChatItem | None]:
    """What a visitor sees of a stream; None, which keeps the line alive, goes through."""
    async with aclosing(items):  # type: ignore[type-var]  # it is a generator
        async for item in items:
            if item is None:
                yield None
                continue
            shown = visible(item)
            if shown is not None:
                yield shown


def rated(view: FeedbackView) -> ChatItem:
    """The visitor's rating as it was stored."""
    return ChatItem(
        "feedback",
        view.seq,
        view.at,
        id=view.reply_id,
        rating=thumb_of(view.rating) if view.rating is not None else None,
        text=view.comment,
        category=view.category,
    )


def _reply(item: StreamItem, reply: ReplyView) -> ChatItem:
    texts = [reply.text] if reply.text else []
    texts += [part.text for part in reply.parts if isinstance(part, Text)]
    return ChatItem(
        "reply",
        item.seq,
        item.at,
        id=reply.reply_id,
        text="\n".join(texts) or None,
        links=[
            Link(part.url, part.caption or part.name)
            for part in reply.parts
            if isinstance(part, Media)
        ],
        quick_replies=reply.quick_replies,
        author=reply.author,
        author_name=reply.author_name,
        tone=reply.tone,
        turn=reply.turn_id,
        interrupted=reply.interrupted,
    )


def _provisional(item: StreamItem, data: dict[str, Any]) -> ChatItem | None:
    if item.kind == "reply_chunk":
        return ChatItem(
            "chunk", at=item.at, turn=data["turn_id"], offset=data["offset"], text=data["text"]
        )
    if item.kind == "reply_chunk_end":
        return ChatItem("chunk_end", at=item.at, turn=data["turn_id"])
    return None
