"""Live fan-out inside one process: who waits for a message's replies, who watches a conversation.

Watchers are only told *that* something happened; they read the log (and the drafts) themselves, so
what they see is always in order and complete, and a slow one costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from ..model.views import ReplyView


class Watcher:
    """Somebody who follows a conversation."""

    __slots__ = ("has_news", "wake")

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        """Set whenever something happened; clear it before looking."""
        self.has_news = True
        """Whether the log is to be read; unset it before reading."""

    def touch(self) -> None:
        self.has_news = True
        self.wake.set()


class Changes:
    """Which conversations had something new since somebody last asked. A context manager."""

    MOST = 100
    """Further ones are not remembered: then it is only known that there are some. A page shows
    fewer, and a hundred viewers are told."""

    def __init__(self, feeds: set[Changes]) -> None:
        self._feeds = feeds
        self._seen: set[bytes] = set()
        self._is_vague = False

    def __enter__(self) -> Changes:
        self._feeds.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._feeds.discard(self)

    def note(self, conversation: bytes | None) -> None:
        """None: one that is not known."""
        if conversation is None or len(self._seen) >= self.MOST:
            self._is_vague = True
        else:
            self._seen.add(conversation)

    def take(self) -> list[bytes] | None:
        """Those since the last call; an empty list when it is not known which, None for none."""
        if self._is_vague:
            found: list[bytes] | None = []
        else:
            found = list(self._seen) or None
        self._seen.clear()
        self._is_vague = False
        return found


class Signals:
    """Wakes the watchers of a conversation."""

    def __init__(self) -> None:
        self._watchers: defaultdict[bytes, set[Watcher]] = defaultdict(set)
        self._feeds: set[Changes] = set()
        self.closed = False

    def watch(self, conversation: bytes) -> Watcher:
        watcher = Watcher()
        self._watchers[conversation].add(watcher)
        return watcher

    def unwatch(self, conversation: bytes, watcher: Watcher) -> None:
        watchers = self._watchers.get(conversation)
        if watchers is not None:
            watchers.discard(watcher)
            if not watchers:
                del self._watchers[conversation]

    def changes(self) -> Changes:
        """What changes in any conversation from here on."""
        return Changes(self._feeds)

    def is_watched(self, conversation: bytes) -> bool:
        return conversation in self._watchers

    def touch(self, conversation: bytes) -> None:
        """The log has something new."""
        for feed in self._feeds:
            feed.note(conversation)
        for watcher in self._watchers.get(conversation, ()):
            watcher.touch()

    def nudge(self, conversation: bytes) -> None:
        """A draft has changed, the log has not."""
        for watcher in self._watchers.get(conversation, ()):
            watcher.wake.set()

    def touch_all(self) -> None:
        """After a signal that does not say which: everybody looks."""
        for feed in self._feeds:
            feed.note(None)
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.touch()

    def close(self) -> None:
        """Ends every stream."""
        self.closed = True
        self.touch_all()


class Waiters:
    """Callers that wait for the replies to a message."""

    def __init__(self) -> None:
        self._by_message: dict[bytes, list[asyncio.Future[list[ReplyView]]]] = {}
        self._expected: dict[bytes, tuple[list[bytes], set[bytes], list[ReplyView]]] = {}

    def wait(self, message_id: bytes) -> asyncio.Future[list[ReplyView]]:
        future: asyncio.Future[list[ReplyView]] = asyncio.get_running_loop().create_future()
        self._by_message.setdefault(message_id, []).append(future)
        return future

    def leave(self, message_id: bytes, future: asyncio.Future[list[ReplyView]]) -> None:
        """The caller waits no more."""
        futures = self._by_message.get(message_id)
        if futures is not None and future in futures:
            futures.remove(future)
            if not futures:
                del self._by_message[message_id]

    def settled(self, turn: bytes, messages: list[bytes], replies: list[bytes]) -> None:
        """The turn of these messages is committed with these replies, not yet released."""
        waiting = [message for message in messages if message in self._by_message]
        if not waiting:
            return
        if replies:
            self._expected[turn] = (waiting, set(replies), [])
        else:
            self._answer(waiting, [])

    def released(self, turn: bytes | None, reply: ReplyView) -> None:
        """A reply goes out now (or was withdrawn: then it is not shown but no longer awaited)."""
        self._arrived(turn, bytes.fromhex(reply.reply_id), reply)

    def withdrawn(self, turn: bytes | None, reply_id: bytes) -> None:
        self._arrived(turn, reply_id, None)

    def again(self, turn: bytes | None) -> None:
        """What this turn said was taken back, and it is done again: whoever waits, waits on."""
        if turn is not None:
            self._expected.pop(turn, None)

    def awaits(self, turn: bytes | None) -> bool:
        return turn in self._expected

    def _arrived(self, turn: bytes | None, reply_id: bytes, reply: ReplyView | None) -> None:
        if turn is None or turn not in self._expected:
            return
        waiting, missing, views = self._expected[turn]
        missing.discard(reply_id)
        if reply is not None:
            views.append(reply)
        if not missing:
            del self._expected[turn]
            self._answer(waiting, views)

    def _answer(self, messages: list[bytes], views: list[ReplyView]) -> None:
        for message in messages:
            for future in self._by_message.pop(message, ()):
                if not future.done():
                    future.set_result(list(views))
