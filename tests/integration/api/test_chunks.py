"""Answers that are being made, as API clients and visitors get them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from colloquy.client import Client
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
            kinds = []
            while "reply_chunk" not in kinds:
                kinds.append(json.loads(socket.recv(timeout=60))["kind"])
            author.write("two", None)
            while item["kind"] != "reply":
                identity, item = next(found)
            assert identity == str(item["seq"])
            assert (item["reply"]["text"], item["reply"]["turn_id"]) == ("one two", turn)
            while "reply" not in kinds:
                kinds.append(json.loads(socket.recv(timeout=60))["kind"])
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
    with httpx.Client(base_url=author.server.url, timeout=60.0, trust_env=False) as http:
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


def test_a_visitor_stops_an_answer(author: Author) -> None:
    with httpx.Client(base_url=author.server.url, timeout=60.0, trust_env=False) as http:
        token = http.post("/chat/session").json()["token"]
        assert http.post("/chat/stop", json={"turn": "0" * 32}).status_code == 401
        other = {"authorization": f"Bearer {http.post('/chat/session').json()['token']}"}
        http.headers["authorization"] = f"Bearer {token}"
        assert http.post("/chat/stop", json={"turn": "x"}).status_code == 422
        http.post(
            "/chat/messages", json={"id": "1", "text": "hi", "stream": "tab", "sequence": 1}
        ).raise_for_status()
        with http.stream("GET", "/chat/stream?after=0") as response:
            found = events(response)
            author.write("half")
            item: dict[str, Any] = {}
            while item.get("text") != "half":
                _, item = next(found)
            stop = {"turn": item["turn"]}
            assert http.post("/chat/stop", json=stop, headers=other).status_code == 204
            author.write(" more")
            while item.get("text") != " more":
                _, item = next(found)
            assert http.post("/chat/stop", json=stop).status_code == 204
            while item["kind"] != "reply":
                _, item = next(found)
            assert (item["text"], item["interrupted"]) == ("half more", True)
            assert http.post("/chat/stop", json=stop).status_code == 204


def test_a_front_end_with_a_key_stops_an_answer(author: Author) -> None:
    with (
        author.server.client("send") as front_end,
        author.server.client("read") as reader,
        Client(author.server.url, author.server.key("operate")) as desk,
    ):
        receipt = front_end.post("/v2/messages", json={"conversation": "ann", "text": "hi"}).json()
        path = f"/v2/conversations/{receipt['conversation_id']}"
        with reader.stream("GET", f"{path}/stream?after=0") as response:
            found = (item for _, item in events(response))
            author.write("half")
            item = next(one for one in found if one.get("data", {}).get("text") == "half")
            turn = item["data"]["turn_id"]
            # Another turn, another conversation: nothing is stopped, and nobody is told.
            for other in (f"{path}/stop", f"/v2/conversations/{'0' * 32}/stop"):
                stop = {"turn_id": turn if "000" in other else "0" * 32}
                assert front_end.post(other, json=stop).status_code == 204
            author.write(" more")
            next(one for one in found if one.get("data", {}).get("text") == " more")
            for _ in range(2):
                assert front_end.post(f"{path}/stop", json={"turn_id": turn}).status_code == 204
            reply = next(one["reply"] for one in found if one["kind"] == "reply")
            assert (reply["text"], reply["interrupted"]) == ("half more", True)
            desk.stop(receipt["conversation_id"], turn)
