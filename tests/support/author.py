"""An assistant that writes its answers piece by piece, as a test dictates them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from colloquy import Colloquy, Reply, Transient, Turn
from support.server import Server


class Author:
    """A server whose assistant writes what it is told."""

    def __init__(self) -> None:
        self.app = Colloquy()
        self.server: Server
        self._pieces: asyncio.Queue[str | Transient | None] = asyncio.Queue()

        @self.app.on_message
        async def answer(turn: Turn) -> Reply:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, Transient):
                    raise piece
                await turn.write(piece)
            return Reply(quick_replies=["And then?"])

    def write(self, *pieces: str | Transient | None) -> None:
        """None ends the answer, Transient the attempt."""

        async def put() -> None:
            for piece in pieces:
                self._pieces.put_nowait(piece)

        self.server.run(put())


@contextmanager
def writing(folder: Path) -> Iterator[Author]:
    author = Author()
    # The tests take their time between two pieces.
    with Server(folder, lambda: author.app, **{"pipeline.parked_timeout_s": "60"}) as author.server:
        yield author
