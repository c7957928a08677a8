"""What the torture sends: conversations with everything that goes wrong at real front doors.

All of it follows from the seed: texts, kinds, repeats, sequences out of order, bad messages. Only
when it is sent, and how often it must be sent again, is up to the run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from ..model import ids
from ..model.message import MAX_TEXT
from .dialogue import make_text

ACCOUNT = "torture"

KINDS = {
    "plain": 0.80,
    "slow": 0.05,
    "transient": 0.05,
    "once": 0.04,
    "later": 0.03,
    "sick": 0.015,
    "poison": 0.015,
}
"""Share of each kind of message; `assistant` says what it does with each."""
REPEATS = 0.10
"""Share of messages that the client sends again on purpose, half of them at the same moment."""
SWAPS = 0.10
"""Share of numbered messages whose successor is sent before them."""
SKIPS = 0.002
"""Share of numbers that are never used: the gap has to time out."""
BURSTS = 0.04
"""Share of messages that come as the first of a burst in one request."""
BAD = 0.03
"""Messages that must be refused, per good one."""
STREAMED = 0.5
"""Share of conversations whose client numbers its messages."""


class Item(Struct, frozen=True):
    """One thing to send. `body` is the JSON of one message."""

    message_id: str
    conversation_id: str
    body: bytes
    stream: str | None = None
    sequence: int | None = None
    kind: str = "plain"
    must_refuse: bool = False
    at_once: bool = False
    """A repeat that is sent on a second connection at the same moment."""

    @property
    def answered(self) -> bool:
        return not self.must_refuse

    @property
    def timers(self) -> int:
        return 1 if self.kind == "later" else 0


Step = list[Item]
"""What is sent in one request; the next step waits until all of it was receipted or refused."""


class Script(Struct, frozen=True):
    """One conversation from its client's side."""

    conversation_id: str
    key: str
    steps: list[Step]

    def items(self) -> int:
        """How many things it sends, repeats and bad ones included."""
        return sum(len(step) for step in self.steps)


def scripts(seed: int) -> Iterator[Script]:
    """Conversations without end, the same for the same seed."""
    number = 0
    while True:
        yield _script(random.Random(f"{seed}/{number}"), f"{seed}-{number}")
        number += 1


def _script(chance: random.Random, key: str) -> Script:
    writer = _Writer(chance, key)
    # Mostly short, a few long: the long ones are what a busy group looks like.
    size = chance.randint(60, 120) if chance.random() < 0.03 else chance.randint(3, 24)
    steps: list[Step] = []
    while len(steps) < size:
        if chance.random() < BURSTS:
            steps.append([writer.message() for _ in range(chance.randint(2, 12))])
        elif writer.streamed and chance.random() < SWAPS:
            first, second = writer.message(), writer.message()
            steps += [[second], [first]]
        else:
            steps.append([writer.message()])
        if chance.random() < REPEATS:
            again = chance.choice(writer.sent)
            newest = steps[-1][-1]
            if chance.random() < 0.5:
                steps[-1].append(msgspec.structs.replace(newest, at_once=True))
            else:
                steps.append([again])
        if chance.random() < BAD:
            steps.append([writer.bad()])
    return Script(writer.conversation.hex(), key, steps)


class _Writer:
    """Makes the messages of one conversation."""

    def __init__(self, chance: random.Random, key: str) -> None:
        self.chance = chance
        self.key = key
        self.conversation = ids.conversation_id("api", ACCOUNT, key)
        self.streamed = chance.random() < STREAMED
        self.sent: list[Item] = []
        self._numbers = dict.fromkeys(("tab", "phone") if chance.random() < 0.3 else ("tab",), 0)
        self._count = 0

    def message(self) -> Item:
        """The next good message."""
        chance = self.chance
        kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
        order: dict[str, Any] = {"kind": kind}
        if kind == "slow":
            order["seconds"] = round(chance.uniform(0.03, 0.8), 3)
        elif kind == "transient":
            order["failures"] = chance.randint(1, 2)
        elif kind == "later":
            order["seconds"] = round(chance.uniform(0.1, 3), 3)
        fields: dict[str, Any] = {"text": make_text(chance), "metadata": {"torture": order}}
        stream: str | None = None
        sequence: int | None = None
        # Some messages of a client that numbers come without a number, from another device.
        if self.streamed and chance.random() < 0.9:
            stream = chance.choice(list(self._numbers))
            self._numbers[stream] += 2 if chance.random() < SKIPS else 1
            sequence = self._numbers[stream]
            fields |= {"stream": stream, "sequence": sequence}
        item = self._item(fields, stream=stream, sequence=sequence, kind=kind)
        self.sent.append(item)
        return item

    def bad(self) -> Item:
        """A message that must be refused, for one of many reasons."""
        chance = self.chance
        text = make_text(chance)
        reason = chance.choice(("reused", *_BAD)) if self.sent else chance.choice(list(_BAD))
        if reason == "reused":
            # The id of a message that was sent before, with another text.
            twin = chance.choice(self.sent)
            fields = msgspec.json.decode(twin.body)
            return Item(
                twin.message_id,
                twin.conversation_id,
                msgspec.json.encode(fields | {"text": f"{fields['text']}!"}),
                kind=reason,
                must_refuse=True,
            )
        if reason == "surrogate":
            item = self._item({"text": "half: <>"}, kind=reason, must_refuse=True)
            return msgspec.structs.replace(item, body=item.body.replace(b"<>", b"\\ud83d"))
        return self._item({"text": text, **_BAD[reason]}, kind=reason, must_refuse=True)

    def _item(
        self,
        fields: dict[str, Any],
        *,
        stream: str | None = None,
        sequence: int | None = None,
        kind: str,
        must_refuse: bool = False,
    ) -> Item:
        self._count += 1
        identity = f"m{self._count}"
        message = {"conversation": self.key, "account": ACCOUNT, "id": identity, **fields}
        return Item(
            ids.message_id(self.conversation, identity).hex(),
            self.conversation.hex(),
            msgspec.json.encode(message),
            stream,
            sequence,
            kind,
            must_refuse,
        )


_BAD: dict[str, dict[str, Any]] = {
    "empty": {"text": None},
    "mistyped": {"text": 7},
    "unknown_field": {"txet": "typo"},
    "oversized": {"text": "x" * (MAX_TEXT + 1)},
    "version": {"version": "9"},
    "half_a_sequence": {"sequence": 1},
    "no_zone": {"sent_at": "2026-01-31T10:00:00"},
    "surrogate": {},
}
"""Reasons to be refused, with the fields that make them."""
