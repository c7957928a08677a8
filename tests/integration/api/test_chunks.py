"""Answers that are being made, as API clients and visitors get them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from support.author import Author, writing


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Author]:
    with writing(tmp_path) as author:
        yield author


def events(response: httpx.Response) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """(id, data) of each server-sent event."""
    identity = None
    for line in response.iter_lines():
        if line.startswith("id: "):
            identity = line[4:]
        elif line.startswith("data: "):
            yield identity, json.loads(line[6:])
            identity = None


def test_chunks_come_without_a_place_and_the_reply_with_one(author: Author) -> None:
    with author.server.client("send", "read") as client:
        receipt = client.post("/v2/messages", json={"conversation": "ann", "text": "hi"}).json()
        path = f"/v2/conversations/{receipt['conversation_id']}"
        headers = {"authorization": client.headers["authorization"]}
        url = author.server.url.replace("http", "ws", 1)
        with (
            client.stream("GET", f"{path}/stream?after=0") as response,
            connect(f"{url}{path}/ws?after=0", additional_headers=headers, proxy=None) as socket,
        ):
            found = events(response)
            author.write("one ")
            texts = ""
            while texts != "one ":
                identity, item = next(found)
                if item["kind"] == "reply_chunk":
                    assert identity is None
                    assert "seq" not in item
                    assert item["data"]["offset"] == len(texts)
                    texts += item["data"]["text"]
                    turn = item["data"]["turn_id"]
            author.write("two", None)
            while item["kind"] != "reply":
                identity, item = next(found)
            assert identity == str(item["seq"])
            assert (item["reply"]["text"], item["reply"]["turn_id"]) == ("one two", turn)
            kinds = []
            while "reply" not in kinds:
                kinds.append(json.loads(socket.recv(timeout=20))["kind"])
            assert set(kinds) == {"message", "reply_chunk", "reply"}
            assert (kinds.count("message"), kinds.count("reply")) == (1, 1)


def test_a_waiting_request_gets_the_reply_only(author: Author) -> None:
    author.write("one ", "two", None)
    with author.server.client("send") as client:
        answer = client.post(
            "/v2/messages?wait=20", json={"conversation": "ann", "text": "hi"}
        ).json()
    assert [reply["text"] for reply in answer["replies"]] == ["one two"]


def test_visitors_get_them_too_and_history_has_none(author: Author) -> None:
    with httpx.Client(base_url=author.server.url, timeout=20.0, trust_env=False) as http:
        token = http.post("/chat/session").json()["token"]
        http.headers["authorization"] = f"Bearer {token}"
        http.post(
            "/chat/messages", json={"id": "1", "text": "hi", "stream": "tab", "sequence": 1}
        ).raise_for_status()
        with http.stream("GET", "/chat/stream?after=0") as response:
            found = events(response)
            author.write("half")
            seen: dict[str, dict[str, Any]] = {}
            while "message" not in seen or seen.get("chunk", {}).get("text") != "half":
                _, item = next(found)
                seen[item["kind"]] = item
            assert seen["chunk"].keys() == {"kind", "at", "turn", "text"}
            history = http.get("/chat/history?before=100").json()
            assert [line["kind"] for line in history["items"]] == ["message"]
            author.write(None)
            while item["kind"] != "reply":
                _, item = next(found)
            assert item["text"] == "half"
