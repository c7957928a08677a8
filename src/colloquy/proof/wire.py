"""A light HTTP/1.1 client: one request at a time on a connection that stays open.

The load generator shares the machine with the server it measures, so a request must cost it almost
nothing: bodies are bytes made beforehand, answers are parsed in C and not interpreted. `Stream`
reads server-sent events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, cast

import httptools

EVENT_LIMIT = 4 * 1024 * 1024
"""Bytes of one server-sent event; more means that the stream is broken."""


class Answer(NamedTuple):
    """An HTTP answer. Header names are lower case."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def retry_after_s(self) -> float | None:
        """Seconds of the Retry-After header, where there is one."""
        value = self.headers.get(b"retry-after")
        return float(value) if value is not None else None


class Broken(ConnectionError):
    """The connection ended before the answer was whole."""


def request_bytes(
    method: str,
    path: str,
    *,
    host: str,
    token: str | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole request, ready to be written (also more than once)."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


class Connection(asyncio.Protocol):
    """One connection. Opened by `connect`; broken for good after the first error."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self.open = False

    @classmethod
    async def connect(cls, host: str, port: int) -> Connection:
        """Raises OSError when nobody listens."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, port)
        return connection

    async def request(self, data: bytes) -> Answer:
        """Writes a request and returns its answer. Raises Broken. One at a time.

        Cancelling it closes the connection: the answer would come to the next request.
        """
        if not self.open or self._transport is None:
            raise Broken("the connection is closed")
        if self._waiter is not None:
            raise RuntimeError("one request at a time")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        try:
            return await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._waiter = None

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._parser = httptools.HttpResponseParser(self)
        self.open = True

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Broken(f"not HTTP: {error}"))
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        self._fail(Broken(str(error) if error else "the server closed the connection"))

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    # the parser's side

    def on_message_begin(self) -> None:
        self._headers = {}
        self._body = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.open = False
        answer = Answer(self._parser.get_status_code(), self._headers, b"".join(self._body))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)


class Pool:
    """Connections to one server, opened on demand and kept. For callers that come and go."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._idle: list[Connection] = []

    async def request(self, data: bytes, timeout_s: float = 10.0) -> Answer:
        """One request. Raises OSError (Broken among them) or TimeoutError; then try again."""
        async with asyncio.timeout(timeout_s):
            connection = await self._take()
            answer = await connection.request(data)
        if connection.open:
            self._idle.append(connection)
        return answer

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        return await Connection.connect(self.host, self.port)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()


class StreamedEvent(NamedTuple):
    """One server-sent event."""

    id: str | None
    event: str
    data: bytes


async def stream(host: str, port: int, request: bytes) -> AsyncIterator[StreamedEvent]:
    """The server-sent events of one request, until the server ends the connection.

    Raises OSError when it cannot connect, Broken when the answer is no event stream.
    """
    reader, writer = await asyncio.open_connection(host, port, limit=EVENT_LIMIT)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            raise Broken(f"status {status}")
        chunked = b"transfer-encoding: chunked" in head.lower()
        buffer = b""
        while True:
            data = await _chunk(reader) if chunked else await reader.read(65536)
            if not data:
                return
            # The three line ends of the format are one to us.
            buffer += data
            buffer = buffer.replace(b"\r\n", b"\n")
            while (end := buffer.find(b"\n\n")) >= 0:
                found = parse_event(buffer[:end])
                buffer = buffer[end + 2 :]
                if found is not None:
                    yield found
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Broken(str(error)) from None
    finally:
        writer.transport.abort()


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
    data = await reader.readexactly(size + 2)
    return data[:-2]


def parse_event(block: bytes) -> StreamedEvent | None:
    """One event of the text/event-stream format; None for a comment (a keep-alive)."""
    identity: str | None = None
    name = "message"
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"id":
            identity = value.decode()
        elif field == b"event":
            name = value.decode()
    return StreamedEvent(identity, name, b"\n".join(data)) if data else None
