"""The order in which an export takes conversations while they go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from colloquy.cli.exporting import OutFormat, Wanted, _conversations
from colloquy.model.views import ConversationView


def view(number: int, active: int, created: int = 0) -> ConversationView:
    return ConversationView(
        conversation_id=f"{number:032x}",
        channel="api",
        account="default",
        conversation=str(number),
        thread="",
        status="open",
        owner="assistant",
        last_seq=1,
        created_at=f"2026-01-01T00:00:{created:02}.000000Z",
        updated_at=f"2026-01-01T00:00:{active:02}.000000Z",
        unread=False,
        read_seq=0,
    )


class Moving:
    """A list, newest activity first, in which something happens after each row that is read."""

    def __init__(self, rows: list[ConversationView], happens: list[ConversationView]) -> None:
        self.rows = rows
        self.happens = happens
        self.passes = 0

    async def conversations(self, limit: int) -> AsyncIterator[ConversationView]:
        self.passes += 1
        below = "9999"
        while True:
            left = sorted(
                (row for row in self.rows if row.updated_at < below),
                key=lambda row: row.updated_at,
                reverse=True,
            )
            if not left:
                return
            below = left[0].updated_at
            yield left[0]
            if self.happens:
                change = self.happens.pop(0)
                self.rows = [
                    row for row in self.rows if row.conversation_id != change.conversation_id
                ] + [change]


async def exported(target: Any) -> list[str]:
    wanted = Wanted(format=OutFormat.JSONL)
    return [found.conversation async for found in _conversations(target, wanted)]


async def test_one_that_moves_up_is_not_missed_and_none_comes_twice() -> None:
    rows = [view(1, 30), view(2, 20), view(3, 10)]
    moving = Moving(rows, [view(3, 40), view(1, 41)])
    assert await exported(moving) == ["1", "2", "3"]


async def test_what_begins_later_waits_for_the_next_export() -> None:
    moving = Moving([view(1, 30), view(2, 20)], [view(9, 50, created=50)])
    assert await exported(moving) == ["1", "2"]
    assert moving.passes == 2


async def test_nothing_is_nothing() -> None:
    assert await exported(Moving([], [])) == []
