"""The server as a process: it says where it is, answers, and stops when it is told to."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest

from colloquy.model.errors import InvalidInput
from colloquy.runtime import Runtime
from colloquy.server.run import address, serve
from support.server import assistant
from support.serving import ServerProcess


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_a_signal_and_finishes_its_work(tmp_path: Path, number: signal.Signals) -> None:
    process = ServerProcess(tmp_path / "test.db")
    process.start()
    try:
        with httpx.Client(base_url=process.url, timeout=60.0) as client:
            assert client.get("/ready").json() == {"ready": True}
            with client.stream("GET", "/chat/stream", headers=_visitor(client)) as stream:
                assert stream.status_code == 200
                process.signal(number)
                assert "retry: 1000" in stream.read().decode()  # it ends by itself, in order
        assert process.rest().splitlines() == ["stopped"]
        assert process.status == 0
    finally:
        process.kill()


def _visitor(client: httpx.Client) -> dict[str, str]:
    return {"authorization": f"Bearer {client.post('/chat/session').json()['token']}"}


async def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    app = assistant()
    settings = app.settings({"preset": "test", "database_url": f"sqlite:///{tmp_path}/test.db"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InvalidInput, match="cannot listen") as refused:
            await serve(Runtime(app, settings), "127.0.0.1", taken.getsockname()[1])
    assert refused.value.field == "port"
    assert not (tmp_path / "test.db").exists()


async def test_a_name_that_does_not_resolve_is_told(tmp_path: Path) -> None:
    app = assistant()
    settings = app.settings({"preset": "test", "database_url": f"sqlite:///{tmp_path}/test.db"})
    with pytest.raises(InvalidInput, match="cannot listen"):
        await serve(Runtime(app, settings), "no.such.host.invalid", 0)


async def test_a_start_that_fails_frees_the_port(tmp_path: Path) -> None:
    app = assistant()
    settings = app.settings({"preset": "test", "database_url": "sqlite:////proc/nothing/test.db"})
    with pytest.raises(Exception):  # noqa: B017 - whatever the store says
        await asyncio.wait_for(serve(Runtime(app, settings), "127.0.0.1", 0), 60)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")]
)
def test_the_address_that_is_told_can_be_used(host: str, shown: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        port = listener.getsockname()[1]
        assert address(listener) == f"http://{shown}:{port}"
