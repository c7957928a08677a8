"""`/v2/keys`: API keys. A key's secret is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ..model.errors import InvalidInput
from ..model.views import KeyView, NewKey
from .access import needs
from .idempotency import once_per_key
from .parameters import Engine, KeyId
from .responses import BODY, errors

_TAGS = ["Keys"]


class KeyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A new key. Without `expires_at` (RFC 3339, with its zone) it does not expire."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[
        list[Literal["send", "read", "tools", "operate", "admin"]],
        Meta(min_length=1, max_length=5),
    ]
    expires_at: datetime | None = None


class KeysView(Struct, frozen=True):
    keys: list[KeyView]


@get(
    "/v2/keys",
    operation_id="listKeys",
    summary="List API keys",
    tags=_TAGS,
    guards=[needs("admin")],
    responses=errors(401, 403),
)
async def list_keys(runtime: Engine) -> KeysView:
    """All keys without their secrets, revoked ones too."""
    return KeysView(await runtime.list_keys())


@post(
    "/v2/keys",
    operation_id="createKey",
    summary="Make an API key",
    tags=_TAGS,
    status_code=201,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 409, 503),
)
async def create_key(runtime: Engine, data: JSONBody[KeyRequest]) -> NewKey:
    """Scopes: send (messages), read (conversations, streams), tools (over MCP), operate (replies,
    owners, dead letters, metrics), admin (keys; implies all). Only this answer shows the secret."""
    if data.expires_at is not None and data.expires_at.tzinfo is None:
        raise InvalidInput("a time needs a zone (RFC 3339)", field="expires_at")
    return await runtime.create_key(data.name, sorted(set(data.scopes)), data.expires_at)


@delete(
    "/v2/keys/{key_id:str}",
    operation_id="revokeKey",
    summary="Revoke an API key",
    tags=_TAGS,
    guards=[needs("admin")],
    responses=errors(401, 403, 404, 422, 503),
)
async def revoke_key(runtime: Engine, key_id: KeyId) -> None:
    """From now on the key is refused."""
    await runtime.revoke_key(key_id)


ROUTES: list[HTTPRouteHandler] = [list_keys, create_key, revoke_key]
