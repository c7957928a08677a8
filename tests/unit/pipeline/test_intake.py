"""What the scheduler is shown of a shared inbox, while others write into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from colloquy.pipeline import intake
from colloquy.pipeline.intake import Intake
from colloquy.pipeline.scheduler import Scheduler
from colloquy.storage.store import InboxHeader
from support.inbox import START, header


class Inbox:
    """The table as other processes leave it: rows appear between two reads."""

    shared = True

    def __init__(self, rows: list[InboxHeader]) -> None:
        self.rows = rows
        self.reads = 0
        self.after_read: Callable[[int], None] = lambda read: None

    async def inbox_headers(self, after: int, limit: int) -> list[InboxHeader]:
        found = sorted((row for row in self.rows if row.id > after), key=lambda row: row.id)
        self.reads += 1
        self.after_read(self.reads)
        return found[:limit]

    async def hold_leases(self, owner: str, lease_s: float) -> dict[int, int]:
        return {0: 1, 1: 1, 2: 1}

    def draining(self, owner: str) -> frozenset[int]:
        return frozenset()


async def started(inbox: Inbox, **options: Any) -> Intake:
    scheduler = Scheduler(streams=lambda conversation: {}, **options)
    made = Intake(
        inbox,  # type: ignore[arg-type]
        scheduler,
        name="w",
        lease_s=1,
        wake=asyncio.Event(),
        lost=lambda: None,
        clock=lambda: START,
    )
    await made.start()
    return made


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "PAGE", 4)


async def read_all(made: Intake) -> None:
    while made.is_behind:
        await made.read()


async def test_a_row_that_appears_in_a_page_read_already_is_not_overtaken() -> None:
    """Its number was given out before that page was read, its transaction ended after."""
    inbox = Inbox([header(number, b"p") for number in (1, 2, 4, 5)])

    def appear(read: int) -> None:
        if read == 1:
            inbox.rows += [header(3, b"q"), header(9, b"q")]

    inbox.after_read = appear
    made = await started(inbox)
    order: list[int] = []
    while made.is_behind or len(made.scheduler):
        await made.read()
        for bundle in made.scheduler.take(99, START):
            order += [item.id for item in bundle.headers if item.conversation == b"q"]
            made.scheduler.finish(bundle.conversation, [i.id for i in bundle.headers], START)
            inbox.rows = [row for row in inbox.rows if row not in bundle.headers]
        if inbox.rows:
            made.look()
    assert order == [3, 9]


async def test_rows_of_other_workers_do_not_hide_our_own() -> None:
    others = [header(number, b"c") for number in range(1, 60)]
    mine = [header(number, b"a") for number in range(60, 70)]
    assert others[0].partition not in (0, 1, 2)
    inbox = Inbox(others + mine)
    made = await started(inbox)
    await read_all(made)
    assert len(made.scheduler) == 10


async def test_it_reads_no_more_than_the_scheduler_holds_and_goes_on_later() -> None:
    inbox = Inbox([header(number, bytes([97 + number % 2])) for number in range(1, 41)])
    made = await started(inbox, capacity=12)
    inbox.rows = [row for row in inbox.rows if row.partition in (0, 1, 2)]
    total = len(inbox.rows)
    done = 0
    while made.is_behind or len(made.scheduler):
        await made.read()
        assert len(made.scheduler) <= 12 + 4 + 4
        for bundle in made.scheduler.take(99, START):
            numbers = [item.id for item in bundle.headers]
            done += len(numbers)
            inbox.rows = [row for row in inbox.rows if row.id not in numbers]
            made.scheduler.finish(bundle.conversation, numbers, START)
    assert done == total
