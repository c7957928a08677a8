"""Batches of an import: their bounds, and patience with a busy engine."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy.cli import sending
from colloquy.cli.checkpoint import Checkpoint
from colloquy.cli.sending import Imported, _offer, send
from colloquy.formats import Item, Problem
from colloquy.model.errors import InvalidInput, Overloaded, Unavailable
from colloquy.model.message import Message
from colloquy.model.views import MessageState, Receipt

NOWHERE = Checkpoint(None, "")


class Busy(sending.Local):
    """Refuses as often as told, then takes everything; remembers the sizes of what it was given."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.sizes: list[int] = []

    async def import_messages(self, messages: Any) -> list[Any]:
        if self.refusals:
            raise self.refusals.pop(0)
        self.sizes.append(len(messages))
        return [Receipt(f"{one.id}", "c", "stored") for one in messages]

    async def message(self, message_id: str) -> MessageState:
        return MessageState(message_id, "done")


def items(count: int, length: int = 10) -> list[Item]:
    return [
        Item(number, Message(conversation="ana", id=str(number), text="x" * length))
        for number in range(1, count + 1)
    ]


async def test_batches_are_bounded_by_number_and_by_size() -> None:
    target, result, moved = Busy(), Imported(format="jsonl"), []
    await send(target, items(1200), result, NOWHERE, moved.append)
    assert target.sizes == moved == [500, 500, 200]
    assert (result.messages, result.stored) == (1200, 1200)

    target = Busy()
    await send(
        target, items(5, length=1024 * 1024), Imported(format="jsonl"), NOWHERE, moved.append
    )
    assert target.sizes == [2, 2, 1]


async def test_a_busy_engine_is_asked_again() -> None:
    target = Busy(Overloaded("busy", retry_after_s=0.001), Unavailable("away", retry_after_s=0.001))
    result = Imported(format="jsonl")
    await _offer(target, items(3), result)
    assert (target.sizes, result.stored) == ([3], 3)


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PATIENCE_S", 0.01)
    with pytest.raises(Unavailable):
        await _offer(Busy(Unavailable("away")), items(1), Imported(format="jsonl"))
    with pytest.raises(InvalidInput):
        await _offer(Busy(InvalidInput("no")), items(1), Imported(format="jsonl"))


async def test_problems_are_counted_and_only_some_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sending, "SHOWN_PROBLEMS", 2)
    monkeypatch.setattr(sending, "KEPT_PROBLEMS", 3)
    result = Imported(format="jsonl")
    bad = [Problem(number, "invalid_input", "no", "text") for number in range(5)]
    await send(Busy(), bad, result, NOWHERE, lambda count: None)
    assert (result.bad_rows, len(result.problems)) == (5, 3)
    assert capsys.readouterr().err.splitlines() == [
        "line 0: invalid_input: text: no",
        "line 1: invalid_input: text: no",
    ]
