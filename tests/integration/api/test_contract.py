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

from support.server import Server

PHASES = ("examples", "coverage", "fuzzing", "stateful")
EXAMPLES = 4
"""Requests of each kind for each operation, and walks along links."""
STEPS = 12
"""Requests of one walk."""
STREAMS = ("/v2/conversations/{conversation_id}/stream", "/chat/stream")
"""They do not end."""
OTHER_METHODS = ["put", "trace"]
"""What is tried as a method that a path does not have; each more costs a second."""


@pytest.fixture(scope="module")
def contract_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("contract")) as server:
        with server.client() as admin:
            # Something to be found: an answered conversation and a dead letter.
            for text in ("hello", "poison"):
                admin.post("/v2/messages?wait=20", json={"conversation": text, "text": text})
        yield server


@pytest.fixture(scope="module")
def document(contract_server: Server) -> dict[str, Any]:
    raw: dict[str, Any] = httpx.get(f"{contract_server.url}/v2/openapi.json").json()
    for path in STREAMS:
        del raw["paths"][path]
    _say_what_schemas_cannot(raw)
    return raw


def _say_what_schemas_cannot(raw: dict[str, Any]) -> None:
    """Takes out, and makes narrower, what a generator of values cannot know."""
    schemas = raw["components"]["schemas"]
    for name, field in [("Message", "sent_at"), ("KeyRequest", "expires_at")]:
        schemas[name]["properties"][field] = {"enum": ["2035-01-31T10:00:00Z", None]}
    left_out = {
        "cursor",  # is opaque
        "wait",  # goes with a single message only
        "before",  # does not go with `after`
    }
    for item in raw["paths"].values():
        for operation in item.values():
            operation["parameters"] = [
                one
                for one in operation["parameters"]
                if one.get("name") not in left_out or one.get("required")
            ]


def config(server: Server, phase: str) -> SchemathesisConfig:
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
            # A token that is no key: a walk revokes every key that it finds.
            "headers": {"Authorization": f"Bearer {server.runtime.keys.make_local()}"},
            "operations": [
                {
                    "include-path-regex": "^/chat/",
                    "headers": {"Authorization": f"Bearer {visitor}"},
                }
            ],
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            "checks": {
                # A made-up entity tag is a valid one, and of another state.
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "429"]
                }
            },
            "phases": chosen,
        }
    )


@pytest.mark.parametrize("phase", PHASES)
def test_the_server_keeps_its_contract(
    contract_server: Server, document: dict[str, Any], phase: str
) -> None:
    schema = schemathesis.openapi.from_dict(document, config=config(contract_server, phase))
    tried: set[str] = set()
    failures: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            cases = event.recorder.cases.values()
            tried |= {node.value.operation.label for node in cases}
            failures += _failures(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            failures.append(str(event))
    assert failures == []
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
                found.append(
                    f"{failure.title}: {failure.message}\n{check.failure_info.code_sample}\n{answer!r}"
                )
    return found
