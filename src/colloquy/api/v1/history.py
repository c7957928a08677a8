"""A conversation as V1 messages: what was said, in the order of its log.

What V1 has no word for (notes, ratings, changes of owner) is left out, and so are replies that were
withdrawn. A reply that is not released yet ends what there is: nobody sees it before its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
from msgspec import Struct

from ...evolution import Place, V1Message, reply_to_v1, to_v1
from ...model import ids
from ...model.message import Message
from ...model.views import ReplyView, TranscriptItem

if TYPE_CHECKING:
    from ...runtime import Runtime

Order = Literal["asc", "desc"]
_READ = 200
"""Items that are read at once."""


class _Said(Struct):
    """The body of a message's event, as far as it is needed."""

    message: Message


class Said(NamedTuple):
    """`what`: a message, or a reply; `seq`: its place in the log; `id` and `at`: as the log has
    them, for a message that brought none."""

    seq: int
    id: str
    at: str
    what: Message | ReplyView


_said = msgspec.json.Decoder(_Said)


async def said(
    runtime: Runtime, conversation: str, order: Order, cursor: int | None, limit: int
) -> tuple[list[Said], int | None]:
    """Up to `limit` messages after (`desc`: before) a place, and the place of the next page.

    Raises NotFound.
    """
    channel = runtime.settings.versions.v1_channel
    key = ids.conversation_id(channel, "default", conversation).hex()
    items: list[TranscriptItem] = []
    place = cursor if order == "desc" else cursor or 0
    while len(items) <= limit:
        before, after = (place, None) if order == "desc" else (None, place)
        page = await runtime.transcript(key, before, after, _READ)
        if order == "desc":
            for item in reversed(page.items):
                if _is_pending(item):
                    items.clear()
                elif _is_said(item):
                    items.append(item)
            place = page.before
        else:
            ended = False
            for item in page.items:
                ended = ended or _is_pending(item)
                if not ended and _is_said(item):
                    items.append(item)
            place = None if ended else page.after
        if place is None:
            break
    following = items[limit - 1].seq if len(items) > limit else None
    return await _whole(runtime, key, items[:limit]), following


def shown(one: Said, conversation: str, channel: str) -> V1Message:
    """It as V1 clients see it: always with an id and a time."""
    if isinstance(one.what, ReplyView):
        return reply_to_v1(one.what, conversation)
    v1 = to_v1(one.what, Place(channel=channel))
    if v1.get("id") is None:
        v1["id"] = one.id
    if v1.get("timestamp") is None:
        v1["timestamp"] = one.at
    return v1


async def _whole(runtime: Runtime, key: str, items: list[TranscriptItem]) -> list[Said]:
    """The messages of the items with all that they said: a transcript leaves some of it out."""
    wanted = {item.seq for item in items if item.kind == "message"}
    bodies: dict[int, Message] = {}
    after = min(wanted, default=1) - 1
    while len(bodies) < len(wanted):
        page = await runtime.events(key, after, _READ)
        for event in page.events:
            if event.seq in wanted:
                bodies[event.seq] = _said.decode(event.body).message
        if not page.events:
            break
        after = page.events[-1].seq
    found = []
    for item in items:
        what = item.reply if item.reply is not None else bodies[item.seq]
        found.append(Said(item.seq, item.message_id or "", item.at, what))
    return found


def _is_said(item: TranscriptItem) -> bool:
    return item.kind == "message" or (item.kind == "reply" and item.state != "withdrawn")


def _is_pending(item: TranscriptItem) -> bool:
    return item.kind == "reply" and item.state == "pending"
