"""The OpenAPI 3.1 document: Litestar's, with exact schemas, examples and the bodies it cannot see.

Litestar writes paths, parameters and responses. The schemas of our structs come from msgspec, which
also does the decoding, so that the document says precisely what is accepted.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, License, SecurityScheme
from msgspec import Struct

from .. import __version__
from ..flags import REGISTRY
from ..model import alerts as alert_views
from ..model import chat as chat_models
from ..model import checkpoints as checkpoint_views
from ..model import feedback as feedback_views
from ..model import flags as flag_views
from ..model import graph as graph_views
from ..model import ledger as ledger_views
from ..model import migrations as migration_views
from ..model import monitoring as monitoring_views
from ..model import rollouts as rollout_views
from ..model import views
from ..model import webhooks as webhook_views
from ..model.message import Message
from ..model.statistics import StatisticsView
from . import dead_letters, health, keys, messages
from .conventions import describe, handlers_of, scopes_of
from .examples import ANSWERS, EXAMPLES
from .feedback_examples import FEEDBACK_ROWS, FEEDBACK_TABLE
from .graph.examples import GRAPH_RULES
from .ledger.keeping import SNAPSHOT_TYPE
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
    views.ReactionRequest,
    views.ReactionView,
    views.StopRequest,
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
    flag_views.FlagView,
    flag_views.FlagList,
    flag_views.FlagChange,
    flag_views.SwitchView,
    flag_views.KillRequest,
    flag_views.ExplainRequest,
    flag_views.Explanation,
    rollout_views.RolloutRequest,
    rollout_views.RolloutNote,
    rollout_views.RolloutView,
    rollout_views.RolloutPage,
    rollout_views.LevelRequest,
    rollout_views.LevelPlan,
    rollout_views.LevelView,
    rollout_views.LevelPage,
    migration_views.MigrationView,
    migration_views.MigrationStart,
    migration_views.MigrationMove,
    migration_views.MigrationJob,
    migration_views.MigrationJobList,
    migration_views.MigrationJobRequest,
    migration_views.MismatchPage,
    migration_views.Mismatch,
    migration_views.IgnoreRequest,
    alert_views.AlertView,
    alert_views.AlertPage,
    alert_views.RuleList,
    alert_views.NoticePage,
    alert_views.AlertTest,
    feedback_views.Analytics,
    feedback_views.FeedbackProgress,
    feedback_views.Recommendations,
    feedback_views.SignalsView,
    feedback_views.FeedbackRow,
    feedback_views.SignalsRow,
    ledger_views.LedgerStatus,
    ledger_views.ChangePage,
    ledger_views.ChangeDetail,
    ledger_views.DifferencePage,
    ledger_views.RecordView,
    ledger_views.PointRequest,
    ledger_views.PointChange,
    ledger_views.PointView,
    ledger_views.PointPage,
    ledger_views.RollbackRequest,
    ledger_views.UndoRequest,
    ledger_views.PreviewView,
    ledger_views.OperationView,
    ledger_views.OperationPage,
    ledger_views.OperationLog,
    ledger_views.ItemPage,
    ledger_views.ConflictView,
    ledger_views.ConflictPage,
    ledger_views.ConflictDetail,
    ledger_views.DecisionRequest,
    ledger_views.AuditPage,
    ledger_views.ImportView,
    ledger_views.CompactRequest,
    ledger_views.CompactionView,
    graph_views.EntityPage,
    graph_views.EntityView,
    graph_views.EntityRequest,
    graph_views.FactPage,
    graph_views.TimelinePage,
    graph_views.GraphChangePage,
    graph_views.ContradictionPage,
    graph_views.GraphStatistics,
    graph_views.LearnRequest,
    graph_views.LearnedView,
    graph_views.RetractionRequest,
    graph_views.MergeRequest,
    graph_views.HitPage,
    graph_views.NeighbourhoodView,
    graph_views.TraversalRequest,
    graph_views.TraversalView,
    graph_views.PathRequest,
    graph_views.PathsView,
    graph_views.ImpactRequest,
    graph_views.ImpactView,
    graph_views.RelationshipPage,
    checkpoint_views.CheckpointRequest,
    checkpoint_views.CheckpointView,
    checkpoint_views.CheckpointPage,
    checkpoint_views.CheckpointContent,
    monitoring_views.ValidationFigures,
    monitoring_views.AdapterFigures,
    monitoring_views.FlushView,
    monitoring_views.FlagsStatus,
    monitoring_views.MonitoringView,
    monitoring_views.MonitoringEvent,
    monitoring_views.ValidationHistory,
    health.StatusView,
    health.ReadyView,
    StatisticsView,
    views.SettingsView,
    chat_models.Session,
    chat_models.ChatMessage,
    chat_models.ChatStop,
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
    "ReactionRequest": {"properties": {"reply_id": {"type": "string", "pattern": HEX_ID}}},
    **GRAPH_RULES,
    "RollbackRequest": {
        "oneOf": [
            {"required": [name], "properties": {name: {"type": kind}}}
            for name, kind in (
                ("point", "string"),
                ("position", "integer"),
                ("time", "string"),
                ("undo", "string"),
            )
        ]
    },
    "DecisionRequest": {
        "oneOf": [
            {"required": ["value"], "properties": {"decision": {"const": "edit"}}},
            {"properties": {"decision": {"enum": ["keep", "take", "merge"]}, "value": False}},
        ]
    },
    "LevelRequest": {
        "oneOf": [
            {
                "required": ["flag"],
                "properties": {
                    "level": {"enum": ["feature", "partial"]},
                    "flag": {"enum": sorted(REGISTRY)},
                },
            },
            {
                "properties": {
                    "level": {"enum": ["complete", "emergency"]},
                    "flag": {"type": "null"},
                }
            },
        ]
    },
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
_SNAPSHOT_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/octet-stream": {
            "schema": {"type": "string", "contentMediaType": SNAPSHOT_TYPE},
            "examples": {"file": {"summary": "The bytes of a file", "value": "..."}},
        }
    },
}

_REFERENCE = "#/components/schemas/{name}"


def openapi_config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Colloquy",
        version=__version__,
        summary="The durable engine behind assistants",
        description=(
            "Messages in, answers out: each message is stored before its receipt, handled exactly "
            "once and in order. Every error is a problem document (RFC 9457) with a stable `code`. "
            "Keys have the scopes send, read, tools, operate and admin (implies all)."
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
    """This document. Made when it is first asked for, in another thread: a server that nobody asks
    pays nothing, and conversations go on meanwhile."""
    state = request.app.state
    making: asyncio.Task[bytes] | None = state.get("openapi")
    if making is None or (making.done() and (making.cancelled() or making.exception())):
        making = state.openapi = asyncio.create_task(asyncio.to_thread(_encoded, request.app))
    # Who goes away does not end it for the others.
    return Response(await asyncio.shield(making), media_type="application/json")


def _encoded(app: Litestar) -> bytes:
    return msgspec.json.encode(document(app))


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
            elif path == "/v2/ledger/import":
                operation["requestBody"] = _SNAPSHOT_BODY
            elif path == "/v2/feedback/export":
                operation["responses"]["200"]["content"] = _feedback_files()
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


def _feedback_files() -> dict[str, Any]:
    """Rows of either kind in either format."""
    rows = {"type": "array", "items": {"anyOf": [*map(_reference, FEEDBACK_ROWS)]}}
    return {
        "application/json": {
            "schema": rows,
            "examples": {
                name: {"summary": summary, "value": [EXAMPLES[name]]}
                for name, summary in FEEDBACK_ROWS.items()
            },
        },
        "text/csv": {
            "schema": {"type": "string"},
            "examples": {"table": {"summary": "The row of names", "value": FEEDBACK_TABLE}},
        },
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
