"""What all operations have in common, for the OpenAPI document: headers, conditions, links.

Routes do not repeat it: it follows from their method, their guard, their middleware, and from the
ids that an answer brings and a path takes.
"""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from .access import Guard
from .examples import PATHS
from .idempotency import once_per_key

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The request's id, as it was sent or a new one. The log has it too.",
        "schema": {"type": "string"},
        "example": "4802ec74e1b698bcdee3bfb0",
    },
    "ETag": {
        "description": "The strong entity tag of this JSON: for `If-None-Match` and `If-Match`.",
        "schema": {"type": "string"},
        "example": '"9c1f2ab0de348817c20d7f56"',
    },
    "RateLimit-Policy": {
        "description": "The limits that this request counts for: `q` requests in `w` seconds.",
        "schema": {"type": "string"},
        "example": '"api";q=20000;w=2',
    },
    "RateLimit": {
        "description": "What is left of them: `r` requests now, all of them in `t` seconds.",
        "schema": {"type": "string"},
        "example": '"api";r=19999;t=1',
    },
    "Retry-After": {
        "description": "Seconds after which the same request may succeed.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
    "Idempotency-Replayed": {
        "description": "`true` when this is the answer to an earlier request with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
}
"""Headers of answers, by name."""

PARAMETERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "An id of your own for this request (up to 128 printable characters); any "
        "other value is replaced.",
        "schema": {"type": "string"},
        "example": "order-4711",
    },
    "If-None-Match": {
        "description": "An entity tag: answer 304 without a body if it still holds.",
        "schema": {"type": "string"},
        "example": '"9c1f2ab0de348817c20d7f56"',
    },
    "If-Match": {
        "description": "The entity tag that the thing must still have, else 412.",
        "schema": {"type": "string"},
        "example": '"9c1f2ab0de348817c20d7f56"',
    },
    "Idempotency-Key": {
        "description": "A random text of your own. The same request under the same key within a "
        "day is not run again, but gets the first answer.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "example": "b1c4c7de-9a40-4c39-8d3f-6d1f0e7a5c11",
    },
}
"""Headers of requests, by name."""

_ID = "$response.body#/"

_BRINGS: dict[str, list[dict[str, str]]] = {
    "Receipt": [
        {"message_id": f"{_ID}message_id"},
        {"conversation_id": f"{_ID}conversation_id"},
    ],
    "MessageState": [{"conversation_id": f"{_ID}conversation_id"}],
    "ConversationPage": [{"conversation_id": f"{_ID}conversations/0/conversation_id"}],
    "ConversationView": [{"conversation_id": f"{_ID}conversation_id"}],
    "OwnerView": [{"conversation_id": f"{_ID}conversation_id"}],
    "ReplyView": [{"conversation_id": f"{_ID}conversation_id"}],
    "DeadLetterPage": [{"number": f"{_ID}dead_letters/0/number"}],
    "DeadLetterView": [
        {"message_id": f"{_ID}message_id"},
        {"conversation_id": f"{_ID}conversation_id"},
    ],
    "NewKey": [{"key_id": f"{_ID}key/id"}],
    "KeysView": [{"key_id": f"{_ID}keys/0/id"}],
    "FlagList": [{"name": f"{_ID}flags/0/name"}],
    "FlagView": [{"name": f"{_ID}name"}],
    "RolloutPage": [{"flag": f"{_ID}rollouts/0/flag"}],
    "RolloutView": [{"flag": f"{_ID}flag"}],
    "LevelPage": [{"rollback_id": f"{_ID}rollbacks/0/id"}],
    "LevelView": [{"rollback_id": f"{_ID}id"}],
    "AlertPage": [{"alert_id": f"{_ID}alerts/0/id"}],
    "AlertView": [{"alert_id": f"{_ID}id"}],
    "ChangePage": [{"position": f"{_ID}changes/0/position"}],
    "PointPage": [{"point_id": f"{_ID}points/0/id"}],
    "PointView": [{"point_id": f"{_ID}id"}],
    "OperationPage": [{"operation_id": f"{_ID}operations/0/id"}],
    "OperationView": [{"operation_id": f"{_ID}id"}],
    "ConflictPage": [{"conflict_id": f"{_ID}conflicts/0/id"}],
    "ConflictView": [
        {"conflict_id": f"{_ID}id"},
        {"operation_id": f"{_ID}operation_id"},
    ],
    "NewWebhook": [{"webhook_id": f"{_ID}webhook/id"}],
    "WebhookView": [{"webhook_id": f"{_ID}id"}],
    "WebhookPage": [{"webhook_id": f"{_ID}webhooks/0/id"}],
    "DeliveryPage": [
        {"webhook_id": "$request.path.webhook_id", "number": f"{_ID}deliveries/0/number"}
    ],
}
"""Parameters of paths that an answer brings, as OpenAPI's runtime expressions. Each set leads to
the operations whose paths take exactly these."""

_REVALIDATED = "What `If-None-Match` names is still what it is: no body."


def describe(app: Litestar, made: dict[str, Any]) -> None:
    """Adds to the document what follows from the application's conventions."""
    components = made["components"]
    components["headers"] = HEADERS
    components["parameters"] = {
        name: {"name": name, "in": "header", "required": False, **one}
        for name, one in PARAMETERS.items()
    }
    handlers = handlers_of(app)
    operations = [operation for item in made["paths"].values() for operation in item.values()]
    for item in made["paths"].values():
        for method, operation in item.items():
            handler = handlers[operation["operationId"]]
            _describe_request(operation, method, handler)
            _describe_answers(operation, handler)
            _link(operation, operations)


def handlers_of(app: Litestar) -> dict[str, HTTPRouteHandler]:
    """The handlers of the document, by operation id."""
    return {
        str(handler.operation_id): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.resolve_include_in_schema()
    }


def scopes_of(handler: HTTPRouteHandler) -> list[str] | None:
    """The scopes of an operation, any of which will do, as its guard has them."""
    for guard in handler.guards or ():
        if isinstance(guard, Guard):
            return list(guard.scopes)
    return None


def _describe_request(operation: dict[str, Any], method: str, handler: HTTPRouteHandler) -> None:
    names = ["X-Request-Id"]
    if method == "get" and "application/json" in operation["responses"]["200"].get("content", {}):
        names.append("If-None-Match")
        operation["responses"]["304"] = {"description": _REVALIDATED}
    if "precondition" in handler.parsed_fn_signature.parameters:
        names.append("If-Match")
    if once_per_key in (handler.middleware or ()):
        names.append("Idempotency-Key")
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["example"] = PATHS[parameter["name"]]
    references = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    operation["parameters"] = [*operation.get("parameters", ()), *references]


def _describe_answers(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    for status, response in operation["responses"].items():
        names = ["X-Request-Id"]
        if "429" in operation["responses"] and status != "401":
            names += ["RateLimit-Policy", "RateLimit"]
        if status in ("200", "304") and "304" in operation["responses"]:
            names.append("ETag")
        if status in ("429", "503"):
            names.append("Retry-After")
        if status < "300" and once_per_key in (handler.middleware or ()):
            names.append("Idempotency-Replayed")
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _link(operation: dict[str, Any], operations: list[dict[str, Any]]) -> None:
    """From an answer to every other operation whose path takes what the answer brings."""
    for status, response in operation["responses"].items():
        kinds = [_kind_of(content["schema"]) for content in response.get("content", {}).values()]
        if status >= "300" or not kinds:
            continue
        links = {
            target["operationId"]: {"operationId": target["operationId"], "parameters": brought}
            for brought in _BRINGS.get(kinds[0], ())
            for target in operations
            if target is not operation and _path_parameters(target) == brought.keys()
        }
        if links:
            response["links"] = links


def _path_parameters(operation: dict[str, Any]) -> set[str]:
    found = operation.get("parameters", ())
    return {parameter["name"] for parameter in found if parameter.get("in") == "path"}


def _kind_of(schema: dict[str, Any]) -> str:
    """The name of the struct; of the first alternative where there are several."""
    first: dict[str, Any] = schema.get("oneOf", [schema])[0]
    return str(first.get("$ref", "")).rpartition("/")[2]
