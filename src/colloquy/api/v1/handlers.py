"""The routes of V1: say something, read a conversation, chat."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated, Any, cast

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter
from litestar.response.base import ASGIResponse

from ...model.errors import ColloquyError, InvalidInput, MalformedV1, NotFound, TooLarge
from ...model.message import Message
from ...model.views import Receipt
from ..access import needs
from ..messages import Door
from ..parameters import Engine
from ..problems import problem_headers
from ..stream import SSE_HEADERS, Live, Streams, event
from .answers import answer, error_tree, refused
from .chatting import chat_answer, chat_chunks, chat_shape, newest, take_over
from .history import Order, said, shown
from .requests import (
    at_path,
    conversation_of,
    message_of,
    need_v1,
    read_object,
    with_conversation,
    with_id,
)

MAX_PAGE = 200
_ALL: dict[str, Any] = {"exception_handlers": {Exception: refused}, "include_in_schema": False}
"""V1 has a document of its own (`document.py`)."""

ConversationKey = Annotated[str, PathParameter(min_length=1, max_length=256)]


@post("/v1/messages", guards=[needs("send")], status_code=202, **_ALL)
async def send_v1(runtime: Engine, request: Request[Any, Any, Any]) -> ASGIResponse:
    """Takes one message, or `{"messages": […]}` with a receipt or an error for each."""
    tree = await read_object(request, runtime)
    default = conversation_of(tree)
    if "messages" not in tree or "role" in tree:
        item = _item(runtime, request, tree, None)
        if isinstance(item, ColloquyError):
            raise item
        (result,) = await runtime.accept([item])
        if isinstance(result, ColloquyError):
            raise result
        return answer(request, _receipt(result, item), 202)
    listed = tree["messages"]
    if not isinstance(listed, list) or not listed:
        raise MalformedV1("a batch needs at least one message", field="messages")
    most = runtime.settings.accept.max_batch
    if len(listed) > most:
        raise TooLarge(f"{len(listed)} messages; the limit is {most}", field="messages")
    items = [
        _item(runtime, request, with_conversation(one, default), number)
        for number, one in enumerate(listed)
    ]
    results = await runtime.accept(items)
    shown_ones = [
        error_tree(result)
        if isinstance(result, ColloquyError)
        else _receipt(result, cast(Message, item))
        for item, result in zip(items, results, strict=True)
    ]
    failed = [result for result in results if isinstance(result, ColloquyError)]
    if len(failed) < len(results):
        return answer(request, {"object": "list", "data": shown_ones}, 202)
    # As in V2: pressure may pass, so that it speaks for the whole where there is some.
    worst = next((error for error in failed if error.status in (429, 503)), failed[0])
    body = {**error_tree(worst), "data": shown_ones}
    return answer(request, body, worst.status, problem_headers(worst))


@get("/v1/conversations/{conversation:str}/messages", guards=[needs("read")], **_ALL)
async def list_v1(
    runtime: Engine,
    request: Request[Any, Any, Any],
    conversation: ConversationKey,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, required=False)] = 50,
    order: Annotated[Order, QueryParameter(required=False)] = "asc",
    cursor: Annotated[int | None, QueryParameter(ge=0, le=2**53, required=False)] = None,
) -> ASGIResponse:
    """What was said, a page of it; `next_cursor` leads to the next one."""
    need_v1(runtime, conversation)
    try:
        found, following = await said(runtime, conversation, order, cursor, limit)
    except NotFound:
        raise NotFound(f"no conversation {conversation!r}", field="conversation_id") from None
    channel = runtime.settings.versions.v1_channel
    body = {
        "object": "list",
        "conversation_id": conversation,
        "data": [shown(one, conversation, channel) for one in found],
        "has_more": following is not None,
        "next_cursor": str(following) if following is not None else None,
    }
    return answer(request, body)


@post("/v1/chat", guards=[needs("send")], status_code=200, **_ALL)
async def chat_v1(
    runtime: Engine, door: Door, streams: Live, request: Request[Any, Any, Any]
) -> ASGIResponse:
    """Takes a message and answers with the replies, at once or as a stream."""
    tree = await read_object(request, runtime)
    conversation = conversation_of(tree)
    need_v1(runtime, conversation)
    if conversation is None:
        raise MalformedV1("a chat needs a `conversation_id`", field="conversation_id")
    shape = chat_shape(tree)
    v1, path = newest(shape, conversation)
    item = _item(runtime, request, v1, None)
    if isinstance(item, ColloquyError):
        raise at_path(item, path)
    if item.sender is not None and item.sender.kind not in ("person", "agent"):
        raise MalformedV1("the message to be answered is of the `user`", field=f"{path}.role")
    if shape.stream:
        streams.check()
    await take_over(runtime, shape, conversation)
    (result,) = await runtime.accept([item])
    if isinstance(result, ColloquyError):
        raise at_path(result, path) if result.field else result
    name = result.id or result.message_id
    if shape.stream:
        chunks = chat_chunks(runtime, result.message_id, conversation)
        return V1Stream(chunks, streams, request.app.state.v1_headers)
    replies = await door.replies(result.message_id, shape.wait, request.receive)
    status = 202 if replies is None else 200
    return answer(request, chat_answer(name, conversation, replies), status)


class V1Stream(ASGIResponse):
    """Server-sent events that end with the answer."""

    def __init__(self, chunks: Any, streams: Streams, headers: dict[str, str]) -> None:
        super().__init__()
        self._chunks = chunks
        self._streams = streams
        self._standing = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def write(chunk: Any) -> None:
            body = b": keep-alive\n\n" if chunk is None else chunk
            await send({"type": "http.response.body", "body": body, "more_body": True})

        headers = [*SSE_HEADERS, *self._standing]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with aclosing(self._chunks):
            left = event(receive, "http.disconnect")
            if await self._streams.follow(self._chunks, write, left):
                await send({"type": "http.response.body", "body": b""})


def _item(
    runtime: Any, request: Request[Any, Any, Any], v1: Any, number: int | None
) -> Message | ColloquyError:
    """A message to accept, or what is wrong with it."""
    try:
        if isinstance(v1, dict):
            conversation = conversation_of(v1)
            need_v1(runtime, conversation)
            v1 = with_id(v1, request, number)
        return message_of(v1, runtime.settings)
    except ColloquyError as error:
        if number is not None and isinstance(error, InvalidInput):
            at_path(error, f"messages[{number}]")
        return error


def _receipt(receipt: Receipt, message: Message) -> dict[str, Any]:
    """The same for a repeat: V1 knows no duplicates."""
    return {
        "object": "message.receipt",
        "id": receipt.id or receipt.message_id,
        "conversation_id": message.conversation,
        "status": "accepted",
    }


ROUTES: list[HTTPRouteHandler] = [send_v1, list_v1, chat_v1]
