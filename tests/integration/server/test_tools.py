"""`/mcp` of a real `colloquy serve`: another program uses the tools by the official client."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import msgspec
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from colloquy.server import tools
from support.command_line import Serving
from support.server import Server
from support.waiting import until

APP = '''
import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from colloquy import Colloquy, Transient, Turn

app = Colloquy()
orders = []


@app.on_message
def modules(turn: Turn) -> str:
    return str([name for name in ("mcp", "mcp_types", "sse_starlette") if name in sys.modules])


@app.tool
def order(item: str, pieces: Annotated[int, Meta(ge=1)] = 1) -> dict[str, Any]:
    """Orders something.

    item: what it is called
    """
    orders.append(item)
    return {"order": len(orders), "pieces": pieces}


@app.tool(idempotent=True)
async def greet(name: str) -> str:
    """Says hello."""
    return f"Hello, {name} ✓"


@app.tool
def broken() -> str:
    """Fails."""
    orders.append("broken")
    raise ValueError("nothing works")


@app.tool
def away() -> str:
    """Is there from the second call on."""
    orders.append("away")
    if orders.count("away") == 1:
        raise Transient("come back later")
    return "here"


@app.tool(timeout_s=0.05)
async def hangs() -> str:
    """Takes for ever."""
    await asyncio.Event().wait()
    return "never"


@app.tool(timeout_s=60)
async def waits() -> str:
    """Takes until a file is there."""
    Path("waiting").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.005)
    return "done"


@app.tool
def mine(turn: Turn) -> str:
    """Needs a conversation."""
    return turn.session.key


@app.tool(granted=lambda turn: turn.session.channel == "web")
def guarded() -> str:
    """Is granted by conversation."""
    return "secret"


@app.tool
def other() -> str:
    """Is not allowed by the settings."""
    return "x"
'''
ALLOWED = ("order", "greet", "broken", "away", "hangs", "waits", "mine", "guarded")
KEY = "colloquy/idempotency-key"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "tests", "version": "1"},
    },
}
ACCEPT = {"accept": "application/json, text/event-stream"}


class Served:
    """The server, an administrator of it, and its keys."""

    def __init__(self, serving: Serving) -> None:
        self.folder = serving.folder
        self.url = serving.said["url"]
        headers = {"authorization": f"Bearer {serving.said['admin_key']}"}
        self.admin = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def key(self, *scopes: str) -> str:
        made = self.admin.post("/v2/keys", json={"name": "program", "scopes": scopes})
        assert made.status_code == 201, made.text
        return str(made.json()["secret"])

    def loaded(self) -> str:
        """Which modules of the protocol the server has in memory, as its assistant tells."""
        body = {"conversation": "ann", "text": "hello"}
        answer = self.admin.post("/v2/messages?wait=30", json=body)
        return str(answer.json()["replies"][0]["text"])

    def post(self, key: str | None, body: Any = INITIALIZE, **headers: str) -> httpx.Response:
        sent = {**ACCEPT, "content-type": "application/json", **headers}
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return httpx.post(
            f"{self.url}/mcp", content=content, headers=sent, timeout=60, trust_env=False
        )

    @contextlib.asynccontextmanager
    async def client(self, key: str, mode: str = "auto") -> AsyncIterator[Client]:
        headers = {"authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
            transport = streamable_http_client(f"{self.url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:  # type: ignore[arg-type]
                yield client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tools")
    (folder / "bot.py").write_text(APP)
    settings = ("replies.mcp_http=true", f"replies.tools={','.join(ALLOWED)}")
    options = [part for one in settings for part in ("--set", one)]
    serving = Serving(folder, "--workers", "0", *options, "--set", "accept.max_body_bytes=65536")
    serving.start()
    found = Served(serving)
    assert found.loaded() == "[]", "what the protocol's package costs is paid by the first request"
    yield found
    assert "mcp_types" in found.loaded()
    found.admin.close()
    assert serving.stop() == 0, "it stops gracefully"
    lines = (folder / "server.log").read_text().splitlines()
    assert {msgspec.json.decode(line)["event"] for line in lines} == {"tool_failed"}


@pytest.fixture
def key(served: Served) -> str:
    return served.key("tools")


def text_of(result: CallToolResult) -> str:
    (part,) = result.content
    assert part.type == "text"
    return part.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_another_program_uses_the_tools(served: Served, key: str, mode: str) -> None:
    async with served.client(key, mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == set(ALLOWED) - {"mine", "guarded"}
        assert tools["order"].description == "Orders something."
        assert tools["order"].input_schema["required"] == ["item"]
        assert tools["greet"].annotations is not None
        assert tools["greet"].annotations.idempotent_hint
        first = await client.call_tool("order", {"item": "lamp", "pieces": 2})
        again = await client.call_tool("order", {"item": "lamp", "pieces": 2})
        assert first.structured_content and again.structured_content
        assert again.structured_content["pieces"] == 2
        assert again.structured_content["order"] == first.structured_content["order"] + 1
        assert text_of(await client.call_tool("greet", {"name": "Zoë"})) == "Hello, Zoë ✓"
        calls: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("order", {"item": "lamp", "pieces": 0}, "`int` >= 1"),
            ("order", {"item": "lamp", "colour": "red"}, "unknown field `colour`"),
            ("order", {}, "missing required field `item`"),
            ("broken", {}, "ValueError: nothing works"),
            ("hangs", {}, "did not answer within 0.05 s"),
            ("mine", {}, "there is no tool"),
            ("guarded", {}, "there is no tool"),
            ("other", {}, "there is no tool"),
        )
        for name, arguments, said in calls:
            result = await client.call_tool(name, arguments)
            assert result.is_error, name
            assert said in text_of(result)
        third = await client.call_tool("order", {"item": "shade"})
        assert third.structured_content
        assert third.structured_content["order"] == again.structured_content["order"] + 2, (
            "the one that raises ran, the wrong ones did not"
        )
    lines = served.admin.get("/metrics").text.splitlines()
    (counted,) = [
        line
        for line in lines
        if "tool_calls_total{" in line and '"order"' in line and '"ok"' in line
    ]
    assert float(counted.split()[-1]) >= 3


async def test_a_call_with_a_key_is_done_once(served: Served, key: str) -> None:
    """By whatever connection it comes again; other arguments under the key are refused."""
    meta: Any = {KEY: "order-4711"}
    lamp: dict[str, Any] = {"item": "lamp", "pieces": 3}
    async with served.client(key) as client:
        first = await client.call_tool("order", lamp, meta=meta)
        assert not first.is_error
    async with served.client(key) as client:
        turned = {"pieces": 3, "item": "lamp"}
        again = await client.call_tool("order", turned, meta=meta)
        assert again.structured_content == first.structured_content
        other = await client.call_tool("order", {"item": "shade"}, meta=meta)
        assert other.is_error and "another request came with this key" in text_of(other)
        bad = await client.call_tool("order", lamp, meta={KEY: 5})  # type: ignore[typeddict-unknown-key]
        assert bad.is_error and "printable" in text_of(bad)
    async with served.client(served.key("tools")) as client:
        theirs = await client.call_tool("order", lamp, meta=meta)
        assert theirs.structured_content != first.structured_content, "another caller's own key"


async def test_what_failed_is_remembered_and_what_did_nothing_is_not(
    served: Served, key: str
) -> None:
    async with served.client(key) as client:

        async def call(name: str, arguments: dict[str, Any], key: str) -> CallToolResult:
            meta: Any = {KEY: key}
            return await client.call_tool(name, arguments, meta=meta)

        before = (await client.call_tool("order", {"item": "x"})).structured_content
        assert "nothing works" in text_of(await call("broken", {}, "one"))
        assert "nothing works" in text_of(await call("broken", {}, "one"))
        after = (await client.call_tool("order", {"item": "x"})).structured_content
        assert before and after and after["order"] == before["order"] + 2, "it ran once"
        assert "come back later" in text_of(await call("away", {}, "two"))
        assert text_of(await call("away", {}, "two")) == "here"
        assert (await call("order", {"pieces": 0}, "three")).is_error
        assert not (await call("order", {"item": "lamp"}, "three")).is_error


async def test_the_same_call_while_the_first_is_running(served: Served, key: str) -> None:
    meta: Any = {KEY: "slow"}
    async with served.client(key) as one, served.client(key) as two:
        first = asyncio.create_task(one.call_tool("waits", {}, meta=meta))
        await until((served.folder / "waiting").exists)
        second = await two.call_tool("waits", {}, meta=meta)
        assert second.is_error and "still running" in text_of(second)
        (served.folder / "go").touch()
        assert text_of(await first) == "done"
        assert text_of(await two.call_tool("waits", {}, meta=meta)) == "done"


def test_who_may_not(served: Served, key: str) -> None:
    for secret, status, code in (
        (None, 401, "unauthenticated"),
        ("cq_wrong", 401, "unauthenticated"),
        (served.key("send", "read", "operate"), 403, "forbidden"),
    ):
        answer = served.post(secret)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert served.post(None).headers["www-authenticate"].startswith("Bearer")
    assert served.post(key).status_code == 200
    may_not_send = httpx.post(
        f"{served.url}/v2/messages",
        json={"conversation": "a", "text": "b"},
        headers={"authorization": f"Bearer {key}"},
        trust_env=False,
    )
    assert may_not_send.status_code == 403, "a key of tools is no key of anything else"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_web_page_may_not_call(served: Served, key: str, origin: str) -> None:
    answer = served.post(key, origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    rebound = httpx.URL(served.url)
    answer = served.post(key, origin="http://evil.example", host=f"evil.example:{rebound.port}")
    assert answer.status_code == 403, "a name of theirs that points at this machine"


def test_what_is_no_call(served: Served, key: str) -> None:
    large = msgspec.json.encode({**INITIALIZE, "more": "x" * 70_000})
    answer = served.post(key, large)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def chunks() -> Iterator[bytes]:
        yield large[:1000]
        yield large[1000:]

    unsized = httpx.post(
        f"{served.url}/mcp",
        content=chunks(),
        headers={**ACCEPT, "content-type": "application/json", "authorization": f"Bearer {key}"},
        trust_env=False,
    )
    assert (unsized.status_code, unsized.json()["code"]) == (413, "too_large")
    for body, status in ((b"{", 400), (b"[]", 400), (b'{"jsonrpc":"2.0","id":1}', 400)):
        answer = served.post(key, body)
        assert answer.status_code == status
        assert answer.json()["error"]["code"] < 0, "the protocol's own errors"
    assert served.post(key, **{"content-type": "text/plain"}).status_code == 415
    unknown = served.post(key, {"jsonrpc": "2.0", "id": 1, "method": "tools/none"})
    assert unknown.json()["error"]["code"] == -32601
    for method in ("GET", "DELETE"):
        headers = {**ACCEPT, "authorization": f"Bearer {key}"}
        other = httpx.request(method, f"{served.url}/mcp", headers=headers, trust_env=False)
        assert (other.status_code, other.headers["allow"]) == (405, "OPTIONS, POST")


def test_nothing_is_kept_between_requests(served: Served, key: str) -> None:
    answer = served.post(key)
    assert "mcp-session-id" not in answer.headers
    assert answer.headers["ratelimit-policy"].startswith('"api"')
    assert answer.headers["x-content-type-options"] == "nosniff"
    called = served.post(
        key,
        {
            "jsonrpc": "2.0",
            "id": "a",
            "method": "tools/call",
            "params": {"name": "greet", "arguments": {"name": "Ann"}},
        },
        **{"mcp-session-id": "0123456789"},
    )
    assert called.json()["result"]["content"][0]["text"] == "Hello, Ann ✓"


def test_it_is_off_by_default(admin: httpx.Client) -> None:
    answer = admin.post("/mcp", json=INITIALIZE, headers=ACCEPT)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_it_is_switched_off_by_the_flag_of_the_tools(tmp_path: Path) -> None:
    settings = {"replies.mcp_http": "true", "flags.use_new_tool_framework": "false"}
    with Server(tmp_path, **settings) as server, server.client() as client:
        answer = client.post("/mcp", json=INITIALIZE)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "use_new_tool_framework" in answer.json()["detail"]


def test_without_the_package_the_answer_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the server starts all the same, and serves everything else."""
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    with Server(tmp_path, **{"replies.mcp_http": "true"}) as server, server.client() as client:
        answer = client.post("/mcp", json=INITIALIZE, headers=ACCEPT)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (501, "extra_missing")
        assert "colloquy[mcp]" in problem["detail"]
        assert client.get("/ready").status_code == 200


def test_only_so_many_at_once(tmp_path: Path) -> None:
    """Also where each of them sends its body slowly."""
    limit = tools.MAX_AT_ONCE
    head = (
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        "content-length: 1000\r\nauthorization: Bearer {key}\r\n\r\n{{"
    )
    with (
        Server(tmp_path, **{"replies.mcp_http": "true"}) as server,
        contextlib.ExitStack() as stack,
    ):
        key = server.key("tools")
        address = ("127.0.0.1", httpx.URL(server.url).port or 0)
        for _ in range(limit):
            slow = stack.enter_context(socket.create_connection(address))
            slow.sendall(head.format(key=key).encode())
        door = server.app.tools
        assert door is not None
        server.run(until(lambda: door.under_way == limit))
        with server.client("tools") as client:
            answer = client.post("/mcp", json=INITIALIZE, headers=ACCEPT)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["retry-after"] == "1"
            stack.close()
            server.run(until(lambda: door.under_way == 0))
            assert client.post("/mcp", json=INITIALIZE, headers=ACCEPT).status_code == 200
