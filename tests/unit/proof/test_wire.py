"""The light HTTP client against a small server of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from colloquy.proof.wire import (
    Broken,
    Connection,
    Pool,
    StreamedEvent,
    parse_event,
    request_bytes,
    stream,
)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[int]:
    """A server on a port chosen by the system."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone, which is what some tests want
        finally:
            writer.close()

    running = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with running:
        yield running.sockets[0].getsockname()[1]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        request = await read_request(reader)
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n" % len(request))
        writer.write(request)


async def test_requests_share_a_connection() -> None:
    async with server(echo) as port:
        connection = await Connection.connect("127.0.0.1", port)
        for body in (b'{"a":1}', b"{}"):
            data = request_bytes("POST", "/v2/messages", host="x", token="t", body=body)
            answer = await connection.request(data)
            assert answer.status == 202
            assert answer.body == data
        assert connection.open
        connection.close()


async def test_an_answer_in_pieces_and_in_chunks() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        whole = b"HTTP/1.1 429 Slow\r\nRetry-After: 1.5\r\nTransfer-Encoding: chunked\r\n\r\n"
        whole += b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        for place in range(len(whole)):
            writer.write(whole[place : place + 1])
            await writer.drain()
            await asyncio.sleep(0)
        await read_request(reader)

    async with server(handler) as port:
        connection = await Connection.connect("127.0.0.1", port)
        answer = await connection.request(request_bytes("GET", "/", host="x"))
        assert (answer.status, answer.body, answer.retry_after_s) == (429, b"abcde", 1.5)
        connection.close()


async def test_a_server_that_dies_breaks_the_request() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nhalf")

    async with server(handler) as port:
        connection = await Connection.connect("127.0.0.1", port)
        with pytest.raises(Broken):
            await connection.request(request_bytes("GET", "/", host="x"))
        with pytest.raises(Broken):
            await connection.request(request_bytes("GET", "/", host="x"))


async def test_what_is_not_http_breaks_the_request() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"hello\r\n\r\n")
        await read_request(reader)

    async with server(handler) as port:
        connection = await Connection.connect("127.0.0.1", port)
        with pytest.raises(Broken, match="not HTTP"):
            await connection.request(request_bytes("GET", "/", host="x"))


async def test_a_pool_reuses_connections_and_replaces_broken_ones() -> None:
    opened = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        for _ in range(2):
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await read_request(reader)  # the third one meets a closed door

    async with server(handler) as port:
        pool = Pool("127.0.0.1", port)
        request = request_bytes("GET", "/", host="x")
        for _ in range(2):
            assert (await pool.request(request)).status == 200
        assert opened == 1
        with pytest.raises(OSError):
            await pool.request(request)
        assert (await pool.request(request)).status == 200
        assert opened == 2
        pool.close()


async def test_a_time_out_does_not_leave_an_answer_behind() -> None:
    held = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        if b"slow" in request:
            await held.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        writer.write(b"slow" if b"slow" in request else b"fast")

    async with server(handler) as port:
        pool = Pool("127.0.0.1", port)
        with pytest.raises(TimeoutError):
            await pool.request(request_bytes("GET", "/slow", host="x"), timeout_s=0.01)
        held.set()
        assert (await pool.request(request_bytes("GET", "/", host="x"))).body == b"fast"
        pool.close()


async def test_nobody_listens() -> None:
    async with server(echo) as port:
        pass
    with pytest.raises(OSError):
        await Pool("127.0.0.1", port).request(b"")


async def test_a_stream_of_events() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b": tick\r\n\r\nid: 4\r", b"\nevent: reply\r\ndata: {", b"}\r\n\r\n"):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        writer.write(b"0\r\n\r\n")

    async with server(handler) as port:
        found = [
            event async for event in stream("127.0.0.1", port, request_bytes("GET", "/", host="x"))
        ]
    assert found == [StreamedEvent("4", "reply", b"{}")]


async def test_a_refused_stream() -> None:
    async with server(echo) as port:
        with pytest.raises(Broken, match="202"):
            async for _ in stream("127.0.0.1", port, request_bytes("GET", "/", host="x")):
                raise AssertionError("an event out of nothing")


def test_parsing_an_event() -> None:
    assert parse_event(b"data: a\ndata: b") == StreamedEvent(None, "message", b"a\nb")
    assert parse_event(b": comment") is None
