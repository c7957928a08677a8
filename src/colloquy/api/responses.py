"""Errors that a route can answer with, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from ..model.errors import (
    ColloquyError,
    Conflict,
    Forbidden,
    InvalidInput,
    MalformedJson,
    NotFound,
    PointExpired,
    PreconditionFailed,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    UnsupportedVersion,
)
from .problems import PROBLEM_TYPE, Problem

_EXAMPLES: dict[int, tuple[str, ColloquyError]] = {
    400: (
        "The body is not JSON (`malformed_json`) or not Unicode (`invalid_unicode`).",
        MalformedJson("Input data was truncated"),
    ),
    401: (
        "No key, or one that is unknown, expired or revoked: `unauthenticated`.",
        Unauthenticated("this needs an API key: send `Authorization: Bearer KEY`"),
    ),
    403: (
        "The key lacks the scope: `forbidden`.",
        Forbidden("this needs a key with the scope 'send'"),
    ),
    404: ("There is no such thing: `not_found`.", NotFound("there is no such conversation")),
    406: (
        "The client wants another version of the format: `unsupported_version`.",
        UnsupportedVersion("this server speaks v2, not v3", field="Content-Type"),
    ),
    409: (
        "The state of the thing does not allow this: `conflict`, `message_id_reused`, "
        "`idempotency_key_reused`, `ledger_busy`.",
        Conflict("another message came with this id before", field="id"),
    ),
    410: (
        "It was there, and what would be needed is not kept: `rollback_expired`, `not_restorable`.",
        PointExpired("rollback point 'before the import' expired", field="point"),
    ),
    412: (
        "It changed since it was read: its entity tag is not the one of `If-Match`: "
        "`precondition_failed`.",
        PreconditionFailed("it changed since you read it: read it again", field="If-Match"),
    ),
    413: ("The body, the text or the batch is over its limit: `too_large`.", TooLarge("10001 …")),
    415: (
        "The body is not UTF-8 JSON by its headers: `unsupported_media_type`.",
        UnsupportedMediaType("send `Content-Type: application/json`", field="Content-Type"),
    ),
    422: (
        "A value does not fit; `field` names it: `invalid_input`.",
        InvalidInput("Expected `str`, got `int`", field="text"),
    ),
    429: (
        "More requests than the limit allows (`rate_limited`), or too much is waiting "
        "(`overloaded`, `conversation_overloaded`). Nothing was stored.",
        RateLimited("more requests than the limit `api` allows", retry_after_s=0.5),
    ),
    503: (
        "Nothing can be stored, or the server is stopping: `unavailable`.",
        Unavailable("the server is stopping", retry_after_s=2.0),
    ),
}

BODY = (400, 406, 413, 415, 422)
"""What can be wrong with a request that has a body."""
DOOR = (*BODY, 401, 403, 409, 429, 503)
"""Everything that sending a message can meet."""


def errors(*statuses: int) -> dict[int, ResponseSpec]:
    """The problem documents of these statuses. A caller with a credential has a quota, so that
    401 brings 429."""
    if 401 in statuses:
        statuses = (*statuses, 429)
    return {
        status: ResponseSpec(
            Problem,
            description=_EXAMPLES[status][0],
            media_type=PROBLEM_TYPE,
            generate_examples=False,
            examples=[Example(value=_EXAMPLES[status][1].problem())],
        )
        for status in sorted(set(statuses))
    }


def documented(
    successes: Mapping[int, tuple[Any, str]], *statuses: int, media_type: str = "application/json"
) -> dict[int, ResponseSpec]:
    """Successes that Litestar cannot read from a return type, and errors."""
    return {
        **{
            status: ResponseSpec(
                kind, description=text, media_type=media_type, generate_examples=False
            )
            for status, (kind, text) in successes.items()
        },
        **errors(*statuses),
    }
