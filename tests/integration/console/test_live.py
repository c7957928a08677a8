"""`/console/live` over HTTP: what comes, who is let in, when it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from colloquy.ops.health import Status
from support.console import Console
from support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("live")) as server:
        yield server


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    """(kind, data) of each event until the stream ends."""
    kind = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def send(server: Server, text: str) -> str:
    with server.client() as api:
        message = {"conversation": "ann", "text": text}
        answer = api.post("/v2/messages?wait=5", json=message).raise_for_status().json()
    conversation: str = answer["receipt"]["conversation_id"]
    return conversation


def test_figures_changes_and_dead_letters_come_by_themselves(server: Server) -> None:
    with (
        Console(server, server.key("operate", "read")) as client,
        client.stream("GET", "/console/live") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        kind, data = next(stream)
        assert kind == "statistics"
        assert Status(data["now"]["health"]["status"])  # one of them: this machine may be busy
        conversation = send(server, "poison")
        wanted: dict[str, Any] = {
            "conversations": [conversation],
            "dead_letters": {"count": 1},
        }
        for kind, data in stream:
            if wanted.get(kind) == data:
                del wanted[kind]
            if not wanted:
                break


def test_who_only_reads_sees_no_figures(server: Server) -> None:
    with (
        Console(server, server.key("operate")) as operator,
        Console(server, server.key("read")) as reader,
        operator.stream("GET", "/console/live") as figures,
        reader.stream("GET", "/console/live") as answer,
    ):
        shown = events(figures)
        assert next(shown)[0] == "statistics"
        send(server, "hello")
        kind, data = next(events(answer))
        assert kind == "conversations"
        assert len(data) == 1


def test_a_revoked_key_ends_its_streams(server: Server) -> None:
    made = server.run(server.runtime.create_key("leaving", ["read"]))
    with (
        Console(server, made.secret) as client,
        client.stream("GET", "/console/live") as answer,
    ):
        stream = events(answer)
        server.run(server.runtime.revoke_key(made.key.id))
        assert list(stream) == []


def test_logging_out_ends_its_streams(server: Server) -> None:
    with (
        Console(server, server.key("read")) as client,
        client.stream("GET", "/console/live") as answer,
    ):
        assert client.act("/console/logout").status_code == 303
        assert list(events(answer)) == []


def test_viewers_are_bounded_and_forgotten(tmp_path: Path) -> None:
    with (
        Server(tmp_path, **{"console.max_viewers": "2"}) as server,
        Console(server, server.key()) as client,
    ):
        with client.stream("GET", "/console/live"), client.stream("GET", "/console/live"):
            refused = client.get("/console/live")
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
        for _ in range(200):
            with client.stream("GET", "/console/live") as answer:
                if answer.status_code == 200:
                    break
        assert answer.status_code == 200


def test_a_server_that_stops_ends_its_streams(tmp_path: Path) -> None:
    with (
        Server(tmp_path) as server,
        Console(server, server.key()) as client,
        client.stream("GET", "/console/live") as answer,
    ):
        stream = events(answer)
        next(stream)
        server.app.close()
        assert len(list(stream)) < 50
