"""The inbox: conversations by newest activity, filtered by what the address says."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from ..api.parameters import Engine
from ..model.message import encode
from ..model.views import ConversationFilter, ConversationView
from .access import requires
from .forms import FormRequest
from .fragments import Fragments
from .render import HEADERS, fragment, page
from .words import FEELINGS, OWNERS, STATUSES, Word, owner_word, person_name, title, word

if TYPE_CHECKING:
    from ..runtime import Runtime

HOME = "/console/inbox"
PAGE = 40
MAX_WORDS = 100
"""Characters of a search or a filter."""
MAX_CURSOR = 500
MAX_ADDRESS = 2000
COUNTED = 50
MOST_LOOKS = 5
"""Pages that are asked for until one holds something: one that is hard to find may hold nothing."""
HUES = 6
"""Colours of avatars; inbox.css has as many."""

_TALK = re.compile(rf"{HOME}/[0-9a-f]{{32}}")


class View(Struct, frozen=True):
    """A tab of the list."""

    code: str
    text: str
    counted: bool = False


VIEWS = (View("", "All"), View("person", "Needs a person", True), View("unread", "Unread", True))


class Query(Struct, frozen=True):
    """What the address asks for; "" stands for any."""

    view: str = ""
    q: str = ""
    status: str = ""
    owner: str = ""
    feeling: str = ""
    intent: str = ""
    channel: str = ""

    @property
    def filter(self) -> ConversationFilter:
        return ConversationFilter(
            status="handed_over" if self.view == "person" else self.status or None,
            owner=self.owner or None,
            channel=self.channel or None,
            intent=self.intent.lower().replace(" ", "_") or None,
            feeling=self.feeling or None,
            unread=True if self.view == "unread" else None,
            q=self.q or None,
        )

    @property
    def narrowing(self) -> int:
        """How many filters are set, beside tab and search."""
        fields = (self.status, self.owner, self.feeling, self.intent, self.channel)
        return sum(1 for field in fields if field)

    @property
    def is_narrow(self) -> bool:
        return self != Query()

    def href(self, path: str = HOME, **changes: str) -> str:
        """The address of a page with this query."""
        fields = {**msgspec.structs.asdict(self), **changes}
        query = urlencode({name: value for name, value in fields.items() if value})
        return f"{path}?{query}" if query else path

    def at(self, view: str) -> str:
        """The address of the same query in another tab."""
        return self.href(view=view)


class Row(Struct, frozen=True):
    """A conversation in the list."""

    id: str
    href: str
    name: str
    initial: str
    hue: int
    preview: str
    channel: str
    owner: Word
    status: Word
    unread: bool
    intent: str | None
    feeling: Word | None
    at: str


class Listing(Struct, frozen=True):
    """A page of the list. `more`: the address of the next page's rows; None at the end."""

    query: Query
    rows: list[Row]
    more: str | None


def read_query(parameters: Mapping[str, str]) -> Query:
    """The query of an address. What no filter can be is left out: the address is typed by hand,
    or old."""
    found = {name: parameters.get(name, "").strip()[:MAX_WORDS] for name in Query.__struct_fields__}
    allowed = {
        "view": {view.code for view in VIEWS},
        "status": STATUSES.keys(),
        "owner": OWNERS.keys(),
        "feeling": FEELINGS.keys(),
    }
    for name, codes in allowed.items():
        if found[name] not in codes:
            found[name] = ""
    return Query(**found)


def address_header(query: Query, current: str) -> dict[str, str]:
    """How the browser's address becomes that of the query, beside whichever conversation is open:
    typing on in the search is no new place to go back to, and the same address is none either."""
    try:
        before = urlsplit(current)
    except ValueError:
        before = urlsplit("")
    path = before.path if _TALK.fullmatch(before.path) else HOME
    was = read_query(dict(parse_qsl(before.query)))
    if before.path == path and was == query:
        return {}
    typed_on = was.q and query.q and msgspec.structs.replace(was, q=query.q) == query
    return {"hx-replace-url" if typed_on else "hx-push-url": query.href(path)}


async def listing(runtime: Runtime, query: Query, cursor: str | None = None) -> Listing:
    """One page of conversations. Raises InvalidInput."""
    rows: list[Row] = []
    for _ in range(MOST_LOOKS):
        found = await runtime.conversations(query.filter, cursor, PAGE)
        cursor = found.next
        rows += [row_of(view, query) for view in found.conversations]
        if rows or cursor is None:
            break
    more = query.href(f"{HOME}/rows", cursor=cursor) if cursor else None
    return Listing(query, rows, more)


async def counts(runtime: Runtime) -> dict[str, str]:
    """How many conversations the counted tabs hold: up to COUNTED, else `50+`; "" for none."""
    texts = {}
    for view in VIEWS:
        if view.counted:
            found = await runtime.conversations(Query(view.code).filter, None, COUNTED)
            size = len(found.conversations)
            texts[view.code] = f"{size}+" if found.next else str(size or "")
    return texts


def row_of(view: ConversationView, query: Query) -> Row:
    name = name_of(view)
    return Row(
        id=view.conversation_id,
        href=query.href(f"{HOME}/{view.conversation_id}"),
        name=name,
        initial=name[:1].upper(),
        hue=hue_of(view.conversation_id),
        preview=view.preview or "Nothing was said yet",
        channel=view.channel,
        owner=owner_word(view.owner, view.owner_id),
        status=word(STATUSES, view.status),
        unread=view.unread,
        intent=title(view.intent) if view.intent else None,
        feeling=word(FEELINGS, view.feeling) if view.feeling else None,
        at=view.updated_at,
    )


def name_of(view: ConversationView) -> str:
    return person_name(view.name, view.conversation)


def hue_of(conversation_id: str) -> int:
    """The colour of an avatar: the same for a conversation whenever it is shown."""
    return zlib.crc32(conversation_id.encode()) % HUES


async def inbox_page(
    request: FormRequest, runtime: Runtime, part: str | None, **context: Any
) -> Response[Any]:
    """The part beside the list; the whole page unless htmx asked for the part alone."""
    query = read_query(request.query_params)
    if part is not None and request.headers.get("hx-target") == "conversation":
        return page(request, part, query=query, **context)
    shown = await listing(runtime, query)
    return page(
        request, "inbox/inbox.html", part=part, query=query, listing=shown, **choices(), **context
    )


def choices() -> dict[str, Any]:
    """What the toolbar offers."""
    return {
        "views": VIEWS,
        "statuses": list(STATUSES.values()),
        "owners": list(OWNERS.values()),
        "feelings": list(FEELINGS.values()),
    }


@get("/inbox", guards=[requires("read")])
async def inbox(request: FormRequest, runtime: Engine) -> Response[Any]:
    if request.headers.get("hx-target") != "list":
        return await inbox_page(request, runtime, None, open_id="")
    query = read_query(request.query_params)
    shown = await listing(runtime, query)
    response = page(request, "inbox/_list.html", listing=shown, open_id="", **choices())
    current = request.headers.get("hx-current-url", "")[:MAX_ADDRESS]
    response.headers.update(address_header(query, current))
    return response


@get("/inbox/rows", guards=[requires("read")])
async def rows(request: FormRequest, runtime: Engine) -> Response[Any]:
    """Rows without anything around them: the next page, or the first one anew. Every open inbox
    asks when something happened, so they are made once for all."""
    cursor = request.query_params.get("cursor", "")[:MAX_CURSOR] or None
    query = read_query(request.query_params)

    async def made() -> bytes:
        return fragment(
            "inbox/_rows.html", listing=await listing(runtime, query, cursor), open_id=""
        )

    fragments: Fragments = request.app.state.fragments
    body = await fragments.get(f"{query.href()}#{cursor or ''}", made)
    return Response(body, headers=HEADERS, media_type="text/html; charset=utf-8")


@get("/inbox/counts", guards=[requires("read")])
async def tab_counts(request: FormRequest, runtime: Engine) -> Response[Any]:
    async def made() -> bytes:
        return encode(await counts(runtime))

    fragments: Fragments = request.app.state.fragments
    body = await fragments.get("counts", made)
    return Response(body, headers=HEADERS, media_type="application/json")


ROUTES: list[HTTPRouteHandler] = [inbox, rows, tab_counts]
