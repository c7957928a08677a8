"""The OpenAPI 3.1 document of V1, at `/v1/openapi.json`: a version of the API has a document of its
own, so that nobody generates a client out of both."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from litestar import Request, Response, get

from ... import __version__
from ...evolution.v1 import ALIASES, MAX_PARTS, ROLES
from ...model.message import encode
from .answers import MEDIA_TYPE, PLAIN_TYPE
from .handlers import MAX_PAGE

_TEXT: dict[str, Any] = {"type": "string"}
_KEY: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 256}
_OBJECT: dict[str, Any] = {"type": "object"}
_ID = {"anyOf": [_KEY, {"type": "integer"}, {"type": "null"}]}

SCHEMAS: dict[str, Any] = {
    "Message": {
        "type": "object",
        "description": "Any further field is kept and comes back.",
        "required": ["role"],
        "properties": {
            "role": {"enum": [*ROLES, *ALIASES]},
            "content": {
                "anyOf": [
                    _TEXT,
                    {"type": "array", "items": {"$ref": "#/components/schemas/Piece"}},
                    {"type": "null"},
                ],
                "description": "Required, unless there are `tool_calls`.",
            },
            "id": {**_ID, "description": "The client's own: the same again is the same message."},
            "conversation_id": {**_ID, "description": "Required where nothing else says it."},
            "timestamp": {
                "anyOf": [_TEXT, {"type": "number"}, {"type": "null"}],
                "description": "RFC 3339 (without a zone UTC), or seconds or milliseconds.",
            },
            "name": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]},
            "tool_calls": {
                "anyOf": [
                    {"type": "array", "items": _OBJECT, "maxItems": MAX_PARTS},
                    {"type": "null"},
                ]
            },
            "tool_call_id": {"anyOf": [_KEY, {"type": "null"}]},
            "metadata": {
                "anyOf": [_OBJECT, {"type": "null"}],
                "description": "Under `colloquy`: what V2 has and V1 cannot hold.",
            },
        },
        "examples": [{"conversation_id": "ann", "role": "user", "content": "Hello", "id": "m-1"}],
    },
    "Piece": {"type": "object", "required": ["type"], "properties": {"type": _TEXT}},
    "Batch": {
        "type": "object",
        "required": ["messages"],
        "properties": {
            "conversation_id": _ID,
            "messages": {"type": "array", "items": _OBJECT, "minItems": 1},
        },
    },
    "Receipt": {
        "type": "object",
        "required": ["object", "id", "conversation_id", "status"],
        "properties": {
            "object": {"const": "message.receipt"},
            "id": _TEXT,
            "conversation_id": _TEXT,
            "status": {"const": "accepted"},
        },
    },
    "List": {
        "type": "object",
        "required": ["object", "data"],
        "properties": {
            "object": {"const": "list"},
            "conversation_id": _TEXT,
            "data": {"type": "array", "items": _OBJECT},
            "has_more": {"type": "boolean"},
            "next_cursor": {"anyOf": [_TEXT, {"type": "null"}]},
        },
    },
    "ChatRequest": {
        "type": "object",
        "description": "One of `message` and `messages`; further fields are not looked at.",
        "required": ["conversation_id"],
        "properties": {
            "conversation_id": {"anyOf": [_KEY, {"type": "integer"}]},
            "message": {"anyOf": [_TEXT, {"$ref": "#/components/schemas/Message"}]},
            "messages": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/components/schemas/Message"},
                "description": "The last one, of the `user`, is answered.",
            },
            "stream": {"type": "boolean", "default": False},
            "wait": {"type": "number", "minimum": 0, "maximum": 30, "default": 30},
        },
        "oneOf": [{"required": ["message"]}, {"required": ["messages"]}],
        "examples": [{"conversation_id": "ann", "message": "When do you open?"}],
    },
    "Chat": {
        "type": "object",
        "required": ["object", "id", "conversation_id", "status", "messages"],
        "properties": {
            "object": {"const": "chat"},
            "id": _TEXT,
            "conversation_id": _TEXT,
            "status": {"enum": ["answered", "pending"]},
            "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
        },
    },
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "code", "param"],
                "properties": {
                    "message": _TEXT,
                    "type": _TEXT,
                    "code": {**_TEXT, "description": "The same as in V2; never renamed."},
                    "param": {"anyOf": [_TEXT, {"type": "null"}]},
                },
            },
            "data": {"type": "array", "items": _OBJECT},
        },
    },
}
_COMMON = (401, 403, 406, 410, 422, 429, 503)
_BODY = (400, 409, 413, 415)


@get("/v1/openapi.json", include_in_schema=False)
async def openapi_document_v1(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The document."""
    return Response(encode(document()), media_type=PLAIN_TYPE)


def document() -> dict[str, Any]:
    """The document as plain data."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Colloquy, version 1",
            "version": __version__,
            "description": 'For clients of older systems. Every error is `{"error": {…}}`.',
        },
        "security": [{"key": []}],
        "paths": {
            "/v1/messages": {"post": _send()},
            "/v1/conversations/{conversation_id}/messages": {"get": _list()},
            "/v1/chat": {"post": _chat()},
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _send() -> dict[str, Any]:
    return {
        "operationId": "sendMessagesV1",
        "summary": "Send one message or a batch",
        "security": [{"key": ["send"]}],
        "parameters": [_idempotency()],
        "requestBody": _body("Message", "Batch"),
        "responses": {"202": _json("Stored for good.", "Receipt", "List"), **_errors(*_BODY)},
    }


def _list() -> dict[str, Any]:
    query = {
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50},
        "order": {"enum": ["asc", "desc"], "default": "asc"},
        "cursor": {"type": "integer", "minimum": 0, "maximum": 2**53},
    }
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in query.items()
    ]
    path = {"name": "conversation_id", "in": "path", "required": True, "schema": _KEY}
    return {
        "operationId": "listMessagesV1",
        "summary": "Read what was said",
        "security": [{"key": ["read"]}],
        "parameters": [path, *parameters],
        "responses": {"200": _json("A page of it.", "List"), **_errors(404)},
    }


def _chat() -> dict[str, Any]:
    answered = _json("The replies; with `stream` server-sent events.", "Chat")
    answered["content"]["text/event-stream"] = {}  # what its events are, no schema says
    return {
        "operationId": "chatV1",
        "summary": "Say something and get the answer",
        "security": [{"key": ["send"]}],
        "parameters": [_idempotency()],
        "requestBody": _body("ChatRequest"),
        "responses": {
            "200": answered,
            "202": _json("It takes longer than `wait`: ask again.", "Chat"),
            **_errors(*_BODY),
        },
    }


def _idempotency() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Names messages that have no `id`.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    }


def _body(*names: str) -> dict[str, Any]:
    return {"required": True, "content": _content(*names)}


def _json(description: str, *names: str) -> dict[str, Any]:
    return {"description": description, "content": _content(*names)}


def _content(*names: str) -> dict[str, Any]:
    schemas = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {MEDIA_TYPE: {"schema": schema}, PLAIN_TYPE: {"schema": schema}}


def _errors(*statuses: int) -> dict[str, Any]:
    found = sorted({*statuses, *_COMMON})
    return {str(status): _json(HTTPStatus(status).phrase, "Error") for status in found}
