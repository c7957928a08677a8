"""Monitoring over HTTP and WebSocket: figures, flags, who may watch, who is sent away."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from colloquy.flags import REGISTRY
from support.console import Console
from support.server import Server, until

PATHS = (
    "/metrics/validation",
    "/metrics/adapter",
    "/flags/status",
    "/v2/monitoring",
    "/v2/monitoring/history",
    "/v2/monitoring/stream",
)


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"monitoring.interval_s": "0.01", "monitoring.queue_size": "8"}
    with Server(tmp_path_factory.mktemp("monitored"), **settings) as running:
        yield running


@pytest.fixture
def operator(monitored: Server) -> Iterator[httpx.Client]:
    with monitored.client("operate") as client:
        yield client


def publish(server: Server, name: str) -> None:
    server.runtime.monitoring.publish("app", {"name": name})


@asynccontextmanager
async def watching(
    server: Server, path: str = "/v2/monitoring/ws", **headers: str
) -> AsyncIterator[ClientConnection]:
    url = server.url.replace("http", "ws", 1) + path
    async with connect(url, proxy=None, additional_headers=headers) as connection:
        yield connection


async def named(connection: ClientConnection, name: str) -> dict[str, Any]:
    """The event that an application published under this name."""
    async with asyncio.timeout(60):
        while True:
            event: dict[str, Any] = json.loads(await connection.recv())
            if event["type"] == "app" and event["data"].get("name") == name:
                return event


def bearer(server: Server, *scopes: str) -> dict[str, str]:
    return {"authorization": f"Bearer {server.key(*scopes)}"}


# -- figures ----------------------------------------------------------------------------------


def test_figures_say_what_was_validated_and_told(monitored: Server, operator: httpx.Client) -> None:
    runtime = monitored.runtime
    runtime.monitoring.publish("app", {"name": "NOT A NAME"})
    monitored.run(runtime.monitoring.look())
    found = operator.get("/metrics/validation").json()
    app = found["by_event_type"]["app"]
    assert app["failed"] >= 1
    assert app["total"] == app["passed"] + app["failed"]
    assert found["total_validations"] == sum(
        one["total"] for one in found["by_event_type"].values()
    )
    assert found.keys() == {"by_event_type", "total_validations"}
    told = operator.get("/metrics/adapter").json()
    assert told.keys() == {"broadcasts", "failures", "validation_errors"}
    assert told["broadcasts"] > 0
    assert told["validation_errors"] >= 1


def test_a_flush_writes_what_history_shows(monitored: Server, operator: httpx.Client) -> None:
    publish(monitored, "flushed")
    done = operator.post("/metrics/flush").json()
    assert done.keys() == {"flushed_records", "timestamp"}
    assert done["flushed_records"] >= 1
    records = operator.get("/v2/monitoring/history?event_type=app&span=day").json()["records"]
    assert [one["event_type"] for one in records] == ["app"]
    assert operator.get("/v2/monitoring").json()["last_flush"] >= done["timestamp"]
    for query in ("span=year", "event_type=A-B", "cursor=x", "limit=0"):
        assert operator.get(f"/v2/monitoring/history?{query}").status_code == 422, query


def test_a_flush_under_a_key_is_made_once(monitored: Server, operator: httpx.Client) -> None:
    publish(monitored, "keyed")
    headers = {"idempotency-key": "flush-1"}
    first = operator.post("/metrics/flush", headers=headers)
    again = operator.post("/metrics/flush", headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


def test_every_flag_is_shown_with_its_value(monitored: Server, operator: httpx.Client) -> None:
    found = operator.get("/flags/status").json()
    assert found["flags"].keys() == REGISTRY.keys()
    assert found["flags"]["monitoring_adapter_type"] == "realtime"
    assert found["flags"]["monitoring_metrics_flush_interval"] == 300
    assert found["profile"] == "default"


def test_reading_needs_the_scope(monitored: Server) -> None:
    with monitored.client("read", "send", "tools") as reader:
        for path in PATHS:
            assert reader.get(path).status_code == 403, path
        assert reader.post("/metrics/flush").status_code == 403
    for path in PATHS:
        assert httpx.get(monitored.url + path, trust_env=False).status_code == 401, path


# -- dashboards -------------------------------------------------------------------------------


async def test_a_websocket_shows_what_happens(monitored: Server) -> None:
    async with watching(monitored, **bearer(monitored, "operate")) as connection:
        publish(monitored, "first")
        event = await named(connection, "first")
        assert event["source"] == monitored.runtime.name
        with monitored.client() as client:
            client.post("/v2/messages?wait=20", json={"conversation": "ann", "text": "hello"})
        async with asyncio.timeout(60):
            while json.loads(await connection.recv())["type"] != "turns_committed":
                pass


async def test_a_stream_shows_the_same(monitored: Server) -> None:
    headers = bearer(monitored, "operate")
    async with (
        httpx.AsyncClient(base_url=monitored.url, headers=headers, trust_env=False) as client,
        client.stream("GET", "/v2/monitoring/stream", timeout=60) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        hubs = monitored.runtime.monitoring._adapters.hubs
        await until(lambda: hubs["realtime"].connected > 0)
        publish(monitored, "streamed")
        async for line in lines:
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                if event["data"].get("name") == "streamed":
                    break


async def refusal(server: Server, path: str = "/v2/monitoring/ws", **headers: str) -> int:
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with watching(server, path, **headers):
            pass
    return caught.value.response.status_code


async def test_who_may_not_watch_is_refused_before_the_handshake(monitored: Server) -> None:
    assert await refusal(monitored) == 401
    assert await refusal(monitored, authorization="Bearer cq_nobody") == 401
    assert await refusal(monitored, **bearer(monitored, "read")) == 403


async def test_a_revoked_key_watches_no_more(
    monitored: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.api.monitoring.CHECK_EVERY_S", 0.0)
    made = monitored.run(monitored.runtime.create_key("leaving", ["operate"]))
    async with watching(monitored, authorization=f"Bearer {made.secret}") as connection:
        publish(monitored, "seen")
        await named(connection, "seen")
        monitored.run(monitored.runtime.revoke_key(made.key.id))
        publish(monitored, "unseen")
        with pytest.raises(websockets.ConnectionClosed):
            await named(connection, "unseen")
        assert connection.close_code == 4401


async def test_an_adapter_that_is_not_in_use_is_not_found(tmp_path: Any) -> None:
    flags = {"flags.monitoring_dual_mode": "off", "flags.monitoring_adapter_type": "realtime"}
    with Server(tmp_path, **flags) as server:
        assert await refusal(server, **bearer(server, "operate")) == 404
        with (
            server.client("operate") as client,
            client.stream("GET", "/v2/monitoring/stream") as answer,
        ):
            assert answer.status_code == 200


async def test_a_socket_that_is_never_read_holds_nobody_up(monitored: Server) -> None:
    """Its frames pile up in the kernel, then in its queue, then are dropped; messages go on."""
    monitoring = monitored.runtime.monitoring
    host, port = monitored.url.removeprefix("http://").split(":")
    key = bearer(monitored, "operate")["authorization"]
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((host, int(port)))
        deaf.sendall(
            f"GET /v2/monitoring/ws HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\n"
            "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        hub = monitoring._adapters.hubs["websocket"]
        await until(lambda: hub.connected == 1)
        before = hub.dropped

        async def flood() -> None:
            while hub.dropped == before:
                for _ in range(50):
                    monitoring.publish("app", {"name": "flood", "data": {"x": "y" * 8000}})
                await monitoring.look()
                await asyncio.sleep(0)

        monitored.run(flood())
        (dashboard,) = hub._dashboards
        assert dashboard.waiting <= 8
        with monitored.client() as client:
            for number in range(5):
                sent = {"conversation": f"who{number}", "text": "still there?"}
                answer = client.post("/v2/messages?wait=20", json=sent).json()
                assert answer["replies"][0]["text"] == "You said: still there?"
    await until(lambda: hub.connected == 0)


# -- the console ------------------------------------------------------------------------------


async def test_a_browser_watches_with_its_session(
    monitored: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.api.monitoring.CHECK_EVERY_S", 0.0)
    path = "/console/monitoring/ws"
    with Console(monitored, monitored.key("operate")) as browser:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        assert await refusal(monitored, path, cookie=cookie) == 403, "whose page is it?"
        assert await refusal(monitored, path, cookie=cookie, origin="http://evil.test") == 403
        async with watching(monitored, path, cookie=cookie, origin=monitored.url) as connection:
            publish(monitored, "shown")
            await named(connection, "shown")
            assert browser.act("/console/logout").status_code == 303
            publish(monitored, "hidden")
            with pytest.raises(websockets.ConnectionClosed):
                await named(connection, "hidden")
    assert await refusal(monitored, path, origin=monitored.url) == 401
    with Console(monitored, monitored.key("read")) as reader:
        cookie = "; ".join(f"{name}={value}" for name, value in reader.cookies.items())
        assert await refusal(monitored, path, cookie=cookie, origin=monitored.url) == 403


def test_the_overview_has_live_counters(monitored: Server) -> None:
    publish(monitored, "counted")
    monitored.run(monitored.runtime.monitoring.look())
    with Console(monitored, monitored.key("operate", "read")) as browser:
        assert "Events told" in browser.get("/console/").text
        part = browser.get("/console/overview/monitoring").text
    assert "realtime and websocket" in part
    assert ">app<" in part
    with Console(monitored, monitored.key("read")) as reader:
        assert reader.get("/console/overview/monitoring").status_code == 403
