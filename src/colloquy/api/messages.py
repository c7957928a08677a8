"""`/v2/messages`: the front door, and where a message is.

Sending is the hottest route of all, so it is a bare ASGI function (`MessageDoor`) that the
application calls before Litestar's routing: 34 µs a request instead of 98. Litestar knows the same
function as a handler, which puts it into the OpenAPI document.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter, SkipValidation
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from ..model.errors import (
    ColloquyError,
    InvalidInput,
    InvalidUnicode,
    MessageIdReused,
    TooLarge,
)
from ..model.message import (
    MAX_BODY,
    Message,
    check_message,
    decode_message,
    encode,
    input_error,
    split_items,
    without_lone_surrogates,
)
from ..model.views import MessageState, Receipt, ReplyView, Trace
from ..settings import Settings
from .access import needs, principal_of, require
from .bodies import Disconnected, check_headers, query_parameters, read_body, seconds_parameter
from .parameters import Engine, MessageId
from .problems import PROBLEM_TYPE, as_colloquy_error, problem, problem_body, problem_headers
from .responses import DOOR, documented, errors
from .stream import event

if TYPE_CHECKING:
    from ..runtime import Runtime

MAX_WAIT_S = 30.0
"""Longest `?wait=`: proxies give up on a silent request after a minute or less."""

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers besides type and length, body."""
Item = Message | ColloquyError


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """Several messages in one request. Each gets a receipt or an error of its own."""

    messages: Annotated[list[Message], Meta(min_length=1)]


class Waited(Struct, frozen=True, omit_defaults=True):
    """The answer to `?wait=S`. Without `replies` the turn was not done in time."""

    receipt: Receipt
    replies: list[ReplyView] | None = None


class Results(Struct, frozen=True):
    """The answer to a batch: a receipt or `{"error": problem}` for each message, in order."""

    results: list[Any]


_single = msgspec.json.Decoder(Message)
_batch = msgspec.json.Decoder(Batch)
_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])

_PROBLEM_TYPE = PROBLEM_TYPE.encode()
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_items(body: bytes, settings: Settings, *, live: bool = True) -> tuple[list[Item], bool]:
    """The messages of a request, and whether it was a batch.

    Live text is bounded by its channel's `max_text`; history keeps the whole text. One bad item of
    a batch harms no other: it stands in its place as an error. Raises InvalidInput or a subclass
    when the request as a whole is bad, or its only message is.
    """
    # A larger body may hold an item over the limit of one message, which only its bytes tell.
    if len(body) <= MAX_BODY:
        try:
            if b'"messages"' in body[:256]:  # a hint: a wrong guess costs time, nothing else
                messages = _batch.decode(body).messages
                _check_size(len(messages), settings)
                return [_checked(message, settings, live) for message in messages], True
            message = _single.decode(body)
        except _UNDECODABLE:
            pass  # taken apart below, which finds out what is wrong with which item
        else:
            _check(message, settings, live)
            return [message], False
    raw = _split(body)
    if raw is None:
        message = decode_message(body, max_text=None, max_body=MAX_BODY if live else None)
        _check(message, settings, live)
        return [message], False
    _check_size(len(raw), settings)
    return [_decoded(item, settings, live) for item in raw], True


def _split(body: bytes) -> list[msgspec.Raw] | None:
    """The undecoded items of a batch; None for a single message."""
    try:
        return _items(body)
    except InvalidUnicode:
        # The decoder loses its way at a lone surrogate. Only the item that has it shall suffer:
        # items are found in a copy without, whose bytes lie at the same places.
        repaired = without_lone_surrogates(body)
        if repaired == body:
            raise
    items = _items(repaired)
    if items is None:
        return None
    position = 0
    for place, item in enumerate(items):
        start = repaired.index(bytes(item), position)
        position = start + len(memoryview(item))
        items[place] = msgspec.Raw(body[start:position])
    return items


def _items(body: bytes) -> list[msgspec.Raw] | None:
    try:
        envelope = _envelope.decode(body)
    except _UNDECODABLE as error:
        raise input_error(error, body) from None
    if "messages" not in envelope:
        return None
    for name in envelope:
        if name != "messages":
            raise InvalidInput(f"a batch has `messages` and no field {name[:40]!r}", field=name)
    try:
        return split_items(envelope["messages"])
    except InvalidInput as error:
        error.field = f"messages{error.field or ''}"
        raise


def _check_size(count: int, settings: Settings) -> None:
    if not count:
        raise InvalidInput("a batch needs at least one message", field="messages")
    most = settings.accept.max_batch
    if count > most:
        raise TooLarge(f"{count} messages; the limit is {most}", field="messages")


def _check(message: Message, settings: Settings, live: bool) -> None:
    limit = settings.channel(message.channel).max_text if live else None
    check_message(message, max_text=limit)


def _checked(message: Message, settings: Settings, live: bool) -> Item:
    try:
        _check(message, settings, live)
    except ColloquyError as error:
        return error
    return message


def _decoded(raw: msgspec.Raw, settings: Settings, live: bool) -> Item:
    try:
        message = decode_message(raw, max_text=None, max_body=MAX_BODY if live else None)
        _check(message, settings, live)
    except ColloquyError as error:
        return error
    return message


class MessageDoor:
    """`POST /v2/messages` as a bare ASGI application."""

    def __init__(self, runtime: Runtime, closing: asyncio.Event) -> None:
        """`closing` is set when the server stops: nobody waits for replies any longer."""
        self._runtime = runtime
        self._settings = runtime.settings
        self._limit = runtime.settings.accept.max_body_bytes
        self._closing = closing

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            status, headers, body = await self.answer(scope, receive)
        except Disconnected:
            return
        content_type = b"application/json" if status < 400 else _PROBLEM_TYPE
        raw = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
        raw += [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, scope: Any, receive: Any) -> Answer:
        """Takes messages. Raises Disconnected; every other error becomes a problem document."""
        try:
            require(principal_of(self._runtime, scope), ("send",))
            check_headers(scope["headers"], self._limit)
            wait_s = _wait_of(scope)
            items, is_batch = decode_items(await read_body(receive, self._limit), self._settings)
            if is_batch:
                if wait_s is not None:
                    raise InvalidInput("`wait` goes with a single message", field="wait")
                return _many(await self._runtime.accept(items))
            result = _one(await self._runtime.accept(items))
            if wait_s is None:
                return 202, {}, encode(result)
            return await self._waited(result, wait_s, receive)
        except Disconnected:
            raise
        except Exception as error:
            return _refused(error, scope)

    async def record(self, scope: Any, receive: Any) -> Answer:
        """Takes history. Raises Disconnected; every other error becomes a problem document."""
        try:
            require(principal_of(self._runtime, scope), ("operate",))
            check_headers(scope["headers"], self._limit)
            body = await read_body(receive, self._limit)
            items, is_batch = decode_items(body, self._settings, live=False)
            results = await self._runtime.import_messages(items)
            return _many(results) if is_batch else (202, {}, encode(_one(results)))
        except Disconnected:
            raise
        except Exception as error:
            return _refused(error, scope)

    async def _waited(self, receipt: Receipt, wait_s: float, receive: Any) -> Answer:
        found = await self.replies(receipt.message_id, wait_s, receive)
        status = 202 if found is None else 200
        return status, {}, encode(Waited(receipt, found))

    async def replies(self, message_id: str, wait_s: float, receive: Any) -> list[ReplyView] | None:
        """The replies, if they come in time, the client stays and the server does."""
        replies = asyncio.ensure_future(self._runtime.wait(message_id, wait_s))
        gone = asyncio.ensure_future(event(receive, "http.disconnect"))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((replies, gone, closing), return_when=asyncio.FIRST_COMPLETED)
            return replies.result() if replies.done() else None
        finally:
            for task in (replies, gone, closing):
                task.cancel()


def _one(results: list[Receipt | ColloquyError]) -> Receipt:
    (result,) = results
    if isinstance(result, ColloquyError):
        raise result
    return result


def _many(results: list[Receipt | ColloquyError]) -> Answer:
    shown = [
        {"error": result.problem()} if isinstance(result, ColloquyError) else result
        for result in results
    ]
    failed = [result for result in results if isinstance(result, ColloquyError)]
    if len(failed) < len(results):
        return 202, {}, encode({"results": shown})
    # Pressure may pass: the request can be sent again as it is. Bad input stays bad.
    refusal = next((error for error in failed if error.status in (429, 503)), None)
    if refusal is None:
        # Sent again with other bodies: a conflict, as it is for one alone.
        reused = all(isinstance(error, MessageIdReused) for error in failed)
        kind = MessageIdReused if reused else InvalidInput
        refusal = kind("no message of the batch could be accepted", field="messages")
    document = {**problem(refusal), "results": shown}
    return refusal.status, problem_headers(refusal), encode(document)


def _refused(error: Exception, scope: Any) -> Answer:
    found = as_colloquy_error(error, scope["path"])
    return found.status, problem_headers(found), problem_body(found)


Door = NamedDependency[SkipValidation[MessageDoor]]


def _wait_of(scope: Any) -> float | None:
    if not scope["query_string"]:
        return None
    values = query_parameters(scope).get("wait")
    return seconds_parameter(values[0], "wait", MAX_WAIT_S) if values else None


@post(
    "/v2/messages",
    operation_id="sendMessages",
    summary="Send one message or a batch",
    tags=["Messages"],
    security=[{"key": ["send"]}],
    status_code=202,
    responses=documented(
        {
            200: (Waited, "With `?wait=`: the receipt and the replies of the turn."),
            202: (Receipt | Waited | Results, "Stored for good. Receipts, in the order sent."),
        },
        *DOOR,
    ),
)
async def send_messages(
    door: Door,
    request: Request[Any, Any, Any],
    wait: Annotated[
        float | None,
        QueryParameter(
            ge=0,
            le=MAX_WAIT_S,
            required=False,
            description="Seconds to wait for the replies; with a single message only.",
        ),
    ] = None,
) -> ASGIResponse:
    """A receipt means that the message is on disk; it will be handled exactly once, in order.

    The body is one message, or `{"messages": [...]}`. In a batch each item succeeds or fails by
    itself; when none could be accepted, the answer is a problem with the same `results`. The same
    `id` in a conversation is the same message: sending it again brings the first receipt.
    """
    return _response(await door.answer(request.scope, request.receive))


@post(
    "/v2/import",
    operation_id="importMessages",
    summary="Record history",
    tags=["Messages"],
    security=[{"key": ["operate"]}],
    status_code=202,
    responses=documented(
        {202: (Receipt | Results, "Stored for good. Receipts, in the order sent.")}, *DOOR
    ),
)
async def import_messages(door: Door, request: Request[Any, Any, Any]) -> ASGIResponse:
    """Like sending, but the messages only go into the log: they are not understood nor answered.

    Needs the scope `operate`. Texts of any length are taken.
    """
    return _response(await door.record(request.scope, request.receive))


def _response(answer: Answer) -> ASGIResponse:
    status, headers, body = answer
    content_type = "application/json" if status < 400 else PROBLEM_TYPE
    return ASGIResponse(body=body, status_code=status, headers=headers, media_type=content_type)


@get(
    "/v2/messages/{message_id:str}",
    operation_id="getMessage",
    summary="Where a message is",
    tags=["Messages"],
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422),
)
async def get_message(runtime: Engine, message_id: MessageId) -> MessageState:
    """stored, spooled, held, quiet, retry, parked, done or dead; why; and its replies."""
    return await runtime.message(message_id)


@get(
    "/v2/messages/{message_id:str}/trace",
    operation_id="traceMessage",
    summary="Everything that happened to a message",
    tags=["Messages"],
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422),
)
async def trace_message(runtime: Engine, message_id: MessageId) -> Trace:
    """Oldest first: accepted, waited, attempted, committed, answered."""
    return await runtime.trace(message_id)


ROUTES: list[HTTPRouteHandler] = [send_messages, import_messages, get_message, trace_message]
