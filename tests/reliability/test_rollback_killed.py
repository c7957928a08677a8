"""SIGKILL in the middle of a gradual rollback: the next process goes on where it stood."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.storage.store import Store
from support.ledger import changed_at_random, filled, ledger_on
from support.storage import Place

TESTS = Path(__file__).parents[1]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place("sqlite", str(tmp_path / "colloquy.db"))
    return Place("postgres", request.getfixturevalue("postgres_url"))


async def killed_after(place: Place, operation: str, batches: int) -> int:
    """Runs the operation in another process and kills it once so many batches are committed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.rollback_child", place.engine, place.where, operation,
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    assert child.stdout is not None
    seen = 0
    async with asyncio.timeout(120):
        while seen < batches:
            line = await child.stdout.readline()
            assert line, "the child ended by itself"
            seen += line == b"rollback-progress\n"
    child.send_signal(signal.SIGKILL)
    await child.wait()
    return seen


@pytest.mark.parametrize("batches", [1, 4])
async def test_a_killed_rollback_ends_in_the_same_state(where: Place, batches: int) -> None:
    store = where.store()
    await store.open()
    ledger = ledger_on(store)
    await filled(ledger, count=80)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    checksum = await ledger.history.checksum()
    await changed_at_random(ledger, 200, random.Random(batches), keys=100)
    request = Request(point=point.id, strategy="gradual", batch_size=10, pause_s=0.2)
    operation = await ledger.start(request, "ann")
    await ledger.operations.release(operation)
    await store.close()

    await killed_after(where, operation.id, batches)

    store = where.store()
    await store.open()
    try:
        await _go_on(store, operation.id, checksum, batches)
    finally:
        await store.close()


async def _go_on(store: Store, operation: str, checksum: str, batches: int) -> None:
    ledger = ledger_on(store)
    found = await ledger.operations.get(operation)
    assert found.status == "in_progress"
    done = found.figures().done
    assert done >= 10 * batches and done < found.total
    head = await ledger.history.head()
    if store.shared:  # its lease still runs: this process has to wait for the end of it
        late = ledger.clock() + 31_000_000
        ledger.operations._clock = lambda: late
    ended = await ledger.run(operation)
    assert (ended.status, ended.error) == ("completed", None)
    assert await ledger.history.checksum() == checksum
    # What the killed process had restored was not written a second time.
    left = ended.figures().applied - found.figures().applied
    assert await ledger.history.head() == head + left
