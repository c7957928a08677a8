"""An assistant that writes what a test hands it, and a front end that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from colloquy import Colloquy, Reply, Turn
from colloquy.model.views import StreamItem
from support.engine import Talk
from support.waiting import until


class Author:
    """An assistant that writes what the test hands it, piece by piece; "" ends its turn."""

    def __init__(self) -> None:
        self.app = Colloquy()
        self.pieces: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.reply: Reply | str | None = None
        self.wrote = 0
        self.turns: list[Turn] = []

        @self.app.on_message
        async def answer(turn: Turn) -> Reply | str | None:
            self.turns.append(turn)
            while piece := await self.pieces.get():
                if isinstance(piece, Exception):
                    raise piece
                await turn.write(piece)
                self.wrote += 1
            return self.reply

    async def write(self, *pieces: str | Exception) -> None:
        """Returns when the handler has written them."""
        goal = self.wrote + sum(isinstance(piece, str) and piece != "" for piece in pieces)
        for piece in pieces:
            self.pieces.put_nowait(piece)
        await until(lambda: self.wrote == goal)


class Screen:
    """A front end that follows the documented rules."""

    def __init__(self) -> None:
        self.draft: str | None = None
        self.replies: list[str | None] = []
        self.kinds: list[str] = []
        self.chunks: list[dict[str, Any]] = []
        self._turn = ""

    async def follow(self, talk: Talk, after: int | None = 0) -> None:
        async for item in talk.stream(after=after):
            self.show(item)

    def show(self, item: StreamItem) -> None:
        self.kinds.append(item.kind)
        if item.kind == "reply_chunk":
            assert item.data is not None
            assert item.seq == 0
            self.chunks.append(item.data)
            if item.data["offset"] == 0:
                self.draft = ""
            assert self.draft is not None
            assert len(self.draft) == item.data["offset"]
            self.draft += item.data["text"]
            self._turn = item.data["turn_id"]
        elif item.kind == "reply_chunk_end":
            assert item.data is not None
            assert item.data["turn_id"] == self._turn
            self.draft = None
        elif item.reply is not None:
            self.replies.append(item.reply.text)
            if item.reply.turn_id == self._turn:
                self.draft = None


@asynccontextmanager
async def watching(talk: Talk, after: int | None = 0) -> AsyncIterator[Screen]:
    screen = Screen()
    task = asyncio.create_task(screen.follow(talk, after))
    try:
        yield screen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
