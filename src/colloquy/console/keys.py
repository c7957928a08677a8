"""API keys: who may call, with what, until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ..api.parameters import Engine
from ..model.errors import InvalidInput
from ..model.times import now_us, rfc3339, to_datetime
from .access import requires
from .forms import FormRequest
from .paging import slice_after
from .render import address_of, page, see

SCOPES = {
    "send": "Send messages and wait for their replies.",
    "read": "Read conversations and follow them live.",
    "tools": "Call the assistant's tools over MCP, where it serves them.",
    "operate": "Answer, take over, work on dead letters, see figures.",
    "admin": "Everything, and manage keys, webhooks and settings.",
}
EXPIRIES = {"7": "In 7 days", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}
"""Days, as the form offers them; any other value means never."""


@get("/keys", guards=[requires("admin")])
async def list_keys(request: FormRequest, runtime: Engine) -> Response[Any]:
    """The newest first."""
    keys = sorted(await runtime.list_keys(), key=lambda key: key.created_at, reverse=True)
    cursor = request.query_params.get("cursor")
    shown, next_cursor = slice_after(keys, cursor, lambda key: key.id)
    return page(
        request, "keys/list.html", keys=shown, next=next_cursor, is_first=cursor is None,
        present=rfc3339(now_us()),
    )  # fmt: skip


@get("/keys/new", guards=[requires("admin")])
async def new_key(request: FormRequest) -> Response[Any]:
    return _form(request)


@post("/keys", guards=[requires("admin")])
async def create_key(request: FormRequest, runtime: Engine) -> Response[Any]:
    """This answer is the only one that shows the secret."""
    name = await request.field("name")
    scopes = await request.choices("scopes")
    days = await request.field("expires")
    try:
        if not scopes:
            raise InvalidInput("Choose at least one scope.", field="scopes")
        if not name:
            raise InvalidInput("A key needs a name.", field="name")
        made = await runtime.create_key(name, sorted(set(scopes)), _expiry(days))
    except InvalidInput as error:
        return _form(request, error, name=name, chosen=scopes, days=days)
    return page(request, "keys/created.html", 201, made=made, address=address_of(request))


@post("/keys/{key_id:str}/revoke", guards=[requires("admin")])
async def revoke_key(runtime: Engine, key_id: FromPath[str]) -> Response[Any]:
    await runtime.revoke_key(key_id)
    return see("/console/keys", done="key-revoked")


def _form(
    request: FormRequest,
    error: InvalidInput | None = None,
    *,
    name: str = "",
    chosen: list[str] | None = None,
    days: str = "",
) -> Response[Any]:
    return page(
        request,
        "keys/new.html",
        422 if error is not None else 200,
        error=error,
        name=name,
        chosen=chosen if chosen is not None else ["send"],
        days=days,
        scopes=SCOPES,
        expiries=EXPIRIES,
    )


def _expiry(days: str) -> datetime | None:
    return to_datetime(now_us()) + timedelta(days=int(days)) if days in EXPIRIES else None


ROUTES: list[HTTPRouteHandler] = [list_keys, new_key, create_key, revoke_key]
