"""One conversation: what was said, the raw log, the trace of a message. Reading only; the actions
are in `desk`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from ..api.parameters import ConversationId, Engine, MessageId
from ..model.ids import uuid7
from ..model.message import encode
from ..model.session import Event
from ..model.views import ConversationView, TraceStep
from .access import CurrentOperator, Operator, requires
from .forms import FormRequest
from .inbox import HOME, hue_of, inbox_page, name_of, read_query
from .render import page
from .transcript import Line, lines
from .words import STATUSES, WAITS, Word, operator_name, owner_word, person_name, title, word

if TYPE_CHECKING:
    from ..runtime import Runtime

PAGE = 50
"""Items of a transcript that are shown at once."""
LOG_PAGE = 50
MAX_SEQ = 2**53


class Seat(Struct, frozen=True):
    """Who answers. `key` says it in one word: a form repeats it, so that nobody acts on what
    changed meanwhile."""

    owner: Word
    text: str
    name: str | None
    is_mine: bool
    is_assistant: bool
    waits: bool
    """Passed on to people, and nobody has taken it over."""
    key: str


class Facts(Struct, frozen=True):
    """What the panel at the side says about a conversation."""

    channel: str
    account: str
    key: str
    thread: str
    state: str
    first_at: str
    last_at: str


class Person(Struct, frozen=True):
    shown: str
    kind: str
    messages: int


class Opened(Struct, frozen=True):
    """A conversation as it is drawn. `base`: its path."""

    id: str
    base: str
    name: str
    hue: int
    status: Word
    seat: Seat
    facts: Facts
    last_seq: int
    unread: bool
    may_act: bool


class Transcript(Struct, frozen=True):
    """A page of what was said. `base`: the conversation's path; `before`: ask for what is older
    than this, None at the beginning."""

    base: str
    lines: list[Line]
    before: int | None


class LoggedEvent(Struct, frozen=True):
    seq: int
    kind: str
    at: str
    body: str
    message_id: str | None


class TracedStep(Struct, frozen=True):
    """A step of a trace. `after`: how long after the first one; `detail` is JSON; `traceback`
    stands apart, folded."""

    at: str
    after: str
    what: str
    icon: str
    kind: str
    detail: str
    traceback: str


async def opened(runtime: Runtime, operator: Operator, conversation_id: str) -> Opened:
    """Raises NotFound."""
    view = await runtime.conversation(conversation_id)
    return Opened(
        id=view.conversation_id,
        base=f"{HOME}/{view.conversation_id}",
        name=name_of(view),
        hue=hue_of(view.conversation_id),
        status=word(STATUSES, view.status),
        seat=seat_of(runtime, operator, view),
        facts=Facts(
            channel=view.channel,
            account=view.account,
            key=view.conversation,
            thread=view.thread,
            state=pretty(view.state) if view.state else "",
            first_at=view.created_at,
            last_at=view.updated_at,
        ),
        last_seq=view.last_seq,
        unread=view.unread,
        may_act=operator.may("operate"),
    )


def seat_of(runtime: Runtime, operator: Operator, view: ConversationView) -> Seat:
    by_person = view.owner == "human"
    owner = owner_word(view.owner, view.owner_id)
    name = operator_name(runtime, view.owner_id) if by_person else view.owner_id
    is_mine = by_person and view.owner_id == operator.actor
    return Seat(
        owner=owner,
        text="You answer" if is_mine else f"{owner.text}: {name}" if name else owner.text,
        name=name,
        is_mine=is_mine,
        is_assistant=view.owner == "assistant",
        waits=owner is WAITS,
        key=seat_key(view),
    )


def seat_key(view: ConversationView) -> str:
    return f"{view.owner}:{view.owner_id or ''}"


def pretty(value: Any) -> str:
    """JSON that people read."""
    return msgspec.json.format(encode(value), indent=2).decode()


async def transcript(
    runtime: Runtime, conversation_id: str, before: int | None = None
) -> Transcript:
    """The newest page, or what was before a place. Raises NotFound."""
    found = await runtime.transcript(conversation_id, before, None, PAGE)
    quotes: dict[int, str] = {}
    if any(item.kind == "dead" for item in found.items):
        letters = await runtime.dead_letters(None, PAGE, "dead", conversation_id)
        quotes = {letter.number: said_in(letter.message) for letter in letters.dead_letters}
    base = f"{HOME}/{conversation_id}"
    names = partial(operator_name, runtime)
    return Transcript(base, lines(found.items, names, base, quotes), found.before)


class _WithText(Struct):
    text: str | None = None


_with_text = msgspec.json.Decoder(_WithText)


def said_in(message: msgspec.Raw) -> str:
    """The text of a message as it was sent; "" where it has none."""
    return _with_text.decode(message).text or ""


def traced(steps: list[TraceStep]) -> list[TracedStep]:
    moments = [datetime.fromisoformat(step.at) for step in steps]
    return [
        _traced(step, (moment - moments[0]).total_seconds())
        for step, moment in zip(steps, moments, strict=True)
    ]


def _traced(step: TraceStep, after_s: float) -> TracedStep:
    detail = dict(step.detail)
    traceback = str(detail.pop("trace", "") or "")
    detail.pop("at", None)
    icon, kind = _STEPS.get(step.what, ("chat", ""))
    return TracedStep(
        step.at, f"+{after_s:.3f} s", title(step.what), icon, kind, pretty(detail), traceback
    )


_STEPS = {
    "accepted": ("inbox", "info"),
    "message": ("chat", "good"),
    "reply": ("send", "good"),
    "attempt_failed": ("alert", "bad"),
    "dead_lettered": ("dead-letter", "bad"),
    "dead_letter_retried": ("reload", "info"),
    "turn_again": ("reload", "warn"),
    "reply_withdrawn": ("close", "warn"),
    "reply_failed": ("alert", "bad"),
    "reply_stopped": ("pause", "warn"),
    "tool_call": ("settings", "info"),
    "tool_result": ("settings", "info"),
}


def _number(request: FormRequest, name: str) -> int | None:
    """A place in the log out of the address; None where there is none."""
    text = request.query_params.get(name, "")
    return min(int(text), MAX_SEQ) if text.isascii() and text.isdigit() and len(text) < 20 else None


async def talk_page(
    request: FormRequest,
    runtime: Runtime,
    operator: Operator,
    conversation_id: str,
    part: str,
    **context: Any,
) -> Response[Any]:
    """A page about an open conversation. Raises NotFound."""
    shown, found = await asyncio.gather(
        opened(runtime, operator, conversation_id), runtime.participants(conversation_id)
    )
    people = [
        Person(person_name(one.name, one.id), one.kind, one.messages) for one in found.participants
    ]
    return await inbox_page(
        request, runtime, part, open_id=conversation_id, conversation=shown, people=people,
        **context,
    )  # fmt: skip


@get("/inbox/{conversation_id:str}", guards=[requires("read")])
async def conversation(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    newest = await transcript(runtime, conversation_id)
    return await talk_page(
        request, runtime, operator, conversation_id, "inbox/_conversation.html",
        tab="chat", transcript=newest, draft_id=uuid7().hex(),
    )  # fmt: skip


@get("/inbox/{conversation_id:str}/parts", guards=[requires("read")])
async def parts(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    """What of an open conversation may have changed: talk.js puts it in its place."""
    shown, newest = await asyncio.gather(
        opened(runtime, operator, conversation_id), transcript(runtime, conversation_id)
    )
    tab = request.query_params.get("tab", "chat")
    return page(
        request, "inbox/_parts.html",
        query=read_query(request.query_params), conversation=shown, transcript=newest, tab=tab,
    )  # fmt: skip


@get("/inbox/{conversation_id:str}/items", guards=[requires("read")])
async def items(
    request: FormRequest, runtime: Engine, conversation_id: ConversationId
) -> Response[Any]:
    """What was said before `?before=`."""
    older = await transcript(runtime, conversation_id, _number(request, "before"))
    return page(request, "inbox/_items.html", transcript=older)


@get("/inbox/{conversation_id:str}/events", guards=[requires("read")])
async def events(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    """The raw log."""
    after = _number(request, "after") or 0
    found = await runtime.events(conversation_id, after, LOG_PAGE)
    logged = [_logged(event) for event in found.events]
    following = str(found.next) if found.next is not None else None
    return await talk_page(
        request, runtime, operator, conversation_id, "inbox/_events.html",
        tab="events", events=logged, after=after, following=following,
    )  # fmt: skip


def _logged(event: Event) -> LoggedEvent:
    body = msgspec.json.decode(event.body)
    return LoggedEvent(event.seq, event.kind, event.at, pretty(body), body.get("message_id"))


@get("/inbox/{conversation_id:str}/messages/{message_id:str}", guards=[requires("read")])
async def trace(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
    message_id: MessageId,
) -> Response[Any]:
    """Where a message is and everything that happened to it."""
    found = await runtime.trace(message_id)
    return await talk_page(
        request, runtime, operator, conversation_id, "inbox/_trace.html",
        tab="trace", state=found.state, steps=traced(found.steps),
    )  # fmt: skip


ROUTES: list[HTTPRouteHandler] = [conversation, parts, items, events, trace]
