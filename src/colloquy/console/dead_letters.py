"""Dead letters: messages that could not be handled, with everything that is known about why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from ..api.parameters import Engine, Number
from ..model.errors import InvalidInput, NotFound
from ..model.views import DeadLetterView
from .access import CurrentOperator, requires
from .conversation import pretty, said_in, traced
from .forms import FormRequest
from .inbox import HOME as INBOX
from .render import page, see
from .words import cause_text

if TYPE_CHECKING:
    from ..runtime import Runtime

HOME = "/console/dead-letters"
PAGE = 50
MOST_PAGES = 10
"""Pages that are looked through for one cause."""
MAX_WORDS = 100
MAX_CURSOR = 500
STATUSES = {"dead": "To look at", "discarded": "Discarded"}


class Query(Struct, frozen=True):
    """What the address asks for; "" stands for any."""

    status: str = "dead"
    cause: str = ""
    conversation: str = ""

    def href(self, **changes: str) -> str:
        fields = {**msgspec.structs.asdict(self), **changes}
        if fields["status"] == "dead":
            del fields["status"]
        query = urlencode({name: value for name, value in fields.items() if value})
        return f"{HOME}?{query}" if query else HOME

    @property
    def is_narrow(self) -> bool:
        return bool(self.cause or self.conversation)


class Attempt(Struct, frozen=True):
    at: str
    error: str
    traceback: str


class Letter(Struct, frozen=True):
    """A dead letter as a list shows it."""

    number: int
    href: str
    cause: str
    cause_text: str
    detail: str
    said: str
    """What the message says, if it says anything."""
    conversation_id: str
    conversation_href: str
    message_id: str
    received_at: str
    dead_at: str
    status: str
    attempts: list[Attempt]
    message: str
    """The message as it was sent, as JSON."""


def letter_of(view: DeadLetterView) -> Letter:
    return Letter(
        number=view.number,
        href=f"{HOME}/{view.number}",
        cause=view.cause,
        cause_text=cause_text(view.cause),
        detail=view.detail,
        said=said_in(view.message),
        conversation_id=view.conversation_id,
        conversation_href=f"{INBOX}/{view.conversation_id}",
        message_id=view.message_id,
        received_at=view.received_at,
        dead_at=view.dead_at,
        status=view.status,
        attempts=[_attempt(record) for record in view.attempts],
        message=pretty(view.message),
    )


def _attempt(record: dict[str, Any]) -> Attempt:
    return Attempt(record["at"], f"{record['code']}: {record['detail']}", record["trace"])


def read_query(request: FormRequest) -> Query:
    status, cause, conversation = (
        request.query_params.get(name, "").strip()[:MAX_WORDS]
        for name in ("status", "cause", "conversation")
    )
    return Query(status if status in STATUSES else "dead", cause, conversation)


async def _page_of(
    runtime: Runtime, query: Query, cursor: str | None
) -> tuple[list[Letter], str | None]:
    """Letters of a query and the cursor of what follows. A cause is looked for in pages."""
    found: list[Letter] = []
    for _ in range(MOST_PAGES):
        answer = await runtime.dead_letters(cursor, PAGE, query.status, query.conversation or None)
        cursor = answer.next
        found += [
            letter_of(view)
            for view in answer.dead_letters
            if not query.cause or view.cause == query.cause
        ]
        if cursor is None or len(found) >= PAGE:
            break
    return found, cursor


@get("/dead-letters", guards=[requires("operate")])
async def list_letters(request: FormRequest, runtime: Engine) -> Response[Any]:
    """The newest first."""
    query = read_query(request)
    cursor = request.query_params.get("cursor", "")[:MAX_CURSOR] or None
    letters, following = await _page_of(runtime, query, cursor)
    return page(
        request,
        "dead_letters/list.html",
        query=query,
        statuses=STATUSES,
        letters=letters,
        next=query.href(cursor=following) if following else None,
        first=query.href() if cursor else None,
    )


@get("/dead-letters/{number:int}", guards=[requires("operate")])
async def show_letter(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, number: Number
) -> Response[Any]:
    letter = letter_of(await runtime.dead_letter(number))
    try:
        steps = traced((await runtime.trace(letter.message_id)).steps)
    except NotFound:
        steps = []  # its log was deleted; the letter is kept
    return page(
        request,
        "dead_letters/letter.html",
        letter=letter,
        steps=steps,
        may_read=operator.may("read"),
    )


@post("/dead-letters/retry", guards=[requires("operate")])
async def retry(request: FormRequest, runtime: Engine, operator: CurrentOperator) -> Response[Any]:
    """Puts the chosen ones back, or all of one conversation."""
    conversation = await request.field("conversation")
    numbers = None if conversation else await _numbers(request)
    await runtime.retry_dead_letters(numbers, conversation or None, operator.actor)
    return see(HOME, done="letters-retried")


@post("/dead-letters/discard", guards=[requires("operate")])
async def discard(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    await runtime.discard_dead_letters(await _numbers(request), operator.actor)
    return see(HOME, done="letters-discarded")


async def _numbers(request: FormRequest) -> list[int]:
    chosen = await request.choices("numbers")
    if not chosen:
        raise InvalidInput("choose at least one dead letter", field="numbers")
    if not all(text.isascii() and text.isdigit() and len(text) < 16 for text in chosen):
        raise InvalidInput("a dead letter has a number", field="numbers")
    return [int(text) for text in chosen]


ROUTES: list[HTTPRouteHandler] = [list_letters, show_letter, retry, discard]
