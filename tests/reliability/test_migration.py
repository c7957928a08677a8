"""A table of messages is moved while it is in use: the backfill is killed again and again, both
formats are written live, and either write is made to fail. Nothing is lost, and every mismatch that
was injected is found and repaired."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from colloquy.evolution.migration import (
    DualWriter,
    Gates,
    Plan,
    Stage,
    Stages,
    Tables,
    Written,
    drain,
    figures_of,
    reconcile,
    verify,
)
from colloquy.model.errors import MigrationNotReady
from colloquy.storage.memory import MemoryStore
from support.migration import (
    COLUMNS,
    accept_again,
    both,
    make_old_table,
    old_row,
    plan_at,
    refuse,
    run,
    sqlite_url,
    v1,
    v2,
)

CHILD = Path(__file__).parents[1] / "support" / "migration_child.py"
OLD = 3000
KILLS = 5


def written_plan(folder: Path, plan: Plan) -> Path:
    lines = [f'url = "{plan.url}"', 'table = "chat"', "batch = 50"]
    if plan.v2_url is not None:
        lines.append(f'v2_url = "{plan.v2_url}"')
    lines += ["[columns]", f'conversation = "{COLUMNS.conversation}"']
    lines += [f'content = "{COLUMNS.content}"', f'metadata = "{COLUMNS.metadata}"']
    lines += [f'created_at = "{COLUMNS.created_at}"']
    path = folder / "plan.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


class Traffic:
    """Live messages in both formats; remembers what was accepted."""

    def __init__(self, writer: DualWriter, seed: int) -> None:
        self._writer = writer
        self._random = random.Random(seed)
        self._next = 100_000
        self.said: dict[int, str] = {}
        self.half: set[int] = set()

    async def some(self, count: int = 40) -> None:
        """New messages, and newer versions of old ones."""
        batch: list[dict[str, Any]] = []
        for number in range(self._next, self._next + count):
            make = v1 if self._random.random() < 0.5 else v2
            batch.append(make(number, f"live {number}"))
        self._next += count
        for number in self._random.sample(range(1, OLD), 5):
            batch.append(v1(number, f"edited {self._next}"))
        for message, answer in zip(batch, await self._writer.write(batch), strict=True):
            assert isinstance(answer, Written)
            self.said[int(message["id"])] = message.get("content") or message["text"]
            if not answer.both:
                self.half.add(int(message["id"]))
            else:
                self.half.discard(int(message["id"]))


@pytest.mark.parametrize("layout", ["one_database", "two_databases"])
async def test_nothing_is_lost_and_everything_is_found(tmp_path: Path, layout: str) -> None:
    url = sqlite_url(tmp_path)
    v2_url = None if layout == "one_database" else sqlite_url(tmp_path, "new.db")
    await make_old_table(url, [old_row(number) for number in range(1, OLD + 1)])
    plan = plan_at(url, v2_url=v2_url, batch=200, gates=Gates(compared=1000))
    store = MemoryStore()
    await store.open()
    try:
        async with Tables(plan) as tables:
            await _moved(tables, Stages.on(store, "chat", plan.gates), tmp_path)
    finally:
        await store.close()


async def _moved(tables: Tables, stages: Stages, folder: Path) -> None:
    chance = random.Random(7)
    plan = written_plan(folder, tables.plan)
    await stages.start("test", "chat")
    traffic = Traffic(DualWriter(tables, stages.stage), 7)
    v2_table = tables.current.label
    await refuse(tables.new, v2_table, "v2_fault", "NEW.id % 17 = 5")

    reached = 0
    for _ in range(KILLS):
        is_complete, reached = await _backfill(plan, traffic, reached, chance.randrange(1, 10))
        assert not is_complete
    is_complete, reached = await _backfill(plan, traffic, reached, None)
    assert is_complete and reached >= OLD
    assert traffic.half and all(number % 17 == 5 for number in traffic.half)
    with pytest.raises(MigrationNotReady):
        await stages.advance("test", await figures_of(tables))

    # Whatever the database refused is open in the ledger, and nothing else is.
    await verify(tables)
    refused = {number for number in range(1, OLD + 1) if number % 17 == 5}
    refused |= {number for number in traffic.said if number % 17 == 5}
    assert await _open(tables) == refused
    await accept_again(tables.new, v2_table, "v2_fault")
    await _repaired(tables, stages, traffic)
    assert (await stages.advance("test", await figures_of(tables))).stage is Stage.DUAL_V1

    # Behind everybody's back: edited, deleted, on either side.
    await run(tables.old, "UPDATE chat SET body = 'by hand' WHERE id IN (10, 20)")
    await run(tables.new, f"DELETE FROM {v2_table} WHERE id IN (30, 40)")
    await run(tables.old, "DELETE FROM chat WHERE id = 50")
    traffic.said |= {10: "by hand", 20: "by hand"}
    await verify(tables)
    assert await _open(tables) == {10, 20, 30, 40, 50}
    await _repaired(tables, stages, traffic)
    await stages.advance("test", await figures_of(tables))

    # V2 is primary: now writes to V1 fail.
    traffic = Traffic(DualWriter(tables, stages.stage), 8)
    traffic._next = 200_000
    await refuse(tables.old, "chat", "v1_fault", "NEW.id % 13 = 3")
    for _ in range(5):
        await traffic.some()
    assert traffic.half == {number for number in traffic.said if number % 13 == 3}
    await verify(tables)
    assert await _open(tables) == traffic.half
    await accept_again(tables.old, "chat", "v1_fault")
    await _repaired(tables, stages, traffic)
    assert (await stages.advance("test", await figures_of(tables))).stage is Stage.V2_ONLY


async def _backfill(
    plan: Path, traffic: Traffic, reached: int, batches: int | None
) -> tuple[bool, int]:
    """Runs the backfill beside live writes, and kills it after so many batches. It goes on behind
    the messages that were `reached`; returns whether it came to its end, and how far it came."""
    child = _child(plan)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "open\n"
        for seen, line in enumerate(child.stdout, 1):
            if line.startswith("complete"):
                return child.wait(60) == 0, reached
            assert int(line) > reached
            reached = int(line)
            if seen % 3 == 1:
                await traffic.some()
            if batches is not None and seen >= batches:
                return False, reached
        raise AssertionError("the backfill ended without a word")
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        child.wait(60)
        child.stdout.close()


def _child(plan: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(plan)], stdout=subprocess.PIPE, text=True
    )


async def _open(tables: Tables) -> set[int]:
    page = await tables.mismatches.page("open", 0, 10_000)
    assert page.next is None
    return {int(one.message) for one in page.mismatches}


async def _repaired(tables: Tables, stages: Stages, traffic: Traffic) -> None:
    """After a repair both tables hold the same, and all of it."""
    for _ in range(2):  # what waits in an outbox is due by then at the latest
        await _due(tables)
        done = await reconcile(tables, await stages.stage())
    assert done.left == 0
    found = await verify(tables)
    assert (found.mismatched, found.parity) == (0, 1.0)
    one, other = await both(tables)
    assert one == other
    assert set(range(1, OLD + 1)) <= one.keys() and traffic.said.keys() <= one.keys()
    assert {number: one[number]["content"] for number in traffic.said} == traffic.said
    assert await tables.mismatches.open() == 0 and await tables.waiting() == 0


async def _due(tables: Tables) -> None:
    if tables.is_shared:
        return
    for version, database in ((1, tables.old), (2, tables.new)):
        await run(database, f"UPDATE {tables.plan.prefix}v{version}_outbox SET due_at = 0")
        while (await drain(tables, version)).written:
            pass
