"""The OpenAPI document: complete, with examples that are true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from colloquy import Colloquy
from colloquy.api.examples import EXAMPLES
from colloquy.api.openapi import SHOWN, document
from colloquy.model import errors
from colloquy.model.message import check_message, decode_message
from colloquy.runtime import Runtime
from colloquy.runtime.keys import SCOPES
from colloquy.server.application import build_asgi

OPEN = {"/health", "/ready", "/chat/session", "/chat/config"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    app = Colloquy()
    settings = app.settings({"database_url": f"sqlite:///{folder}/never-opened.db"})
    return document(build_asgi(Runtime(app, settings)).litestar)


def operations(made: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in made["paths"].items()
        for method, operation in item.items()
    ]


def test_every_operation_is_described(made: dict[str, Any]) -> None:
    assert made["openapi"].startswith("3.1")
    assert len(operations(made)) >= 25
    for path, method, operation in operations(made):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        assert operation["operationId"][0].islower(), where


def test_every_operation_but_the_open_ones_needs_a_credential(made: dict[str, Any]) -> None:
    assert made["security"] == [{"key": []}]
    schemes = made["components"]["securitySchemes"]
    assert schemes["key"]["scheme"] == schemes["visitor"]["scheme"] == "bearer"
    for path, _, operation in operations(made):
        if path in OPEN:
            assert operation["security"] == [{}]
        else:
            (way,) = operation["security"]
            assert way == {"visitor": []} or set(way["key"]) <= set(SCOPES), path
            assert "401" in operation["responses"], path


def test_every_error_is_a_problem_with_an_example(made: dict[str, Any]) -> None:
    for path, _, operation in operations(made):
        for status, response in operation["responses"].items():
            if int(status) < 400 or path in OPEN:
                continue
            content = response["content"]["application/problem+json"]
            assert content["schema"]["$ref"].endswith("/Problem")
            (example,) = content["examples"].values()
            assert example["value"]["status"] == int(status)
            assert f"`{example['value']['code']}`" in response["description"]


def test_bodies_and_answers_have_examples(made: dict[str, Any]) -> None:
    for path, method, operation in operations(made):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        bodies += [body for status, body in operation["responses"].items() if int(status) < 300]
        for body in bodies:
            for content in body.get("content", {}).values():
                assert content["examples"], f"{method} {path}"


def test_every_example_is_what_it_says() -> None:
    kinds = {kind.__name__: kind for kind in SHOWN}
    assert set(EXAMPLES) <= set(kinds)
    for name, example in EXAMPLES.items():
        msgspec.json.decode(msgspec.json.encode(example), type=kinds[name])


def test_the_messages_of_examples_are_good() -> None:
    for example in (EXAMPLES["Message"], *EXAMPLES["Batch"]["messages"]):
        check_message(decode_message(msgspec.json.encode(example)))


def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    for reference in _references(made):
        room, name = reference.removeprefix("#/components/").split("/")
        assert name in made["components"][room]


def test_every_operation_names_its_headers(made: dict[str, Any]) -> None:
    for path, method, operation in operations(made):
        sent = [
            parameter.get("$ref", "").rpartition("/")[2] for parameter in operation["parameters"]
        ]
        assert "X-Request-Id" in sent
        for status, response in operation["responses"].items():
            headers = set(response["headers"])
            assert "X-Request-Id" in headers
            assert ("Retry-After" in headers) == (status in ("429", "503")), (path, status)
            if "429" in operation["responses"] and status != "401":
                assert {"RateLimit", "RateLimit-Policy"} <= headers, (path, status)
        if "304" in operation["responses"]:
            assert method == "get" and "If-None-Match" in sent
            assert "ETag" in operation["responses"]["200"]["headers"]
        assert ("If-Match" in sent) == ("412" in operation["responses"]), path
        if "Idempotency-Key" in sent:
            assert method == "post" and "409" in operation["responses"], path


def test_posts_without_an_id_of_their_own_take_a_key(made: dict[str, Any]) -> None:
    """All others are harmless when repeated: what is sent has an id, or nothing is added."""
    harmless = {"sendMessages", "importMessages", "reply", "chatSession", "chatSend", "chatRate"}
    harmless |= {"chatStop", "stopReply"}
    harmless |= {"previewRollback", "traverseGraph", "findPaths", "findImpact"}
    harmless.add("importSnapshot")
    for path, method, operation in operations(made):
        if method == "post" and operation["operationId"] not in harmless:
            sent = [one.get("$ref", "") for one in operation["parameters"]]
            assert "#/components/parameters/Idempotency-Key" in sent, path


def test_links_lead_to_operations_whose_whole_path_they_fill(made: dict[str, Any]) -> None:
    known = {operation["operationId"]: operation for _, _, operation in operations(made)}
    found = 0
    for _, _, operation in operations(made):
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                target = known[link["operationId"]]
                path = [one["name"] for one in target["parameters"] if one.get("in") == "path"]
                assert sorted(link["parameters"]) == sorted(path)
                found += 1
    assert found >= 40
    links = known["sendMessages"]["responses"]["202"]["links"]
    assert {"getMessage", "getConversation", "setOwner"} <= links.keys()


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []


def test_codes_are_unique_within_a_status() -> None:
    """A client switches on the code alone."""
    seen: dict[str, set[int]] = {}
    pending: list[type[errors.ColloquyError]] = [errors.ColloquyError]
    while pending:
        kind = pending.pop()
        seen.setdefault(kind.code, set()).add(kind.status)
        pending += kind.__subclasses__()
    assert {code: statuses for code, statuses in seen.items() if len(statuses) > 1} == {}
