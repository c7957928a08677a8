"""Messages, format V1: flat, with a role, as legacy chat tables and OpenAI-style logs have them.

    {"role": "user", "content": "Hello", "id": 17, "conversation_id": "ann",
     "timestamp": "2026-01-31 10:00:00", "name": "Ann", "metadata": {"tab": 2}}

A V1 message is a plain JSON object, because it may have any further fields; `check_v1` holds the
known ones to their types. Required are `role`, and `content` or `tool_calls`; with the role `tool`
also `tool_call_id`, with `function` `name`. What is left out, or null, has the default: no id, no
time, no name, no metadata.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from ..model.errors import InvalidUnicode, MalformedV1
from ..model.message import Key, encode, input_error

V1Message = dict[str, Any]
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]

ROLES = ("user", "assistant", "system", "developer", "tool", "function")
RESULTS = ("tool", "function")
"""Roles of what a tool returned."""
ALIASES = {"human": "user", "customer": "user", "ai": "assistant", "bot": "assistant"}
"""Other names that older tables have for roles."""
MAX_PARTS = 32
"""Of one message, as in V2: pieces of content after a first text, and tool calls."""
MILLISECONDS_FROM = 100_000_000_000
"""A number of this size or more is in milliseconds: in seconds it would be the year 5138."""


class Function(Struct):
    name: Key
    arguments: str | dict[str, Any] = "{}"


class Call(Struct):
    """A call of a tool. `arguments` is JSON as text, or the object itself."""

    function: Function
    id: Key | None = None
    type: Literal["function"] = "function"


class Shape(Struct):
    """The fields that V1 knows. Others are kept, whatever they are."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    id: Annotated[str, Meta(min_length=1, max_length=256)] | Integer | None = None
    conversation_id: Annotated[str, Meta(min_length=1, max_length=256)] | Integer | None = None
    timestamp: str | int | float | None = None
    name: Annotated[str, Meta(max_length=200)] | None = None
    tool_calls: Annotated[list[Call], Meta(max_length=MAX_PARTS)] | None = None
    tool_call_id: Key | None = None
    metadata: dict[str, Any] | None = None


def check_v1(message: V1Message) -> Shape:
    """The known fields of a message. Raises MalformedV1 with the path of what does not fit."""
    try:
        shape = msgspec.convert(message, Shape)
    except msgspec.ValidationError as error:
        found = input_error(error)
        raise MalformedV1(found.detail, field=found.field) from None
    shape.role = ALIASES.get(shape.role, shape.role)
    if shape.role not in ROLES:
        raise MalformedV1(
            f"no role {message['role'][:40]!r}; there are {', '.join(ROLES)}", field="role"
        )
    if "content" not in message and not shape.tool_calls:
        raise MalformedV1("a message needs `content` or `tool_calls`", field="content")
    if shape.role == "tool" and shape.tool_call_id is None:
        raise MalformedV1("the result of a tool needs the id of its call", field="tool_call_id")
    if shape.role == "function" and not shape.name:
        raise MalformedV1("the result of a function needs its name", field="name")
    if isinstance(shape.content, list) and shape.role not in RESULTS:
        _check_pieces(shape.content)
    return shape


def check_json(message: V1Message) -> None:
    """Raises InvalidUnicode or MalformedV1 unless it can be written as JSON."""
    try:
        encode(message)
    except UnicodeEncodeError as error:
        raise InvalidUnicode(f"a lone surrogate cannot be written: {error.reason}") from None
    except RecursionError:
        raise MalformedV1("the message is nested too deeply") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedV1(f"not JSON: {error}") from None


def moment_of(timestamp: str | float | None) -> datetime | None:
    """When it was said: RFC 3339 (without a zone UTC), or seconds or milliseconds since 1970.

    Raises MalformedV1.
    """
    if timestamp is None:
        return None
    try:
        if isinstance(timestamp, str):
            found = msgspec.convert(timestamp, datetime)
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        is_fine = abs(timestamp) >= MILLISECONDS_FROM
        return datetime.fromtimestamp(timestamp / 1000 if is_fine else timestamp, UTC)
    except (msgspec.ValidationError, ValueError, OverflowError, OSError):
        raise MalformedV1(
            "a time is RFC 3339, or seconds or milliseconds since 1970", field="timestamp"
        ) from None


def _check_pieces(pieces: list[dict[str, Any]]) -> None:
    for number, piece in enumerate(pieces):
        if not isinstance(piece.get("type"), str):
            raise MalformedV1("a piece of content needs a `type`", field=f"content[{number}].type")
