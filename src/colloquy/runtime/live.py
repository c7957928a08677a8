"""What happens in a conversation, live: its log from a place on, and what a turn is writing now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from ..delivery.drafts import Drafts
from ..delivery.live import Signals
from ..delivery.outgoing import reply_of
from ..model.times import rfc3339
from ..model.views import StreamItem
from ..storage.store import Store, StoreEvent

KEEP_ALIVE_S = 15.0
SHARED_POLL_S = 0.5
"""On a shared store a stream also looks by itself: signals between processes are lossy."""
VISITOR_KINDS = frozenset(
    (
        "message",
        "message_duplicate",
        "reply",
        "owner_changed",
        "reply_withdrawn",
        "reply_failed",
        "feedback",
    )
)
OPERATOR_KINDS = VISITOR_KINDS | {"note", "tool_call", "tool_result", "reply_stopped"}
"""What operators see besides: what they say to each other, and how answers came about."""
_PAGE = 500


class LiveStreams:
    """Streams of conversations, for any number of watchers."""

    def __init__(self, store: Store, signals: Signals, drafts: Drafts) -> None:
        self._store = store
        self._signals = signals
        self._drafts = drafts

    async def stream(
        self,
        conversation: bytes,
        after: int | None = None,
        kinds: frozenset[str] = VISITOR_KINDS,
    ) -> AsyncIterator[StreamItem | None]:
        """What happens in a conversation, in order, at least once, from `after` on.

        `after` None means only what is new; the conversation need not exist yet. Yields None every
        15 s to keep the line alive. Replies appear once they are released; what a turn at work
        writes is shown before, when nothing of the log is left to show. Ends when the server stops.
        """
        watcher = self._signals.watch(conversation)
        follower = self._drafts.follow(conversation)
        number: int | None = None
        position = after
        idle = 0.0
        try:
            while not self._signals.closed:
                watcher.wake.clear()
                has_news, watcher.has_news = watcher.has_news, False
                if has_news and number is None:
                    found = await self._store.sessions([conversation])
                    session = found.get(conversation)
                    if session is not None:
                        number = session.number
                        follower.epoch = session.owner_epoch
                        if position is None:
                            position = session.last_seq
                    elif position is None:
                        position = 0
                if has_news and number is not None:
                    assert position is not None
                    items, position = await self._news(number, conversation, position, kinds)
                    for item in items:
                        idle = 0.0
                        follower.saw(item)
                        yield item
                    if items:
                        watcher.has_news = True
                        continue
                for item in follower.take():
                    idle = 0.0
                    yield item
                wait = SHARED_POLL_S if self._store.shared else KEEP_ALIVE_S
                try:
                    async with asyncio.timeout(wait):
                        await watcher.wake.wait()
                except TimeoutError:
                    watcher.has_news = True
                    idle += wait
                    if idle >= KEEP_ALIVE_S:
                        idle = 0.0
                        yield None
        finally:
            self._signals.unwatch(conversation, watcher)
            self._drafts.left(conversation)

    async def _news(
        self, number: int, conversation: bytes, after: int, kinds: frozenset[str]
    ) -> tuple[list[StreamItem], int]:
        """The items after a place, up to the first reply that is not released yet.

        The log is read before the outbox: a reply in it whose row is gone was released, or was
        withdrawn, and then an event says so by now.
        """
        events = await self._store.events(number, after, _PAGE)
        if not events:
            return [], after
        pending = {
            item.seq for item in await self._store.outbox_of(number) if item.state == "pending"
        }
        replies = [event.seq for event in events if event.kind == "reply"]
        unsent = await self._store.unsent(number, replies[0]) if replies else {}
        items: list[StreamItem] = []
        for event in events:
            if event.seq in pending:
                break
            after = event.seq
            if event.kind == "reply" and unsent.get(event.reply_id) == "reply_withdrawn":
                continue
            if event.kind in kinds:
                items.append(_item(event, conversation))
        return items, after


def _item(event: StoreEvent, conversation: bytes) -> StreamItem:
    at = rfc3339(event.at)
    if event.kind == "reply":
        return StreamItem("reply", event.seq, at, reply=reply_of(event, conversation))
    if event.kind == "message":
        return StreamItem("message", event.seq, at, message=msgspec.Raw(event.body))
    kind = "owner" if event.kind == "owner_changed" else event.kind
    return StreamItem(kind, event.seq, at, data=msgspec.json.decode(event.body))
