"""The server does what its OpenAPI document says: Schemathesis tries every operation with the
document's examples, with values at the edges of its schemas, with random ones, and goes from one
answer to the next along the document's links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import Status, events, from_schema

from colloquy.storage.file_lock import FileLock
from support.serving import ServerProcess

PHASES = ("examples", "coverage", "fuzzing", "stateful")
EXAMPLES = 4
"""Requests of each kind for each operation, and walks along links."""
STEPS = 12
"""Requests of one walk."""
STREAMS = (
    "/v2/conversations/{conversation_id}/stream",
    "/v2/monitoring/stream",
    "/chat/stream",
)
"""They do not end."""
OTHER_METHODS = ["put", "trace"]
"""What is tried as a method that a path does not have; each more costs a second."""


_ELSEWHERE = ["401", "403", "404", "409", "410", "412", "429"]
"""What a request can meet whatever its body: among them 412, as a made-up entity tag is well formed
and names another state."""


@pytest.fixture(scope="module")
def contract_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A process of its own: the generator is as busy as the server."""
    server = ServerProcess(tmp_path_factory.mktemp("contract") / "test.db")
    server.start()
    with httpx.Client(base_url=server.url, headers=credential(server), timeout=60) as admin:
        # Something to be found: an answered conversation and a dead letter.
        for text in ("hello", "poison"):
            admin.post("/v2/messages?wait=20", json={"conversation": text, "text": text})
    yield server
    server.kill()


def credential(server: ServerProcess) -> dict[str, str]:
    """The token that a server leaves to its command line. It is no key: a walk along the links
    revokes every key that it finds."""
    return {"Authorization": f"Bearer {FileLock(server.database).read()['token']}"}


@pytest.fixture(scope="module")
def document(contract_server: ServerProcess) -> dict[str, Any]:
    raw: dict[str, Any] = httpx.get(f"{contract_server.url}/v2/openapi.json").json()
    for path in STREAMS:
        del raw["paths"][path]
    for item in raw["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                response.get("links", {}).pop("streamConversation", None)
    _say_what_schemas_cannot(raw)
    return raw


def _say_what_schemas_cannot(raw: dict[str, Any]) -> None:
    """Takes out, and makes narrower, what a generator of values cannot know."""
    schemas = raw["components"]["schemas"]
    left_out = {
        "cursor",  # is opaque
        "wait",  # goes with a single message only
        "before",  # does not go with `after`
    }
    for name, field in [("Message", "sent_at"), ("KeyRequest", "expires_at")]:
        schemas[name]["properties"][field] = {"enum": ["2035-01-31T10:00:00Z", None]}
    # Which addresses a webhook may have is in no schema.
    for name in ("WebhookRequest", "WebhookChange"):
        fields = schemas[name]["properties"]
        fields["url"] = {"enum": ["https://example.com/hook"]}
        fields["enabled"] = {"enum": [False]}  # nothing is sent to it
    for path in ("/v2/messages", "/v2/import"):
        content = raw["paths"][path]["post"]["requestBody"]["content"]
        del content["application/vnd.colloquy.v2+json"]  # the same again
    content["application/json"]["schema"] = {"$ref": "#/components/schemas/Message"}  # nor batches
    # The same for every route, which test_edge.py shows at once; here each costs seconds.
    for name in ("X-Request-Id", "If-None-Match"):
        left_out.add(name)
    for item in raw["paths"].values():
        for operation in item.values():
            operation["parameters"] = [
                one
                for one in operation["parameters"]
                if _name(one) not in left_out or one.get("required")
            ]


def _name(parameter: dict[str, Any]) -> str:
    name: str = parameter.get("name") or parameter["$ref"].rpartition("/")[2]
    return name


def _whole(value: Any) -> Any:
    """1.0 is an integer to JSON Schema; the server is stricter."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def config(server: ServerProcess, phase: str) -> SchemathesisConfig:
    visitor = httpx.post(f"{server.url}/chat/session").json()["token"]
    chosen: dict[str, Any] = {name: {"enabled": name == phase} for name in PHASES}
    chosen["coverage"]["unexpected-methods"] = OTHER_METHODS
    chosen["stateful"]["max-steps"] = STEPS
    return SchemathesisConfig.from_dict(
        {
            "seed": 20260131,
            "base-url": server.url,
            "continue-on-failure": True,
            "request-timeout": 20,
            "headers": credential(server),
            "operations": [
                {
                    "include-path-regex": "^/chat/",
                    "headers": {"Authorization": f"Bearer {visitor}"},
                },
                {
                    # Positions and records of a ledger, attributes of a kind, ends before their
                    # beginnings, values of a flag's type, percentages that grow: no schema has
                    # them.
                    "include-path-regex": "^/v2/((ledger|graph|feedback|flags)/|rollouts)",
                    "checks": {
                        "positive_data_acceptance": {
                            "expected-statuses": ["2xx", "3xx", "422", *_ELSEWHERE]
                        }
                    },
                },
            ],
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", *_ELSEWHERE]},
                "negative_data_rejection": {
                    "expected-statuses": ["400", "405", "406", "415", "422", *_ELSEWHERE]
                },
            },
            "phases": chosen,
        }
    )


@pytest.mark.timeout(900)  # every operation in turn, on a machine that may be busy
@pytest.mark.parametrize("phase", PHASES)
def test_the_server_keeps_its_contract(
    contract_server: ServerProcess, document: dict[str, Any], phase: str
) -> None:
    schema = schemathesis.openapi.from_dict(document, config=config(contract_server, phase))

    @schema.hook
    def map_body(_: Any, body: Any) -> Any:
        return _whole(body)

    tried: set[str] = set()
    failures: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            cases = event.recorder.cases.values()
            tried |= {node.value.operation.label for node in cases}
            failures += _failures(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            failures.append(str(event))
    assert not failures, "\n\n".join(failures)
    operations = [f"{m.upper()} {path}" for path, item in document["paths"].items() for m in item]
    # A walk begins and goes on where chance takes it; all others go everywhere.
    least = len(operations) if phase == "coverage" else 12
    assert len(tried & set(operations)) >= least


def _failures(event: events.ScenarioFinished) -> list[str]:
    found = []
    for case, checks in event.recorder.checks.items():
        for check in checks:
            if check.status == Status.FAILURE and check.failure_info is not None:
                failure: Failure = check.failure_info.failure
                interaction = event.recorder.interactions[case]
                answer = interaction.response.content[:400] if interaction.response else b""
                sample = check.failure_info.code_sample
                found.append(f"{failure.title}: {failure.message}\n{sample}\n{answer!r}")
    return found
