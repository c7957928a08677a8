"""`/chat/ws`: what a visitor sees and says, over one WebSocket.

For front ends that would rather hold one connection than follow server-sent events and post. All
is as with those: items, limits, receipts, going on from a `seq`. Frames are JSON texts. A browser
cannot send headers with a WebSocket, so the first frame brings the visitor's token.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import WebSocket, websocket
from litestar.handlers import WebsocketRouteHandler
from msgspec import Meta, Struct

from ..model.chat import ChatMessage, ChatStop
from ..model.errors import ColloquyError, InvalidInput, Unauthenticated
from ..model.message import encode
from ..model.views import Receipt
from .access import MAX_CREDENTIAL, authenticated
from .chat import Tokens, accepted, conversation_of
from .chat_items import visible_items
from .edge import call_of
from .parameters import Engine
from .problems import as_colloquy_error, problem
from .stream import SEND_TIMEOUT_S, Item, Live, Streams, deny
from .visitors import Visitors

if TYPE_CHECKING:
    from ..runtime import Runtime

BEGIN_TIMEOUT_S = 10.0
"""How long a connection may take to say whose it is."""

GOING_AWAY = 1001
NOT_TEXT = 1003
NOT_JSON = 4400
UNAUTHENTICATED = 4401
TOO_SLOW = 4408
RATE_LIMITED = 4429


class Begin(Struct, frozen=True, tag_field="kind", tag="begin", forbid_unknown_fields=True):
    """The first frame. Without `after` only what is new is sent."""

    token: Annotated[str, Meta(max_length=MAX_CREDENTIAL)]
    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class Say(ChatMessage, frozen=True, tag_field="kind", tag="say", forbid_unknown_fields=True):
    """A message; answered by `receipt` or `problem` with its id."""


class Stop(ChatStop, frozen=True, tag_field="kind", tag="stop", forbid_unknown_fields=True):
    """Ends an answer that is being written."""


class Ping(Struct, frozen=True, tag_field="kind", tag="ping", forbid_unknown_fields=True):
    """Answered by `pong`: browsers cannot send the protocol's own pings."""


class _Named(Struct):
    id: str | None = None


_frame = msgspec.json.Decoder(Begin | Say | Stop | Ping)
_named = msgspec.json.Decoder(_Named)


class _Closed(Exception):
    """How the server ends the connection."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason


class _Left(Exception):
    """The client is gone."""


class ChatSocket:
    """One connection."""

    def __init__(self, socket: WebSocket[Any, Any, Any], runtime: Runtime) -> None:
        self._scope: Any = socket.scope
        self._receive: Any = socket.receive
        self._send: Any = socket.send
        self._runtime = runtime
        self._visitor = ""
        self._closed: _Closed | None = None

    async def serve(self, streams: Streams, visitors: Visitors) -> None:
        await self._receive()
        try:
            self._spend("chat_address")
            streams.check()
        except ColloquyError as error:
            await deny(self._scope, self._send, error)
            return
        await self._send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        try:
            begin = await self._begin(visitors)
            await self._tell({"kind": "begun", "conversation_id": conversation_of(self._visitor)})
        except _Closed as closed:
            await self._close(closed)
            return
        except (_Left, TimeoutError):
            return
        items = self._runtime.stream(conversation_of(self._visitor), begin.after)
        if await streams.follow(visible_items(items), self._show, self._listen()):
            self._closed = _Closed(GOING_AWAY, "begin again after the last seq")
        if self._closed is not None:
            await self._close(self._closed)

    async def _begin(self, visitors: Visitors) -> Begin:
        """Raises _Closed unless the first frame says whose connection it is."""
        try:
            async with asyncio.timeout(BEGIN_TIMEOUT_S):
                text = await self._text()
        except TimeoutError:
            raise _Closed(TOO_SLOW, "the first frame did not come in time") from None
        try:
            begin = _frame.decode(text)
        except msgspec.MsgspecError as error:
            raise _Closed(NOT_JSON, _short(str(error))) from None
        if not isinstance(begin, Begin):
            raise _Closed(NOT_JSON, "begin with the frame `begin`")
        try:
            self._visitor = authenticated(self._scope, partial(visitors.visitor, begin.token))
            self._spend("chat")
        except Unauthenticated as error:
            raise _Closed(UNAUTHENTICATED, _short(error.detail)) from None
        except ColloquyError as error:
            raise _Closed(RATE_LIMITED, _short(error.detail)) from None
        return begin

    # -- what the client says -----------------------------------------------------------------

    async def _listen(self) -> None:
        """Until the client leaves, or has to go."""
        try:
            while True:
                await self._hear(await self._text())
        except _Closed as closed:
            self._closed = closed
        except (_Left, TimeoutError):
            return

    async def _hear(self, text: str) -> None:
        id_ = None
        try:
            id_ = _id_of(text)
            self._spend("chat")
            self._spend("chat_address")
            answer = await self._answer(text)
        except _Closed:
            raise
        except Exception as error:
            found = as_colloquy_error(error, self._scope["path"])
            answer = {"kind": "problem", "problem": problem(found)}
        if answer is not None:
            await self._tell(answer if id_ is None else {**answer, "id": id_})

    async def _answer(self, text: str) -> dict[str, Any] | None:
        """Raises ColloquyError."""
        try:
            frame = _frame.decode(text)
        except msgspec.ValidationError as error:
            raise InvalidInput(str(error)) from None
        if isinstance(frame, Say):
            receipt: Receipt = await accepted(self._runtime, self._visitor, frame)
            return {"kind": "receipt", "receipt": receipt}
        if isinstance(frame, Stop):
            await self._runtime.interrupt(conversation_of(self._visitor), frame.turn)
            return None
        if isinstance(frame, Begin):
            raise InvalidInput("this connection has begun", field="kind")
        return {"kind": "pong"}

    async def _text(self) -> str:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise _Left
        text: str | None = event.get("text")
        if text is None:
            raise _Closed(NOT_TEXT, "frames are JSON texts")
        return text

    def _spend(self, policy: str) -> None:
        """Raises RateLimited."""
        call = call_of(self._scope)
        call.quotas.clear()  # they are told in headers, which frames have not
        call.spend(self._visitor if policy == "chat" else call.address(self._scope), policy)

    # -- what it is told ----------------------------------------------------------------------

    async def _show(self, item: Item | None) -> None:
        if item is not None:  # the server's own pings keep the connection alive
            await self._write(item)

    async def _tell(self, frame: object) -> None:
        """Raises TimeoutError when the client does not take it."""
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._write(frame)

    async def _write(self, frame: object) -> None:
        text = encode(frame).decode()
        await self._send({"type": "websocket.send", "text": text, "bytes": None})

    async def _close(self, closed: _Closed) -> None:
        event = {"type": "websocket.close", "code": closed.code, "reason": closed.reason}
        await self._send(event)


def _id_of(text: str) -> str | None:
    """The id that an answer to this frame bears. Raises _Closed for what is no JSON."""
    try:
        return _named.decode(text).id
    except msgspec.ValidationError:
        return None
    except msgspec.MsgspecError as error:
        raise _Closed(NOT_JSON, _short(str(error))) from None


def _short(reason: str) -> str:
    """A close frame has room for 123 bytes."""
    return reason.encode()[:120].decode(errors="ignore")


@websocket("/chat/ws")
async def chat_socket(
    socket: WebSocket[Any, Any, Any], runtime: Engine, streams: Live, visitors: Tokens
) -> None:
    """See `docs/http.md`."""
    await ChatSocket(socket, runtime).serve(streams, visitors)


ROUTES: list[WebsocketRouteHandler] = [chat_socket]
