"""The OpenAPI 3.1 document: Litestar's, with exact schemas, examples and the bodies it cannot see.

Litestar writes paths, parameters and responses. The schemas of our structs come from msgspec, which
also does the decoding, so that the document says precisely what is accepted.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, License, SecurityScheme
from msgspec import Struct

from .. import __version__
from ..model import chat as chat_models
from ..model import views
from ..model import webhooks as webhook_views
from ..model.message import Message
from ..model.statistics import StatisticsView
from . import dead_letters, health, keys, messages
from .conventions import describe, handlers_of, scopes_of
from .examples import ANSWERS, EXAMPLES
from .parameters import HEX_ID
from .problems import Problem

SHOWN: tuple[type[Struct], ...] = (
    Message,
    messages.Batch,
    messages.Waited,
    messages.Results,
    views.Receipt,
    views.MessageState,
    views.Trace,
    views.ConversationView,
    views.ConversationPage,
    views.EventPage,
    views.TranscriptPage,
    views.ParticipantsView,
    views.NoteRequest,
    views.NoteView,
    views.FeedbackRequest,
    views.FeedbackView,
    views.ReadRequest,
    views.ReplyRequest,
    views.ReplyView,
    views.OwnerRequest,
    views.OwnerView,
    views.StreamItem,
    views.DeadLetterView,
    views.DeadLetterPage,
    dead_letters.RetryRequest,
    dead_letters.DiscardRequest,
    dead_letters.NumbersView,
    keys.KeyRequest,
    keys.KeysView,
    views.NewKey,
    webhook_views.WebhookRequest,
    webhook_views.WebhookChange,
    webhook_views.WebhookView,
    webhook_views.WebhookPage,
    webhook_views.NewWebhook,
    webhook_views.DeliveryView,
    webhook_views.DeliveryPage,
    health.StatusView,
    health.ReadyView,
    StatisticsView,
    views.SettingsView,
    chat_models.Session,
    chat_models.ChatMessage,
    chat_models.ChatConfig,
    chat_models.ChatItem,
    chat_models.History,
    Problem,
)
"""Structs of requests and responses; those inside them follow by themselves."""

_SAYS_SOMETHING: dict[str, Any] = {
    "anyOf": [
        {"required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
        {"required": ["parts"], "properties": {"parts": {"minItems": 1}}},
    ]
}
_RULES: dict[str, dict[str, Any]] = {
    "Message": {
        **_SAYS_SOMETHING,
        "oneOf": [
            {
                "required": ["stream", "sequence"],
                "properties": {"stream": {"type": "string"}, "sequence": {"type": "integer"}},
            },
            {"properties": {"stream": {"type": "null"}, "sequence": {"type": "null"}}},
        ],
        "properties": {"version": {"const": "2", "default": "2"}},
    },
    "ReplyRequest": _SAYS_SOMETHING,
    "NoteRequest": {"properties": {"text": {"type": "string", "minLength": 1}}},
    "FeedbackRequest": {"properties": {"reply_id": {"type": "string", "pattern": HEX_ID}}},
    "RetryRequest": {
        "anyOf": [
            {"required": ["numbers"], "properties": {"numbers": {"type": "array"}}},
            {
                "required": ["conversation_id"],
                "properties": {"conversation_id": {"type": "string"}},
            },
        ]
    },
}
"""What types cannot say and the server checks besides."""

_HIDDEN_BODIES = ("/v2/messages", "/v2/import")
"""Their handlers read the body themselves."""

_REFERENCE = "#/components/schemas/{name}"


def openapi_config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Colloquy",
        version=__version__,
        summary="The durable engine behind assistants",
        description=(
            "Messages in, answers out: each message is stored before its receipt, handled exactly "
            "once and in order. Every error is a problem document (RFC 9457) with a stable `code`. "
            "Keys have the scopes send, read, operate and admin (implies all)."
        ),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="cq_ID_SECRET",
                    description="An API key.",
                ),
                "visitor": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="cv_TOKEN",
                    description="A visitor of the chat page, from `POST /chat/session`.",
                ),
            }
        ),
        security=[{"key": []}],
        use_handler_docstrings=True,
        render_plugins=(),
        path="/v2/openapi",
    )


@get("/v2/openapi.json", include_in_schema=False)
async def openapi_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """This document. Made when it is first asked for: a server that nobody asks pays nothing."""
    state = request.app.state
    known: bytes | None = state.get("openapi")
    if known is None:
        known = state.openapi = msgspec.json.encode(document(request.app))
    return Response(known, media_type="application/json")


def document(app: Litestar) -> dict[str, Any]:
    """The document as plain data."""
    made: dict[str, Any] = msgspec.to_builtins(app.openapi_schema.to_schema())
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    _, exact = msgspec.json.schema_components(SHOWN, ref_template=_REFERENCE)
    for name, schema in exact.items():
        if name in _RULES:
            rules = dict(_RULES[name])
            schema["properties"] |= rules.pop("properties", {})
            schema |= rules
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
        schemas[name] = schema
    handlers = handlers_of(app)
    for path, item in made["paths"].items():
        for operation in item.values():
            if path in _HIDDEN_BODIES:
                operation["requestBody"] = _message_body()
            scopes = scopes_of(handlers[operation["operationId"]])
            if scopes is not None:
                operation["security"] = [{"key": scopes}]
            _finish(operation)
    describe(app, made)
    return made


def _message_body() -> dict[str, Any]:
    schema = {"oneOf": [_reference("Message"), _reference("Batch")]}
    examples = {
        "one": {"summary": "One message", "value": EXAMPLES["Message"]},
        "many": {"summary": "A batch", "value": EXAMPLES["Batch"]},
    }
    content = {"schema": schema, "examples": examples}
    return {
        "required": True,
        "content": {"application/json": content, "application/vnd.colloquy.v2+json": content},
    }


def _finish(operation: dict[str, Any]) -> None:
    """Takes out what Litestar assumes of errors, adds the examples."""
    responses = operation["responses"]
    bad = responses.get("400", {}).get("content", {})
    if "application/json" in bad:  # Litestar's own idea of a validation error
        del responses["400"]
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if "maximum" in schema:
            schema.setdefault("minimum", 0)  # Litestar leaves a bound of 0 out
    for status, response in responses.items():
        if response["description"] == HTTPStatus(int(status)).description:
            response["description"] = HTTPStatus(int(status)).phrase  # of Litestar, and no better
    bodies = [operation.get("requestBody", {}), *responses.values()]
    for body in bodies:
        for content in body.get("content", {}).values():
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if name in EXAMPLES and "examples" not in content:
                content["examples"] = {"example": {"value": EXAMPLES[name]}}
    for status, found in ANSWERS.get(operation["operationId"], {}).items():
        for content in responses[status]["content"].values():
            content["examples"] = found


def _reference(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=name)}
