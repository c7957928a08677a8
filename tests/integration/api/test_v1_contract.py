"""Version 1 does what its own OpenAPI document says: Schemathesis tries each operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import Status, events, from_schema

from colloquy.api.v1.answers import MEDIA_TYPE
from colloquy.storage.file_lock import FileLock
from support.serving import ServerProcess

MET = ["400", "401", "403", "404", "406", "409", "413", "415", "422", "429"]
"""What a well-formed request can meet: that a tool's result needs the id of its call, for one, is
in no schema."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("contract_v1") / "test.db")
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize("phase", ["coverage", "fuzzing"])
def test_version_1_keeps_its_contract(server: ServerProcess, phase: str) -> None:
    headers = {"Authorization": f"Bearer {FileLock(server.database).read()['token']}"}
    document = httpx.get(f"{server.url}/v1/openapi.json").json()
    for item in document["paths"].values():
        for operation in item.values():
            # The same again, under a name that generators do not know.
            operation.get("requestBody", {}).get("content", {}).pop(MEDIA_TYPE, None)
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20260131,
            "base-url": server.url,
            "continue-on-failure": True,
            "request-timeout": 20,
            "headers": headers,
            "generation": {"max-examples": 5, "database": "none"},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", *MET]},
                "negative_data_rejection": {"enabled": False},  # unknown fields are kept
            },
            "phases": {
                name: {"enabled": name == phase}
                for name in ("examples", "coverage", "fuzzing", "stateful")
            }
            | {"coverage": {"enabled": phase == "coverage", "unexpected-methods": ["put"]}},
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)

    @schema.hook
    def map_body(_: Any, body: Any) -> Any:
        # Nobody waits here for an answer, and no stream is read.
        return {**body, "wait": 0, "stream": False} if _is_chat(body) else body

    failures: list[str] = []
    tried: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            tried |= {node.value.operation.label for node in event.recorder.cases.values()}
            failures += _failures(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            failures.append(str(event))
    assert not failures, "\n\n".join(failures)
    assert len(tried) == 3


def _is_chat(body: Any) -> bool:
    return isinstance(body, dict) and "conversation_id" in body and "role" not in body


def _failures(event: events.ScenarioFinished) -> list[str]:
    found = []
    for case, checks in event.recorder.checks.items():
        for check in checks:
            if check.status == Status.FAILURE and check.failure_info is not None:
                failure: Failure = check.failure_info.failure
                answer = event.recorder.interactions[case].response
                said = answer.content[:300] if answer else b""
                sample = check.failure_info.code_sample
                found.append(f"{failure.title}: {failure.message}\n{sample}\n{said!r}")
    return found
