"""A rollback while others write: nothing outside its scope changes, nothing of theirs is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from colloquy import Colloquy
from colloquy.ledger.merge import ConflictPolicy
from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.scope import Scope
from colloquy.storage.store import Store
from support.engine import running
from support.ledger import carried_out, filled, ledger_on
from support.storage import Place


async def test_other_writers_lose_nothing_and_their_changes_are_conflicts(store: Store) -> None:
    ledger = ledger_on(store)
    ledger._executor.tools.sleep = lambda _: asyncio.sleep(0)
    await filled(ledger, count=120)
    await filled(ledger, "notes", count=20)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    for index in range(120):
        await ledger.put("prices", f"k{index}", index * 3, "import")
    request = Request(
        point=point.id,
        scope=Scope(collections=("prices",)),
        on_conflict=ConflictPolicy.SKIP,
        strategy="gradual",
        batch_size=3,
        pause_s=0.01,
    )
    operation = await ledger.start(request, "ann")
    stop = asyncio.Event()
    wrote: dict[tuple[str, str], int] = {}

    async def write(first: int) -> None:
        """Changes records of its own, in the scope and outside, until the rollback is over."""
        number = 0
        while not stop.is_set():
            number += 1
            for collection, key in (
                ("prices", f"k{first + 3 * (number % 13)}"),
                ("notes", f"k{first}"),
            ):
                wrote[collection, key] = first * 100_000 + number
                await ledger.put(collection, key, wrote[collection, key], f"writer {first}")
            await asyncio.sleep(0.001)

    writers = [asyncio.create_task(write(first)) for first in (0, 1, 2)]
    done = await ledger.run(operation.id)
    stop.set()
    await asyncio.gather(*writers)

    assert done.status == "completed"
    # Outside the scope, and where somebody wrote last, there is what was written last.
    assert await ledger.history.values(wrote) == wrote
    # The rest is as it was: at each record either the rollback or a writer came last.
    untouched = {f"k{index}" for index in range(120)} - {
        key for name, key in wrote if name == "prices"
    }
    now = await ledger.history.values([("prices", key) for key in untouched])
    assert {key: value["amount"] for (_, key), value in now.items()} == {
        key: int(key[1:]) for key in untouched
    }
    skipped = (await ledger.operations.items(done, None, 500, "skipped")).rows
    conflicts = (await ledger.operations.conflicts(None, 500)).rows
    assert {item.key for item in skipped} == {row.key for row in conflicts}
    assert {item.key for item in skipped} <= {key for name, key in wrote if name == "prices"}
    assert done.figures().skipped == len(skipped)


async def test_conversations_go_on_while_one_of_them_is_rolled_back(place: Place) -> None:
    app = Colloquy()

    @app.on_message
    def answer(turn: Any) -> str:
        turn.state["count"] = turn.state.get("count", 0) + 1
        return f"{turn.state['count']}"

    where = Path(place.where) if place.engine == "sqlite" else place.where
    async with running(app, where) as talk:
        ledger = ledger_on(talk.runtime.store, talk.runtime.collections["session_state"])
        await talk.send("x", who="ann")
        point = await ledger.create_point(NewPoint(name="before"), "op")
        for _ in range(3):
            await talk.send("x", who="ann")
        others = [f"other-{index}" for index in range(8)]

        async def talks(who: str) -> list[str | None]:
            return [(await talk.send("x", who=who))[0] for _ in range(6)]

        busy = [asyncio.create_task(talks(who)) for who in others]
        scope = Scope(sessions=(talk.conversation_id("ann"),))
        operation = await ledger.start(Request(point=point.id, scope=scope), "op")
        done = await carried_out(ledger, operation.id)
        said = await asyncio.gather(*busy)
        assert done.status == "completed"
        assert said == [["1", "2", "3", "4", "5", "6"]] * len(others)
        assert await talk.send("x", who="ann") == ["2"]
