"""A line between a client and a server that can go dead without either being told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Proxy:
    """`swallow` drops what the server says to the clients that have said `word`, from then on and
    for as long as these connections live."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self._target = ("", 0)
        self._said: dict[asyncio.StreamWriter, bytes] = {}
        self._dead: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def swallow(self, word: bytes = b"") -> None:
        self._dead |= {writer for writer, said in self._said.items() if word in said}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._said[writer] = b""
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        for pump in (
            self._pump(reader, server_writer, writer, is_client=True),
            self._pump(server_reader, writer, writer, is_client=False),
        ):
            task = asyncio.get_running_loop().create_task(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        *,
        is_client: bool,
    ) -> None:
        try:
            while data := await reader.read(65536):
                if is_client:
                    self._said[client] = (self._said[client] + data)[:4096]
                elif client in self._dead:
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def proxy(host: str, port: int) -> AsyncIterator[Proxy]:
    made = Proxy()
    made._target = (host, port)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in made._tasks:
            task.cancel()
        await asyncio.gather(*made._tasks, return_exceptions=True)
