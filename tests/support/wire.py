"""A push channel whose other end a test plays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from colloquy.delivery.outgoing import Outgoing, Sent

Behaviour = Callable[[str], Sent | Awaitable[Sent]]


class Wire:
    """A push channel whose other end does what a test says."""

    def __init__(self) -> None:
        self.delivered: list[tuple[str, str, bytes]] = []
        """(conversation, text, reply id) of everything that arrived."""
        self.attempts: list[str] = []
        self.behaviour: Behaviour = lambda text: Sent(True)
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Sent]:
        results = []
        for out in batch:
            text = msgspec.json.decode(out.body)["text"]
            self.attempts.append(text)
            await self.open.wait()
            result = self.behaviour(text)
            if not isinstance(result, Sent):
                result = await result
            if result.ok:
                self.delivered.append((out.item.key, text, out.item.reply_id))
            results.append(result)
        return results

    def texts(self, who: str = "ann") -> list[str]:
        return [text for key, text, _ in self.delivered if key == who]
