"""`/chat/…`: what the chat page calls. Visitors need no account and no key.

A visitor has a signed token (`visitors.py`) and sees the conversation (`web`, `default`, their id)
and nothing else. The page sends each message under an id of its own until it has the receipt, and
follows the stream from the last `seq` it has shown, so that nothing is lost or shown twice.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, cast

from litestar import Request, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter, SkipValidation

from ..model import ids
from ..model.chat import ChatConfig, ChatItem, ChatMessage, ChatStop, History, Session
from ..model.errors import ColloquyError, NotFound, Unauthenticated
from ..model.feedback import VISITOR
from ..model.message import MAX_BODY, Message, Sender, check_message
from ..model.views import FeedbackRequest, Receipt
from .access import authenticated, bearer
from .chat_items import rated, visible, visible_items
from .edge import call_of
from .parameters import Engine
from .responses import BODY, documented, errors
from .stream import EventStream, Live, resume_position
from .visitors import Visitors

if TYPE_CHECKING:
    from ..runtime import Runtime

CHANNEL = "web"
ACCOUNT = "default"
SECRET = "visitors"
"""Name of the signing key among the database's secrets."""
RECENT = 100
"""Events that the page begins with; older ones are fetched when asked for."""
HISTORY_TIMEOUT_S = 2.0
"""Bounds a request for history whose `before` lies in the future."""

_TAGS = ["Chat page"]


# -- who asks ---------------------------------------------------------------------------------


async def provide_visitors(state: State) -> Visitors:
    """Litestar's dependency `visitors`: one per application, by the key of its database."""
    known: Visitors | None = state.get("visitors")
    if known is None:
        known = state.visitors = Visitors(await state.runtime.secret(SECRET))
    return known


async def visitor_guard(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """Lets visitors in and nobody else; `scope["visitor"]` says who."""
    token = bearer(connection.scope)
    if token is None:
        raise Unauthenticated("ask POST /chat/session for a visitor's token")
    visitors = await provide_visitors(connection.app.state)
    scope: Any = connection.scope
    visitor = authenticated(scope, partial(visitors.visitor, token))
    scope["visitor"] = visitor
    call = call_of(scope)
    call.spend(visitor, "chat")
    call.spend(call.address(scope), "chat_address")


def provide_visitor(request: Request[Any, Any, Any]) -> str:
    """Litestar's dependency `visitor`: the id of whom the guard let in."""
    found: str = cast(Any, request.scope)["visitor"]
    return found


Visitor = NamedDependency[str]
Tokens = NamedDependency[SkipValidation[Visitors]]


def conversation_of(visitor: str) -> str:
    return ids.conversation_id(CHANNEL, ACCOUNT, visitor).hex()


# -- what the page calls ----------------------------------------------------------------------


@get(
    "/chat/config",
    operation_id="chatConfig",
    summary="How the chat looks",
    tags=_TAGS,
    security=[{}],
    responses=errors(503),
)
async def chat_config(runtime: Engine) -> ChatConfig:
    """For everybody: nothing in it is secret."""
    chosen = runtime.settings.chat
    return ChatConfig(
        title=chosen.title,
        greeting=chosen.greeting,
        accent=chosen.accent,
        placeholder=chosen.placeholder,
        avatar=chosen.avatar,
        privacy=chosen.privacy,
        ratings=runtime.collects_feedback,
    )


@post(
    "/chat/session",
    operation_id="chatSession",
    summary="Begin or renew a visit",
    tags=_TAGS,
    status_code=200,
    security=[{}],
    responses=errors(401, 503),
)
async def chat_session(
    runtime: Engine, visitors: Tokens, request: Request[Any, Any, Any]
) -> Session:
    """With a visitor's token it is renewed, else the caller becomes a new visitor."""
    call = call_of(request.scope)
    call.spend(call.address(request.scope), "chat_address")
    token = bearer(request.scope)
    if token is None:
        token = visitors.new()
    else:
        token = authenticated(request.scope, partial(visitors.renewed, token))
    conversation = conversation_of(visitors.visitor(token))
    try:
        view = await runtime.conversation(conversation)
    except NotFound:
        return Session(token, conversation, "assistant", 0)
    return Session(token, conversation, view.owner, max(0, view.last_seq - RECENT))


@post(
    "/chat/messages",
    operation_id="chatSend",
    summary="Say something as a visitor",
    tags=_TAGS,
    status_code=202,
    guards=[visitor_guard],
    request_max_body_size=MAX_BODY,
    security=[{"visitor": []}],
    responses=errors(*BODY, 401, 409, 429, 503),
)
async def chat_send(runtime: Engine, visitor: Visitor, data: JSONBody[ChatMessage]) -> Receipt:
    """Stored for good when the receipt comes. Send it again under the same `id` until then."""
    return await accepted(runtime, visitor, data)


async def accepted(runtime: Runtime, visitor: str, data: ChatMessage) -> Receipt:
    """What a visitor says, stored. Raises ColloquyError."""
    message = Message(
        conversation=visitor,
        sender=Sender(visitor),
        channel=CHANNEL,
        account=ACCOUNT,
        id=data.id,
        text=data.text,
        stream=data.stream,
        sequence=data.sequence,
        time_zone=data.time_zone,
    )
    check_message(message, max_text=runtime.settings.channel(CHANNEL).max_text)
    (result,) = await runtime.accept([message])
    if isinstance(result, ColloquyError):
        raise result
    receipt: Receipt = result
    return receipt


@post(
    "/chat/stop",
    operation_id="chatStop",
    summary="Stop an answer that is being written",
    tags=_TAGS,
    status_code=204,
    guards=[visitor_guard],
    security=[{"visitor": []}],
    responses=errors(*BODY, 401, 429, 503),
)
async def chat_stop(runtime: Engine, visitor: Visitor, data: JSONBody[ChatStop]) -> None:
    """What was written so far becomes the reply, marked `interrupted`; the stream brings it.

    An answer that is done by then stays as it is. May be sent again.
    """
    await runtime.interrupt(conversation_of(visitor), data.turn)


@get(
    "/chat/stream",
    operation_id="chatStream",
    summary="Follow one's own conversation (server-sent events)",
    tags=_TAGS,
    guards=[visitor_guard],
    security=[{"visitor": []}],
    responses=documented(
        {200: (str, "Server-sent events: `id` is the item's `seq`, `data` a ChatItem.")},
        *(401, 422, 503),
        media_type="text/event-stream",
    ),
)
async def chat_stream(
    runtime: Engine, streams: Live, visitor: Visitor, request: Request[Any, Any, Any]
) -> EventStream:
    """What is there above `after`, then what comes; the conversation need not exist yet."""
    after = resume_position(request.scope)
    streams.check()
    items = runtime.stream(conversation_of(visitor), after)
    return EventStream(visible_items(items), streams)


@get(
    "/chat/history",
    operation_id="chatHistory",
    summary="What was said earlier",
    tags=_TAGS,
    guards=[visitor_guard],
    security=[{"visitor": []}],
    responses=errors(401, 422, 503),
)
async def chat_history(
    runtime: Engine,
    visitor: Visitor,
    before: Annotated[int, QueryParameter(ge=1, le=2**53, description="The oldest `seq` shown.")],
) -> History:
    """The part of the conversation just before an item."""
    start = max(0, before - 1 - RECENT)
    return History(await _between(runtime, visitor, start, before), start + 1 if start else None)


@post(
    "/chat/feedback",
    operation_id="chatRate",
    summary="Say whether a reply helped",
    tags=_TAGS,
    status_code=200,
    guards=[visitor_guard],
    security=[{"visitor": []}],
    responses=errors(*BODY, 401, 404, 409, 429, 503),
)
async def chat_feedback(
    runtime: Engine, visitor: Visitor, data: JSONBody[FeedbackRequest]
) -> ChatItem:
    """The newest rating of a reply counts; the same again changes nothing."""
    return rated(await runtime.feedback(conversation_of(visitor), data, VISITOR))


async def _between(runtime: Runtime, visitor: str, after: int, before: int) -> list[ChatItem]:
    """The visible items with after < seq < before.

    They are read from the stream, not from the log, because it alone knows what was released.
    """
    found: list[ChatItem] = []
    try:
        async with (
            asyncio.timeout(HISTORY_TIMEOUT_S),
            aclosing(runtime.stream(conversation_of(visitor), after)) as items,  # type: ignore[type-var]
        ):
            async for item in items:
                if item is None or not item.seq or item.seq >= before:
                    break
                shown = visible(item)
                if shown is not None:
                    found.append(shown)
    except TimeoutError:
        return found
    return found


ROUTES: list[HTTPRouteHandler] = [
    chat_config,
    chat_session,
    chat_send,
    chat_stop,
    chat_stream,
    chat_history,
    chat_feedback,
]
