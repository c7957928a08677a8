"""The server does what its OpenAPI document says, for whatever a generator makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode

from support.server import Server

EXAMPLES = 8
"""Requests of each kind for each operation."""
STREAMS = ["/v2/conversations/{conversation_id}/stream", "/chat/stream"]
"""They do not end."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    with Server(tmp_path_factory.mktemp("contract")) as server:
        raw = httpx.get(f"{server.url}/v2/openapi.json").json()
        schemas = raw["components"]["schemas"]
        for name, field in [("Message", "sent_at"), ("KeyRequest", "expires_at")]:
            # The generator does not know what a time is.
            schemas[name]["properties"][field] = {"enum": ["2035-01-31T10:00:00Z", None]}
        # Nor that `wait` goes with a single message only.
        del raw["paths"]["/v2/messages"]["post"]["parameters"]
        schema = schemathesis.openapi.from_dict(raw)
        headers = {"Authorization": f"Bearer {server.key('admin')}"}
        schema.config.update(base_url=server.url, headers=headers)
        yield schema.exclude(path=STREAMS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_server_keeps_its_contract(api: schemathesis.BaseSchema, mode: GenerationMode) -> None:
    names = []
    for found in api.get_all_operations():
        operation = found.ok()

        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        @hypothesis.settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        def attempt(case: schemathesis.Case) -> None:
            case.body = _whole(case.body)
            case.call_and_validate(timeout=20)

        try:
            attempt()
        except hypothesis.errors.Unsatisfiable:
            continue  # it takes nothing that could be wrong
        names.append(operation.label)
    assert len(names) >= 15


def _whole(value: Any) -> Any:
    """1.0 is an integer to JSON Schema; the server is stricter."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
