"""Live clients of the server, of both versions: they talk all the while, and miss nothing."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from ..dialogue import Dialogue
from .child import PATIENCE_S
from .engine import Engine
from .truth import Truth

CALLERS = 4
"""Every second one speaks V2."""
TURNS = 8
"""Messages of a conversation at most."""
PAUSE_S = 0.4
POLL_S = 0.1


class Callers:
    """`sent`: conversation → ids of its messages in order, each with a receipt."""

    def __init__(
        self, engine: Engine, truth: Truth, dialogues: Iterator[Dialogue], *, seed: int
    ) -> None:
        self._engine = engine
        self._truth = truth
        self._dialogues = dialogues
        self._seed = seed
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._before: dict[str, list[Any]] = {}
        self.sent: dict[str, list[str]] = {}
        self.reads = 0

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._call(number)) for number in range(CALLERS)]

    async def stop(self) -> None:
        """Lets them end what they are at."""
        self._over.set()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*self._tasks)

    def check(self) -> None:
        """Raises what a caller has died of."""
        for task in self._tasks:
            if task.done():
                task.result()

    @property
    def messages(self) -> int:
        return sum(map(len, self.sent.values()))

    async def _call(self, number: int) -> None:
        chance = random.Random(f"caller {self._seed} {number}")
        version = 1 + number % 2
        conversations = 0
        while not self._over.is_set():
            name = f"call-{number}-{conversations}"
            conversations += 1
            for turn, text in enumerate(next(self._dialogues).texts[:TURNS]):
                if self._over.is_set():
                    return
                await self._say(version, name, f"{name}/{turn}", text)
                if version == 1 and chance.random() < 0.5:
                    await self._read(name)
                await asyncio.sleep(PAUSE_S)

    async def _say(self, version: int, conversation: str, id: str, text: str) -> None:
        if version == 1:
            path = "/v1/messages"
            body = {"conversation_id": conversation, "role": "user", "content": text, "id": id}
        else:
            path, body = "/v2/messages", {"conversation": conversation, "text": text, "id": id}
        answer = await self._engine.ask("POST", path, body)
        while answer.status == 410:  # V1 is switched off for a moment: its clients come again
            await asyncio.sleep(POLL_S)
            answer = await self._engine.ask("POST", path, body)
        if answer.status != 202:
            self._truth.complain("refused", f"{path} {body}: {answer.status} {answer.body!r}")
            return
        self.sent.setdefault(conversation, []).append(id)

    async def _read(self, conversation: str) -> list[Any]:
        """What a V1 client sees. What it saw before is there, the same and at the same place: only
        what was said since comes behind it."""
        path = f"/v1/conversations/{conversation}/messages?limit=200"
        answer = await self._engine.ask("GET", path)
        if answer.status != 200:
            return []  # nothing is in its log yet, or V1 is off
        shape = msgspec.json.decode(answer.body, type=_List)
        data = [bytes(item) for item in shape.data]
        self.reads += 1
        before = self._before.get(conversation, [])
        if data[: len(before)] != before:
            self._truth.complain("changed_answers", f"{path}: {before} is now {data}")
        self._before[conversation] = data
        return [msgspec.json.decode(item) for item in data]

    async def judge(self) -> None:
        """Waits until everything is answered: each message is in the log once, in its order, and
        has one reply."""
        deadline = time.monotonic() + PATIENCE_S
        for conversation, ids in self.sent.items():
            while True:
                items = await self._read(conversation)
                replies = [one for one in items if one["role"] == "assistant"]
                if len(replies) >= len(ids) or time.monotonic() > deadline:
                    break
                await asyncio.sleep(POLL_S)
            said = [one["id"] for one in items if one["role"] == "user"]
            counts = Counter(said)
            about = Counter((one.get("metadata") or {}).get("about") for one in replies)
            if missing := [id for id in ids if id not in counts]:
                self._truth.complain("lost", f"server: {missing}", len(missing))
            if len(replies) < len(ids):
                self._truth.complain(
                    "lost", f"{conversation}: {len(replies)} of {len(ids)} replies"
                )
            doubled = [id for id, count in (counts + about).items() if count > 1]
            doubled += [id for id in counts if id not in ids]
            if doubled:
                self._truth.complain("doubled", f"{conversation}: {doubled}", len(doubled))
            if not doubled and not missing and said != ids:
                self._truth.complain("doubled", f"{conversation}: out of order: {said}")


class _List(msgspec.Struct):
    data: list[msgspec.Raw]
