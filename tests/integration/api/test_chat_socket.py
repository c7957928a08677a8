"""A visitor's conversation over one WebSocket, with a real client."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from support.author import writing
from support.server import Server, until

WAIT_S = 60.0


class Socket:
    """A front end that holds one connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, kind: str, **fields: Any) -> None:
        await self._connection.send(json.dumps({"kind": kind, **fields}))

    async def say(self, text: str, sequence: int = 1, **fields: Any) -> None:
        body = {"id": uuid4().hex, "stream": "tab", "text": text, "sequence": sequence}
        await self.send("say", **{**body, **fields})

    async def raw(self, data: str | bytes) -> None:
        await self._connection.send(data)

    async def next(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these kinds."""
        async with asyncio.timeout(WAIT_S):
            while True:
                frame: dict[str, Any] = json.loads(await self._connection.recv())
                if not kinds or frame["kind"] in kinds:
                    return frame

    async def closed(self) -> tuple[int | None, str | None]:
        """Reads to the end: how the server closed."""
        async with asyncio.timeout(WAIT_S):
            try:
                while True:
                    await self._connection.recv()
            except websockets.ConnectionClosed:
                return self._connection.close_code, self._connection.close_reason


@asynccontextmanager
async def opened(server: Server, **options: Any) -> AsyncIterator[Socket]:
    url = server.url.replace("http", "ws", 1) + "/chat/ws"
    async with connect(url, proxy=None, **options) as connection:
        yield Socket(connection)


@asynccontextmanager
async def begun(server: Server, token: str, after: int | None = 0) -> AsyncIterator[Socket]:
    async with opened(server) as held:
        await held.send("begin", token=token, after=after)
        assert (await held.next())["kind"] == "begun"
        yield held


def token_of(server: Server) -> str:
    session = httpx.post(f"{server.url}/chat/session", trust_env=False).json()
    token: str = session["token"]
    return token


async def test_a_visitor_is_answered_and_goes_on_where_they_were(server: Server) -> None:
    token = token_of(server)
    async with begun(server, token) as held:
        await held.say("one", id="mine")
        receipt = await held.next("receipt")
        assert (receipt["id"], receipt["receipt"]["status"]) == ("mine", "stored")
        seen = await held.next("message")
        assert (seen["id"], seen["text"]) == ("mine", "one")
        reply = await held.next("reply")
        assert reply["text"] == "You said: one"
    async with begun(server, token, after=reply["seq"]) as held:
        await held.say("one", id="mine")
        again = await held.next()
        assert (again["kind"], again["receipt"]["status"]) == ("receipt", "duplicate")
        await held.say("two", sequence=2)
        texts = [(await held.next("message", "reply"))["text"] for _ in range(2)]
        assert texts == ["two", "You said: two"]


async def test_without_a_position_only_what_is_new_comes(server: Server) -> None:
    token = token_of(server)
    async with begun(server, token) as held:
        await held.say("one")
        await held.next("reply")
    async with begun(server, token, after=None) as held:
        await held.say("two", sequence=2)
        assert (await held.next("message"))["text"] == "two"


async def test_visitors_see_their_own_conversation_only(server: Server) -> None:
    async with begun(server, token_of(server)) as one, begun(server, token_of(server)) as other:
        await one.say("a secret")
        await one.next("reply")
        await other.say("hello")
        assert (await other.next("message", "reply"))["text"] == "hello"


async def test_values_that_are_wrong_are_told_and_the_connection_stays(server: Server) -> None:
    async with begun(server, token_of(server)) as held:
        for wrong in (
            {"kind": "say", "id": "m", "text": "", "stream": "tab", "sequence": 1},
            {"kind": "say", "id": "m", "text": "x" * 10_001, "stream": "tab", "sequence": 1},
            {"kind": "say", "id": "m", "text": "x", "stream": "tab", "sequence": 1, "more": 1},
            {"kind": "dance", "id": "m"},
            {"kind": "stop", "id": "m", "turn": "x"},
            {"kind": "begin", "id": "m", "token": "x"},
        ):
            await held.raw(json.dumps(wrong))
            answer = await held.next()
            assert (answer["kind"], answer["id"]) == ("problem", "m")
            assert answer["problem"]["code"] in ("invalid_input", "too_large")
        await held.raw("[]")
        assert "id" not in await held.next("problem")
        await held.send("ping")
        assert await held.next() == {"kind": "pong"}


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"{}", 1003), ("{", 4400), ('{"kind":"ping"} x', 4400), ("x" * 200_000, 1009)],
)
async def test_what_is_no_frame_ends_the_connection(
    server: Server, data: str | bytes, code: int
) -> None:
    async with begun(server, token_of(server)) as held:
        await held.raw(data)
        assert (await held.closed())[0] == code
    await until(lambda: server.app.streams.open == 0)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"kind": "begin", "token": "cv_forged"}, 4401),
        ({"kind": "begin", "token": "x" * 600}, 4400),
        ({"kind": "begin"}, 4400),
        ({"kind": "ping"}, 4400),
    ],
)
async def test_who_does_not_say_who_they_are_is_not_let_in(
    server: Server, first: dict[str, Any], code: int
) -> None:
    async with opened(server) as held:
        await held.raw(json.dumps(first))
        assert (await held.closed())[0] == code


async def test_who_says_nothing_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.api.chat_socket.BEGIN_TIMEOUT_S", 0.05)
    async with opened(server) as held:
        assert await held.closed() == (4408, "the first frame did not come in time")


async def test_the_same_limits_hold(tmp_path: Path) -> None:
    limits = {"limits.chat_per_s": "0.01", "limits.chat_burst": "3"}
    with Server(tmp_path, **limits) as server:
        token = token_of(server)
        async with begun(server, token) as held:
            for sequence in (1, 2, 3):
                await held.say("hi", sequence=sequence)
            answer = await held.next("problem")
            assert answer["problem"]["code"] == "rate_limited"
            assert answer["problem"]["retry_after_s"] > 0
            assert answer["id"]
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
            history = await client.get(f"{server.url}/chat/history?before=9")
        assert history.status_code == 429
        async with opened(server) as held:
            await held.send("begin", token=token)
            assert (await held.closed())[0] == 4429


async def test_an_answer_is_seen_while_it_is_made_and_stopped(tmp_path: Path) -> None:
    with writing(tmp_path) as author:
        async with begun(author.server, token_of(author.server)) as held:
            await held.say("tell me")
            await asyncio.to_thread(author.write, "half")
            chunk: dict[str, Any] = {}
            while chunk.get("text") != "half":
                chunk = await held.next("chunk")
            await held.send("stop", turn=chunk["turn"])
            reply = await held.next("reply")
            assert (reply["text"], reply["interrupted"]) == ("half", True)


async def test_a_restart_loses_nothing(own_server: Server) -> None:
    token = token_of(own_server)
    async with begun(own_server, token) as held:
        await held.say("one")
        reply = await held.next("reply")
        stopping = asyncio.create_task(asyncio.to_thread(own_server.stop))
        assert await held.closed() == (1001, "begin again after the last seq")
        await stopping
    await asyncio.to_thread(own_server.start)
    async with begun(own_server, token, after=reply["seq"]) as held:
        await held.say("two", sequence=2)
        texts = [(await held.next("message", "reply"))["text"] for _ in range(2)]
        assert texts == ["two", "You said: two"]


async def test_a_client_that_takes_nothing_is_dropped(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.api.stream.SEND_TIMEOUT_S", 1.0)
    token = token_of(own_server)
    with own_server.client() as client:
        headers = {"authorization": f"Bearer {token}"}
        conversation = client.post("/chat/session", headers=headers).json()["conversation_id"]
        visit = {"id": "1", "text": "hi", "stream": "tab", "sequence": 1}
        client.post("/chat/messages", json=visit, headers=headers).raise_for_status()
        await until(lambda: own_server.runtime.worker.turns > 0)
        key = client.get(f"/v2/conversations/{conversation}").json()["conversation"]
        batch = [
            {"conversation": key, "channel": "web", "text": "x" * 9000, "sender": {"id": key}}
            for _ in range(100)
        ]
        for _ in range(6):
            client.post("/v2/import", json={"messages": batch}).raise_for_status()
    streams = own_server.app.streams
    host, port = own_server.url.removeprefix("http://").split(":")
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect((host, int(port)))
    async with opened(own_server, max_queue=1, sock=deaf) as connection:
        await connection.send("begin", token=token, after=0)
        await until(lambda: streams.open == 1)
        await until(lambda: streams.open == 0)


async def test_there_is_a_bound_on_open_streams(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.app.streams, "_most", 0)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with opened(server):
            raise AssertionError("it was let in")
    assert refused.value.response.status_code == 503
