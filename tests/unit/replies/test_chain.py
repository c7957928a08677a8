"""When the rules answer for a responder that failed, and when the turn is tried again."""

from __future__ import annotations

import pytest

from colloquy.model.errors import ModelFailed
from colloquy.model.reply import Reply
from colloquy.model.turn import Turn
from colloquy.replies.chain import Chain
from unit.replies.test_handlers import turn


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    async def respond(self, turn: Turn) -> list[Reply] | None:
        self.asked += 1
        raise self.error


PASSING = ModelFailed("away", reason="server_error")
LASTING = ModelFailed("no", reason="refused", lasting=True)


@pytest.mark.parametrize(
    ("error", "patience", "attempt", "again"),
    [
        (PASSING, 0, 1, False),
        (PASSING, 4, 1, True),
        (PASSING, 4, 4, True),
        (PASSING, 4, 5, False),
        (LASTING, 4, 1, False),
    ],
)
async def test_failures(error: ModelFailed, patience: int, attempt: int, again: bool) -> None:
    chain = Chain(Failing(error), is_on=lambda _: True, patience=patience)
    wanted = turn()
    wanted.attempt = attempt
    if again:
        with pytest.raises(ModelFailed):
            await chain.respond(wanted)
    else:
        assert await chain.respond(wanted) is None


async def test_a_mistake_of_a_responder_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        await Chain(Failing(ZeroDivisionError()), is_on=lambda _: True).respond(turn())


async def test_off_is_not_asked() -> None:
    first = Failing(PASSING)
    assert await Chain(first, is_on=lambda _: False).respond(turn()) is None
    assert first.asked == 0
