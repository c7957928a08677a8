"""Streams over SSE and WebSocket: in order, at least once, resumable; and they end."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import websockets
from websockets.asyncio.client import connect

from support.server import Server, until

Ask = Callable[[str], Awaitable[dict[str, Any]]]
WAIT_S = 60.0


class Talk:
    """A conversation with a server and its stream."""

    def __init__(self, server: Server, client: httpx.AsyncClient) -> None:
        self.server = server
        self.client = client
        self.key = f"c-{uuid4().hex}"
        self.id = ""

    async def say(self, text: str) -> None:
        """Returns when the reply is out."""
        body = {"conversation": self.key, "text": text}
        answer = (await self.client.post("/v2/messages?wait=30", json=body)).json()
        assert "replies" in answer
        self.id = answer["receipt"]["conversation_id"]

    @asynccontextmanager
    async def sse(self, query: str = "", **headers: str) -> AsyncIterator[AsyncIterator[Any]]:
        path = f"/v2/conversations/{self.id}/stream{query}"
        async with self.client.stream("GET", path, headers=headers) as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert response.headers["cache-control"] == "no-store"
            yield _events(response.aiter_lines())

    @asynccontextmanager
    async def ws(self, query: str = "") -> AsyncIterator[AsyncIterator[Any]]:
        url = f"{self.server.url}/v2/conversations/{self.id}/ws{query}".replace("http", "ws", 1)
        headers = {"authorization": self.client.headers["authorization"]}
        async with connect(url, additional_headers=headers, proxy=None) as connection:
            yield (json.loads(frame) async for frame in connection)

    def open(self, kind: str, query: str = "") -> Any:
        return self.sse(query) if kind == "sse" else self.ws(query)


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Any]:
    number = None
    async for line in lines:
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            item = json.loads(line[6:])
            assert item["seq"] == number
            yield item


async def take(items: AsyncIterator[Any], count: int) -> list[Any]:
    async with asyncio.timeout(WAIT_S):
        return [await anext(items) for _ in range(count)]


def texts(items: list[Any]) -> list[str]:
    return [
        item["reply"]["text"] if item["kind"] == "reply" else item["message"]["message"]["text"]
        for item in items
    ]


@pytest.fixture
async def talk(server: Server) -> AsyncIterator[Talk]:
    headers = {"authorization": f"Bearer {server.key('send', 'read', 'operate')}"}
    async with httpx.AsyncClient(
        base_url=server.url, headers=headers, timeout=WAIT_S, trust_env=False
    ) as client:
        talk = Talk(server, client)
        await talk.say("one")
        yield talk


@pytest.mark.parametrize("kind", ["sse", "ws"])
async def test_what_was_said_before_and_what_comes(talk: Talk, kind: str) -> None:
    async with talk.open(kind, "?after=0") as items:
        before = await take(items, 2)
        await talk.say("two")
        live = await take(items, 2)
    assert texts(before + live) == ["one", "You said: one", "two", "You said: two"]
    numbers = [item["seq"] for item in before + live]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("kind", ["sse", "ws"])
async def test_a_client_resumes_after_what_it_has_seen(talk: Talk, kind: str) -> None:
    async with talk.open(kind, "?after=0") as items:
        (first,) = await take(items, 1)
    await talk.say("two")
    async with talk.open(kind, f"?after={first['seq']}") as items:
        rest = await take(items, 3)
    assert texts(rest) == ["You said: one", "two", "You said: two"]


async def test_an_event_source_that_comes_back_says_so_by_its_header(talk: Talk) -> None:
    await talk.say("two")
    async with talk.sse("?after=0") as items:
        seen = await take(items, 2)
    async with talk.sse("?after=0", **{"last-event-id": str(seen[-1]["seq"])}) as items:
        assert texts(await take(items, 2)) == ["two", "You said: two"]


@pytest.mark.parametrize("kind", ["sse", "ws"])
async def test_without_a_position_only_what_is_new(talk: Talk, kind: str) -> None:
    async with talk.open(kind) as items:
        first = asyncio.ensure_future(take(items, 1))
        number = 0
        while not first.done():  # it begins at the end of the log as it is when it looks
            number += 1
            await talk.say(f"new {number}")
        (text,) = texts(await first)
    assert "new" in text


async def test_a_stream_may_begin_before_its_conversation(talk: Talk) -> None:
    other = Talk(talk.server, talk.client)
    from colloquy.model.ids import conversation_id

    other.id = conversation_id("api", "default", other.key).hex()
    async with other.sse("?after=0") as items:
        await other.say("first words")
        assert texts(await take(items, 2)) == ["first words", "You said: first words"]


async def test_a_change_of_owner_is_streamed(talk: Talk) -> None:
    async with talk.sse("?after=3") as items:
        path = f"/v2/conversations/{talk.id}/replies"
        body = {"text": "I am Tom", "author_name": "Tom", "take_over": True}
        assert (await talk.client.post(path, json=body)).status_code == 201
        owner, reply = await take(items, 2)
    assert (owner["kind"], owner["data"]["owner"]) == ("owner", "human")
    assert (reply["reply"]["text"], reply["reply"]["author_name"]) == ("I am Tom", "Tom")


async def test_a_stream_needs_a_key(talk: Talk) -> None:
    url = f"{talk.server.url}/v2/conversations/{talk.id}/stream?after=0"
    async with httpx.AsyncClient(timeout=WAIT_S) as nobody:
        assert (await nobody.get(url)).status_code == 401


@pytest.mark.parametrize(
    ("path", "scope", "status", "code"),
    [
        ("/v2/conversations/{id}/ws", None, 401, "unauthenticated"),
        ("/v2/conversations/{id}/ws", "send", 403, "forbidden"),
        ("/v2/conversations/xyz/ws", "read", 422, "invalid_input"),
        ("/v2/conversations/{id}/ws?after=x", "read", 422, "invalid_input"),
    ],
)
async def test_a_refused_websocket_gets_a_problem(
    talk: Talk, path: str, scope: str | None, status: int, code: str
) -> None:
    url = talk.server.url.replace("http", "ws", 1) + path.format(id=talk.id)
    headers = {"authorization": f"Bearer {talk.server.key(scope)}"} if scope else {}
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with connect(url, additional_headers=headers, proxy=None):
            raise AssertionError("it was let in")
    response = refused.value.response
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.body or b"{}")["code"] == code


@pytest.mark.parametrize("kind", ["sse", "ws"])
async def test_a_client_that_leaves_is_noticed_at_once(talk: Talk, kind: str) -> None:
    streams = talk.server.app.streams
    await until(lambda: streams.open == 0)  # others may just be leaving
    async with talk.open(kind, "?after=0") as items:
        await take(items, 1)
        assert streams.open == 1
    await until(lambda: streams.open == 0)


@pytest.mark.parametrize("kind", ["sse", "ws"])
async def test_streams_end_when_the_server_stops(own_server: Server, kind: str) -> None:
    headers = {"authorization": f"Bearer {own_server.key('send', 'read')}"}
    async with httpx.AsyncClient(
        base_url=own_server.url, headers=headers, timeout=WAIT_S
    ) as client:
        talk = Talk(own_server, client)
        await talk.say("one")
        async with talk.open(kind, "?after=0") as items:
            await take(items, 2)
            stopping = asyncio.create_task(asyncio.to_thread(own_server.stop))
            async with asyncio.timeout(WAIT_S):
                assert [item async for item in items] == []
            await stopping


async def test_a_client_that_takes_nothing_is_dropped(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.api.stream.SEND_TIMEOUT_S", 1.0)
    batch = [{"conversation": "big", "text": "x" * 9000} for _ in range(100)]
    with own_server.client() as client:
        for _ in range(6):
            results = client.post("/v2/import", json={"messages": batch}).json()["results"]
        path = f"/v2/conversations/{results[0]['conversation_id']}/stream?after=0"
        key = client.headers["authorization"]
        host, port = own_server.url.removeprefix("http://").split(":")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((host, int(port)))
            deaf.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\n\r\n".encode())
            streams = own_server.app.streams
            await until(lambda: streams.open == 1)
            await until(lambda: streams.open == 0)


async def test_there_is_a_bound_on_open_streams(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk.server.app.streams, "_most", 0)
    response = await talk.client.get(f"/v2/conversations/{talk.id}/stream")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["retry-after"]) >= 1
