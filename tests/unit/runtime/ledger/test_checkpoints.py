"""Automatic points: asked for without waiting, made one by one, harmless where they fail."""

from __future__ import annotations

import pytest

from colloquy.model.errors import StoreUnavailable
from colloquy.runtime.ledger import checkpoints
from colloquy.runtime.ledger.checkpoints import Checkpoints

ANN, BEN = b"a" * 16, b"b" * 16


class Made:
    """Points by conversation; the first attempts fail."""

    def __init__(self, failures: int = 0) -> None:
        self.points: list[tuple[str, str, str]] = []
        self.failures = failures

    async def __call__(self, conversation: str, actor: str, name: str) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the disk is full")
        self.points.append((conversation, actor, name))


async def test_one_for_each_conversation_named_by_its_newest_owner() -> None:
    made = Made()
    wanted = Checkpoints(made, is_on=True)
    wanted.passed(ANN, "human", "engine")
    wanted.passed(BEN, "team", "engine")
    wanted.passed(ANN, "assistant", "key:1")
    assert made.points == [], "it is asked for, and nobody waits"
    await wanted.settle()
    assert made.points == [
        (ANN.hex(), "key:1", "given back to the assistant"),
        (BEN.hex(), "engine", "handed over to a team"),
    ]
    await wanted.settle()
    assert len(made.points) == 2


async def test_one_that_fails_keeps_nobody_from_his() -> None:
    made = Made(failures=1)
    wanted = Checkpoints(made, is_on=True)
    wanted.passed(ANN, "human", "engine")
    wanted.passed(BEN, "human", "engine")
    await wanted.settle()
    assert [conversation for conversation, _, _ in made.points] == [BEN.hex()]


async def test_a_flood_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "MAX_WAITING", 1)
    made = Made()
    wanted = Checkpoints(made, is_on=True)
    wanted.passed(ANN, "human", "engine")
    wanted.passed(BEN, "human", "engine")
    wanted.passed(ANN, "agent", "engine")
    await wanted.settle()
    assert made.points == [(ANN.hex(), "engine", "handed over to an agent")]
