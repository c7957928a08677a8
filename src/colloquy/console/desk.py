"""What an operator does to a conversation: take over, give back, reply, note, mark, retry.

Every action is a plain form: a browser without scripts is led back to the conversation, htmx gets
what happened as events for console.js (`toast`) and inbox.js (`colloquy:acted`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from ..api.parameters import ConversationId, Engine
from ..model.errors import Conflict, InvalidInput, PreconditionFailed
from ..model.views import (
    ConversationView,
    NoteRequest,
    OwnerRequest,
    OwnerView,
    ReplyRequest,
)
from .access import CurrentOperator, Operator, requires
from .conversation import seat_key, seat_of
from .forms import FormRequest
from .inbox import HOME
from .render import HEADERS, see

if TYPE_CHECKING:
    from ..runtime import Runtime

MAX_REASON = 500
MAX_NAME = 100
TRIES = 20
"""Times a change of owner is tried again because the conversation moved on meanwhile."""


@post("/inbox/{conversation_id:str}/owner", guards=[requires("operate")])
async def own(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    """Takes over (`owner` is human), gives back (assistant), or passes on to a team or an agent."""
    owner = await request.field("owner")
    wanted = OwnerRequest(
        owner=_owner(owner),
        owner_id=await _owner_id(request, operator, owner),
        reason=_short(await request.field("reason"), "reason", MAX_REASON),
    )
    seen = await request.field("seen")
    view = await change_owner(runtime, operator, conversation_id, wanted, seen)
    return _acted(request, conversation_id, _effect(view), "owner", done=f"owner-{view.owner}")


@post("/inbox/{conversation_id:str}/replies", guards=[requires("operate")])
async def reply(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    """Sends a reply. The same `id` again is the same reply: a double click sends once."""
    text = await request.field("text")
    if not text:
        raise InvalidInput("write something first", field="text")
    seen = await request.field("seen")
    mine = OwnerRequest(owner="human", owner_id=operator.actor)
    view = await runtime.conversation(conversation_id)
    if seat_key(view) not in (seen, _key(mine)):
        raise _changed(runtime, operator, view)
    if await request.field("take_over") and seat_key(view) != _key(mine):
        await change_owner(runtime, operator, conversation_id, mine, seen)
    wanted = ReplyRequest(
        text=text,
        id=_short(await request.field("id"), "id", MAX_NAME),
        author_name=operator.name if operator.has_session else None,
    )
    await runtime.reply(conversation_id, wanted, operator.actor)
    return _acted(request, conversation_id, "", "reply")


@post("/inbox/{conversation_id:str}/notes", guards=[requires("operate")])
async def note(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    """Writes a note that only operators see."""
    text = await request.field("text")
    if not text:
        raise InvalidInput("write something first", field="text")
    wanted = NoteRequest(
        text=text,
        id=_short(await request.field("id"), "id", MAX_NAME),
        author_name=operator.name if operator.has_session else None,
    )
    await runtime.note(conversation_id, wanted, operator.actor)
    return _acted(request, conversation_id, "", "note")


@post("/inbox/{conversation_id:str}/read", guards=[requires("operate")])
async def read(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    """Marks as read up to `seq`."""
    text = await request.field("seq")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidInput("`seq` is a number", field="seq")
    await runtime.mark_read(conversation_id, int(text), operator.actor)
    return _acted(request, conversation_id, "", "read")


@post("/inbox/{conversation_id:str}/unread", guards=[requires("operate")])
async def unread(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    """The newest message of the visitor counts as unread again."""
    await runtime.mark_unread(conversation_id, operator.actor)
    return _acted(request, conversation_id, "Marked as unread.", "unread", done="unread")


@post("/inbox/{conversation_id:str}/retry", guards=[requires("operate")])
async def retry(
    request: FormRequest,
    runtime: Engine,
    operator: CurrentOperator,
    conversation_id: ConversationId,
) -> Response[Any]:
    """Puts every dead letter of the conversation back."""
    retried = await runtime.retry_dead_letters(None, conversation_id, operator.actor)
    said = retried_text(len(retried))
    return _acted(request, conversation_id, said, "retry", done="letters-retried")


def retried_text(count: int) -> str:
    if count == 0:
        return "There was no dead letter to retry."
    return f"{count} dead letter{'' if count == 1 else 's'} put back, each as a new turn."


async def change_owner(
    runtime: Runtime,
    operator: Operator,
    conversation_id: str,
    wanted: OwnerRequest,
    seen: str,
) -> OwnerView:
    """Changes the owner if it is still the one that the operator saw.

    The conversation's version moves with every turn, so a change that met one is tried again as
    long as the owner stayed. Raises Conflict when somebody else was quicker, NotFound.
    """
    for _ in range(TRIES):
        view = await runtime.conversation(conversation_id)
        if seat_key(view) != seen:
            raise _changed(runtime, operator, view)
        try:
            return await runtime.set_owner(
                conversation_id, wanted, operator.actor, version=view.version
            )
        except PreconditionFailed:
            continue
    raise Conflict("the conversation is too busy; try again")


def _changed(runtime: Runtime, operator: Operator, view: ConversationView) -> Conflict:
    seat = seat_of(runtime, operator, view)
    who = (
        "You answer" if seat.is_mine else f"{seat.name or f'The {seat.owner.text.lower()}'} answers"
    )
    return Conflict(
        f"{who} this conversation by now, so nothing was changed. Look, then try again."
    )


def _key(wanted: OwnerRequest) -> str:
    return f"{wanted.owner}:{wanted.owner_id or ''}"


def _owner(code: str) -> Any:
    if code not in ("assistant", "agent", "human", "team"):
        raise InvalidInput("say who answers from here on", field="owner")
    return code


async def _owner_id(request: FormRequest, operator: Operator, owner: str) -> str | None:
    if owner == "human":
        return operator.actor
    if owner == "assistant":
        return None
    return _short(await request.field("name"), "name", MAX_NAME)


def _short(text: str, field: str, most: int) -> str | None:
    if len(text) > most:
        raise InvalidInput(f"at most {most} characters", field=field)
    return text or None


def _effect(view: OwnerView) -> str:
    if view.owner == "assistant":
        return "Given back: the assistant answers from here on."
    said = {"human": "You answer from here on.", "team": "Passed on to the team."}
    text = said.get(view.owner, "Passed on to the agent.")
    if view.withdrawn:
        text += f" Automatic replies withdrawn: {view.withdrawn}."
    if not view.effective:
        text += f" Still being sent: {len(view.in_flight)}."
    return text


def _acted(
    request: FormRequest, conversation_id: str, said: str, what: str, *, done: str = ""
) -> Response[Any]:
    """The answer to an action: events for the page, or the page itself, which says what `done`
    stands for."""
    if request.headers.get("hx-request") != "true":
        here = f"{HOME}/{conversation_id}"
        return see(here, done=done) if done else see(here)
    happened: dict[str, Any] = {"colloquy:acted": {"what": what}}
    if said:
        happened["toast"] = {"text": said}
    # The json of the standard library keeps to ASCII, as a header must.
    headers = {**HEADERS, "hx-trigger": json.dumps(happened)}
    return Response(b"", status_code=204, headers=headers)


ROUTES: list[HTTPRouteHandler] = [own, reply, note, read, unread, retry]
