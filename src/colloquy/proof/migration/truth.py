"""What must be in the tables, and what must be answered: kept by whoever sent and recorded it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from .child import Child
from .table import Conversation

PAGE = 100
"""Conversations of one request of a sweep."""
MOST_EXAMPLES = 20
_json = msgspec.json.Decoder(dict[str, Any])


class Said(NamedTuple):
    """The newest version of a message that was accepted."""

    text: str
    version: int
    conversation: str


class Truth:
    """`wrong` counts what must not be, `examples` says which."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        self.conversations = conversations
        """Nobody writes in these any more."""
        self.said: dict[int, Said] = {}
        self.wrong: Counter[str] = Counter()
        self.examples: list[str] = []
        self.compared = 0
        """Answers that were compared with recorded ones."""
        self._recorded: dict[str, bytes] = {}

    def complain(self, kind: str, example: str, count: int = 1) -> None:
        self.wrong[kind] += count
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(f"{kind}: {example}")

    # -- what V1 clients get of what nobody writes ---------------------------------------------

    async def record(self, program: Child, told: Callable[[int], None]) -> None:
        """Before it begins: the answer to a V1 client for each conversation, byte for byte."""
        async for page, bodies in _bodies(program, self.conversations):
            for conversation, body in zip(page, bodies, strict=True):
                if len(_json.decode(body)["messages"]) != len(conversation.ids):
                    self.complain("lost", f"{conversation.name}, before it began")
                self._recorded[conversation.name] = _digest(body)
            told(len(self._recorded))

    async def sweep(
        self, program: Child, where: str, conversations: Sequence[Conversation] | None = None
    ) -> None:
        """Each of the recorded answers (or these) must be the same bytes now."""
        async for page, bodies in _bodies(program, conversations or self.conversations):
            for conversation, body in zip(page, bodies, strict=True):
                self.compared += 1
                if self._recorded[conversation.name] == _digest(body):
                    continue
                there = {one.get("id") for one in _json.decode(body)["messages"]}
                missing = [id for id in conversation.ids if id not in there]
                if missing:
                    self.complain("lost", f"{where}: {conversation.name} {missing}", len(missing))
                self.complain("changed_answers", f"{where}: {conversation.name} {body[:300]}")

    # -- what was accepted meanwhile -----------------------------------------------------------

    async def check_said(self, program: Child, where: str) -> None:
        """What live traffic wrote must be read as it was written last. Nobody writes meanwhile."""
        ids = sorted(self.said)
        for start in range(0, len(ids), PAGE * 5):
            page = ids[start : start + PAGE * 5]
            (body,) = (await program.ask("read", conversations=[page]))["bodies"]
            v1 = {one["id"]: one for one in _json.decode(body)["messages"]}
            answer = await program.ask("read_v2", ids=page)
            v2 = {int(one["id"]): one for one in map(_json.decode, answer["messages"])}
            for id in page:
                self._check_one(where, id, v1.get(id), v2.get(id))

    def _check_one(
        self, where: str, id: int, v1: dict[str, Any] | None, v2: dict[str, Any] | None
    ) -> None:
        said = self.said[id]
        if v1 is None or v2 is None:
            self.complain("lost", f"{where}: {id}")
        elif (v1["content"], v1["conversation_id"]) != (said.text, said.conversation):
            self.complain("lost", f"{where}: {id} says {v1['content']!r}, not {said.text!r}")
        elif (v2["text"], v2["conversation"]) != (said.text, said.conversation):
            self.complain("lost", f"{where}: {id} says {v2['text']!r} in V2")
        elif (said.version == 2) != (v2.get("urgent") is True):
            # V1 has no word for it: it must have come through all the same.
            self.complain("lost", f"{where}: {id} is urgent: {v2.get('urgent')}")


async def _bodies(program: Child, conversations: Sequence[Conversation]) -> Any:
    for page in _pages(conversations):
        answer = await program.ask("read", conversations=[one.ids for one in page])
        yield page, [body.encode() for body in answer["bodies"]]
        await asyncio.sleep(0)


def _pages(conversations: Sequence[Conversation]) -> Iterator[Sequence[Conversation]]:
    for start in range(0, len(conversations), PAGE):
        yield conversations[start : start + PAGE]


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()
