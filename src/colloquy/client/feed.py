"""Server-sent events as items, resumed where they broke off. Pure: the transports do the reading.

Format: WHATWG HTML, "Server-sent events"; a server of Colloquy sends one `data:` line per event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx
import msgspec

from ..model.errors import Overloaded, Unavailable
from ..model.views import ReplyView, StreamItem
from .request import Ask, Call, json, unreachable

T = TypeVar("T")

SILENCE_S = 60.0
"""A stream sends something every 15 s or so; after this long without a byte it is gone."""
CONNECT_S = 10.0
RECONNECT_S = 0.3
TIMEOUT = httpx.Timeout(CONNECT_S, read=SILENCE_S)


@dataclass(frozen=True)
class Feed(Generic[T]):
    """A stream to open: what it is made of, and how it goes on when it ends.

    `place` is an item's `seq`; None or 0 for one that has none. `resume`: when the connection
    breaks or the server closes it, another begins where it ended.
    """

    ask: Ask[T]
    place: Callable[[T], int | None]
    after: int
    resume: bool = True


class Position(Generic[T]):
    """How far a feed was read, over all its connections."""

    def __init__(self, call: Call[T], feed: Feed[T], url: str) -> None:
        self._call = call
        self._feed = feed
        self._url = url
        self._after = feed.after

    def request(self) -> dict[str, Any]:
        """The request that goes on from here."""
        call = self._call.with_query(after=self._after)
        return {
            "method": call.method,
            "url": call.path,
            "params": call.query,
            "headers": call.headers,
            "timeout": TIMEOUT,
        }

    def read(self, line: str) -> T | None:
        """The item in a line of the stream; None for another line, and for an item seen before."""
        if not line.startswith("data:"):
            return None
        item = self._call.decode(line[5:].encode())
        seq = self._feed.place(item)
        if seq:
            if seq <= self._after:
                return None
            self._after = seq
        return item

    def ended(self, error: Exception | None) -> float | None:
        """Seconds until the next connection, None when the feed is over. Raises its error."""
        known = unreachable(self._url, error) if isinstance(error, httpx.HTTPError) else error
        pause_s = RECONNECT_S
        if known is not None:
            if not self._feed.resume or not isinstance(known, (Unavailable, Overloaded)):
                raise known from None
            pause_s = max(pause_s, known.retry_after_s or 0.0)
        return pause_s if self._feed.resume else None


class _Streamed(msgspec.Struct):
    """A StreamItem as it comes: msgspec decodes `Raw`, but not `Raw | None`."""

    kind: str
    seq: int = 0
    at: str = ""
    reply: ReplyView | None = None
    message: msgspec.Raw = msgspec.Raw()
    data: dict[str, Any] | None = None


def stream_item(body: bytes) -> StreamItem:
    """Reads one item of a conversation's stream. Raises ColloquyError."""
    found = json(_Streamed)(body)
    message = found.message if memoryview(found.message).nbytes else None
    return StreamItem(found.kind, found.seq, found.at, found.reply, message, found.data)
