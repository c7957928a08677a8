"""Live messages on the user's table: writers of both formats, who give nothing up.

A message is sent again until the program has accepted it, across its deaths. One that the primary's
database refuses is kept back, and offered again with every batch.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ..dialogue import Dialogue
from .child import PATIENCE_S, Child
from .truth import Said, Truth

BATCH = 10
EDITS = 3
"""Of the messages of a batch: newer versions of old ones."""
V2_SHARE = 0.5
SIZE = 12
"""Messages of one live conversation, about."""


class Outgoing(NamedTuple):
    id: int
    said: Said
    body: dict[str, Any]


class Traffic:
    """`writers` tasks, spread over the programs; each writes messages of its own only."""

    def __init__(
        self,
        programs: Sequence[Child],
        truth: Truth,
        dialogues: Iterator[Dialogue],
        *,
        seed: int,
        first: int,
        edited: dict[int, str],
        pause_s: float,
        writers: int = 4,
    ) -> None:
        """`first`: the id of the first new message; `edited`: those of the old table that newer
        versions are written of, with their conversations; `pause_s` between a writer's batches."""
        self._programs = programs
        self._truth = truth
        self._texts = itertools.chain.from_iterable(one.texts for one in dialogues)
        self._chance = random.Random(f"table traffic {seed}")
        self._first = first
        self._edited = edited
        self._pause_s = pause_s
        self._open = asyncio.Event()
        self._changed = asyncio.Condition()
        self._busy = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._writers = writers
        self.is_dual = True
        self.refused: dict[int, Outgoing] = {}
        """Kept back because the primary refused them."""
        self.half: set[int] = set()
        """Accepted of late, and the other side does not have it: whoever counts empties it."""
        self.whole: set[int] = set()
        """The others of the same time."""
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        self._open.set()
        own = sorted(self._edited)
        for writer in range(self._writers):
            olds = own[writer :: self._writers]
            news = itertools.count(self._first + writer, self._writers)
            self._tasks.append(asyncio.create_task(self._write(writer, olds, news)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def pause(self) -> None:
        """Returns once nothing is under way."""
        self._open.clear()
        await self._until(lambda: self._busy == 0)

    def go_on(self) -> None:
        self._open.set()

    async def some(self, count: int) -> None:
        """Returns when so many more were accepted."""
        aim = self.counts["accepted"] + count
        await self._until(lambda: self.counts["accepted"] >= aim)

    async def until(self, holds: Callable[[], bool]) -> None:
        await self._until(holds)

    def forget(self) -> None:
        """From here on `half` and `whole` are counted anew."""
        self.half.clear()
        self.whole.clear()

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while not holds():
                for task in self._tasks:
                    if task.done():
                        task.result()
                await self._changed.wait()

    async def _write(self, writer: int, olds: list[int], news: Iterator[int]) -> None:
        program = self._programs[writer % len(self._programs)]
        try:
            while True:
                await self._open.wait()
                self._busy += 1
                try:
                    await self._batch(program, writer, olds, news)
                finally:
                    self._busy -= 1
                    async with self._changed:
                        self._changed.notify_all()
                await asyncio.sleep(self._pause_s)
        except BaseException:
            async with self._changed:
                self._changed.notify_all()
            raise

    async def _batch(
        self, program: Child, writer: int, olds: list[int], news: Iterator[int]
    ) -> None:
        batch = [
            one for one in self.refused.values() if (one.id - self._first) % self._writers == writer
        ]
        edits = self._chance.sample(olds, min(EDITS, len(olds)))
        batch += [self._made(id, self._edited[id]) for id in edits]
        for id in itertools.islice(news, BATCH - EDITS):
            turn = (id - self._first) // self._writers
            batch.append(self._made(id, f"live-{writer}-{turn // SIZE}"))
        answer = await program.ask("write", messages=[one.body for one in batch], dual=self.is_dual)
        if "answers" not in answer:
            self._truth.complain("refused", str(answer))
            return
        for one, told in zip(batch, answer["answers"], strict=True):
            if "error" in told:
                self.refused[one.id] = one
                self.counts[told["error"]] += 1
                continue
            self.refused.pop(one.id, None)
            self._truth.said[one.id] = one.said
            self.counts["accepted"] += 1
            (self.whole if told["both"] else self.half).add(one.id)
            (self.half if told["both"] else self.whole).discard(one.id)

    def _made(self, id: int, conversation: str) -> Outgoing:
        text = f"{next(self._texts)} ({self._chance.randrange(10**6)})"
        is_timed = self._chance.random() < 0.5
        time = f"2026-02-{1 + id % 28:02d}T10:{id % 60:02d}:{id % 59:02d}Z"
        body: dict[str, Any]
        if self._chance.random() < V2_SHARE:
            body = {"id": str(id), "conversation": conversation, "text": text, "urgent": True}
            body |= {"sent_at": time} if is_timed else {}
            return Outgoing(id, Said(text, 2, conversation), body)
        body = {"id": id, "conversation_id": conversation, "role": "user", "content": text}
        body |= {"timestamp": time} if is_timed else {}
        body |= {"metadata": {"tab": id % 9, "a": None}} if id % 3 else {}
        return Outgoing(id, Said(text, 1, conversation), body)
