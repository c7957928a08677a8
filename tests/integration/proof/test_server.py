"""A real server as a child process: it starts, dies of every signal, comes back, ends well."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from colloquy.model.errors import Unavailable
from colloquy.proof.sampling import Sampler
from colloquy.proof.server import Server, free_port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    found = Server(tmp_path)
    await found.prepare()
    yield found
    if found.is_running:
        found.kill_group()
        assert found.process is not None
        await found.process.wait()
    found.pool.close()


async def until(condition: Callable[[], bool]) -> None:
    """Looks again and again: the kernel tells nobody about other people's children."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.timeout(600)
async def test_a_life(server: Server) -> None:
    async with asyncio.timeout(540):
        assert await server.start() > 0
        page = await server.get("/v2/conversations?limit=1")
        assert msgspec.json.decode(page.body)["conversations"] == []
        async with Sampler(server) as sampler:
            request = server.post_bytes("/v2/messages?wait=30", b'{"conversation":"c","text":"hi"}')
            answer = await server.pool.request(request)
        assert answer.status == 200
        assert b'"reply_id"' in answer.body
        assert sampler.samples[-1].main_rss > 1_000_000
        assert len(server.compute()) == 1
        # A compute process that dies is replaced; the server goes on.
        (compute,) = server.compute()
        assert server.kill_compute(0)
        await until(lambda: {one.pid for one in server.compute()} - {compute.pid} != set())
        assert (await server.pool.request(request)).status == 200
        # The server alone is killed: its compute processes end by themselves.
        assert server.kill_server()
        assert server.process is not None
        assert await server.process.wait() == -signal.SIGKILL
        await until(lambda: not server.remains())
        assert not server.kill_server()
        server.pool.close()
        await server.start()
        assert server.pause()
        assert server.go_on()
        assert (await server.pool.request(request)).status == 200
        assert await server.stop() == 0
        await until(lambda: not server.remains())


async def test_a_server_that_cannot_start_says_why(server: Server, tmp_path: Path) -> None:
    broken = Server(tmp_path, settings={"COLLOQUY_WORKERS": "many"})
    with pytest.raises(Unavailable, match="workers"):
        await broken.start()


async def test_a_key_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    broken = Server(tmp_path, database_url=f"sqlite:///{tmp_path / 'file' / 'a.db'}")
    with pytest.raises(Unavailable, match="API key"):
        await broken.prepare()


def test_ports_are_free() -> None:
    assert 1024 < free_port() < 65536
