"""Live streams of a conversation: server-sent events and WebSocket, at least once, with ids.

The id of an item is its `seq`; a client resumes with the highest one it has seen (`after`, or the
Last-Event-ID that a browser's EventSource sends by itself). Nothing is queued here: a stream reads
the log at the speed of its client. One that takes nothing for SEND_TIMEOUT_S is dropped and can
resume; every stream ends when the server stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol, cast

from litestar import Request, WebSocket, get, websocket
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.params import FromPath, SkipValidation
from litestar.response.base import ASGIResponse

from ..model import ids
from ..model.errors import Unavailable
from ..model.message import encode
from ..telemetry import get_logger
from .access import header, needs, principal_of, require
from .bodies import position_parameter, query_parameters
from .parameters import ConversationId, Engine
from .problems import PROBLEM_TYPE, as_colloquy_error, problem_body, problem_headers
from .responses import documented

if TYPE_CHECKING:
    from ..runtime import Runtime

log = get_logger(__name__)

MAX_STREAMS = 5000
"""Open streams of one process; each holds a connection and a few kilobytes."""
SEND_TIMEOUT_S = 30.0
"""A client that takes nothing for this long is dropped."""
RETRY_MS = 1000
"""How long an EventSource waits before it connects again."""
GOODBYE_S = 1.0
"""How long the server waits for its streams to say that it goes away."""


class Item(Protocol):
    """What is streamed: a struct with its place in the conversation; 0 for provisional ones."""

    @property
    def seq(self) -> int: ...


Items = AsyncIterator[Item | None]
Write = Callable[[Item | None], Awaitable[None]]


class Streams:
    """The open streams of this process."""

    def __init__(self, closing: asyncio.Event, *, most: int = MAX_STREAMS) -> None:
        """`closing` is set when the server stops."""
        self._closing = closing
        self._most = most
        self._requests: set[asyncio.Task[Any]] = set()
        self.open = 0

    def check(self) -> None:
        """Raises Unavailable when there is no room for one more, or the server stops."""
        if self._closing.is_set():
            raise Unavailable("the server is stopping", retry_after_s=2.0)
        if self.open >= self._most:
            raise Unavailable(f"{self.open} streams are open", retry_after_s=5.0)

    async def follow(self, items: Items, write: Write, left: Coroutine[Any, Any, None]) -> bool:
        """Writes the items until they end, the client `left` or is slow, or the server stops.

        Returns whether the client is still there to be told. Raises what the stream raises.
        """
        pump = asyncio.ensure_future(_pump(items, write))
        leaving = asyncio.ensure_future(left)
        closing = asyncio.ensure_future(self._closing.wait())
        tasks = (pump, leaving, closing)
        self._remember()
        self.open += 1
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            has_left = leaving.done()
        finally:
            self.open -= 1
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if has_left:
            return False
        if not pump.cancelled():
            try:
                pump.result()
            except TimeoutError:
                log.info("slow_stream_dropped")
                return False
        return True

    def _remember(self) -> None:
        request = asyncio.current_task()
        if request is not None:
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)

    async def ended(self) -> None:
        """Returns when every stream has told its client, GOODBYE_S after the server stops at the
        latest."""
        if self._requests:
            await asyncio.wait(self._requests, timeout=GOODBYE_S)


async def _pump(items: Items, write: Write) -> None:
    # Closing the generator at once makes the runtime forget this watcher.
    async with aclosing(cast(Any, items)):
        async for item in items:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await write(item)


Live = NamedDependency[SkipValidation[Streams]]


class EventStream(ASGIResponse):
    """A `text/event-stream` response. Its first bytes are sent at once, so that clients know."""

    def __init__(self, items: Items, streams: Streams) -> None:
        super().__init__()
        self._items = items
        self._streams = streams

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def write(item: Item | None) -> None:
            await send({"type": "http.response.body", "body": frame(item), "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": SSE_HEADERS})
        await send({"type": "http.response.body", "body": _HELLO, "more_body": True})
        if await self._streams.follow(self._items, write, event(receive, "http.disconnect")):
            await send({"type": "http.response.body", "body": b""})


async def event(receive: Any, kind: str) -> None:
    """Returns when the connection reports this, e.g. that the client is gone."""
    while (await receive())["type"] != kind:
        pass


def frame(item: Item | None) -> bytes:
    """One server-sent event; a comment to keep the connection alive for None. What is provisional
    has no id, so that nobody resumes from it."""
    if item is None:
        return b": keep-alive\n\n"
    if not item.seq:
        return b"data: %s\n\n" % encode(item)
    return b"id: %d\ndata: %s\n\n" % (item.seq, encode(item))


def resume_position(scope: Any) -> int | None:
    """Where a stream goes on: Last-Event-ID (an EventSource that came back), else `?after=`.

    Raises InvalidInput.
    """
    last = header(scope, b"last-event-id")
    if last:
        return position_parameter(last.decode("latin-1"), "Last-Event-ID")
    values = query_parameters(scope).get("after")
    return position_parameter(values[0], "after") if values else None


@get(
    "/v2/conversations/{conversation_id:str}/stream",
    operation_id="streamConversation",
    summary="Follow a conversation live (server-sent events)",
    tags=["Conversations"],
    guards=[needs("read")],
    responses=documented(
        {200: (str, "Server-sent events: `id` is the item's `seq`, `data` a StreamItem.")},
        *(401, 403, 422, 503),
        media_type="text/event-stream",
    ),
)
async def stream_conversation(
    runtime: Engine,
    streams: Live,
    request: Request[Any, Any, Any],
    conversation_id: ConversationId,
) -> EventStream:
    """What is there above `after` (without it, only what is new), then what comes.

    At least once and in order. The conversation need not exist yet: its id is in the first receipt,
    which may come before the first event. `GET …/ws` is the same over WebSocket, one JSON object a
    message.
    """
    after = resume_position(request.scope)
    streams.check()
    return EventStream(runtime.stream(conversation_id, after, for_operators=True), streams)


@websocket("/v2/conversations/{conversation_id:str}/ws")
async def follow_conversation(
    socket: WebSocket[Any, Any, Any],
    runtime: Engine,
    streams: Live,
    conversation_id: FromPath[str],
) -> None:
    """The same stream over WebSocket. An error before the handshake is an HTTP problem."""
    scope: Any = socket.scope
    receive: Any = socket.receive
    send: Any = socket.send
    await receive()
    try:
        items = _ws_items(runtime, streams, scope, conversation_id)
    except Exception as error:
        await deny(scope, send, error)
        return
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})

    async def write(item: Item | None) -> None:
        if item is not None:  # the server's own pings keep the connection alive
            await send({"type": "websocket.send", "text": encode(item).decode(), "bytes": None})

    if await streams.follow(items, write, event(receive, "websocket.disconnect")):
        # 1001: the server goes away; the client connects again and resumes.
        await send({"type": "websocket.close", "code": 1001, "reason": "resume with ?after="})


def _ws_items(runtime: Runtime, streams: Streams, scope: Any, conversation: str) -> Items:
    require(principal_of(runtime, scope), ("read",))
    ids.parse_id(conversation, "conversation_id")
    after = resume_position(scope)
    streams.check()
    return runtime.stream(conversation, after, for_operators=True)


async def deny(scope: Any, send: Any, error: Exception) -> None:
    """Answers the handshake of a WebSocket with an HTTP problem."""
    found = as_colloquy_error(error, scope["path"])
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": found.code})
        return
    headers = {"content-type": PROBLEM_TYPE, **problem_headers(found)}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "websocket.http.response.start", "status": found.status, "headers": raw})
    await send({"type": "websocket.http.response.body", "body": problem_body(found)})


_HELLO = b"retry: %d\n: open\n\n" % RETRY_MS
SSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy must pass every event on at once
]

ROUTES: list[HTTPRouteHandler | WebsocketRouteHandler] = [stream_conversation, follow_conversation]
