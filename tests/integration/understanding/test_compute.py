"""Real compute processes: order, crashes, time-outs, the parent's death."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from colloquy.model.errors import InvalidInput, Unavailable
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding.compute import ComputeCrashed, ComputePool
from colloquy.understanding.inline import InlineCompute
from colloquy.understanding.loading import load_analyser
from colloquy.understanding.wire import Item

NOW = 1_795_273_200_000_000
WAIT_S = 60.0


def items(*texts: str) -> list[Item]:
    return [Item(text, NOW, None) for text in texts]


BIG = items(*["tomorrow at 5pm for $5 " * 300] * 64)
"""A batch that keeps a process busy for seconds: long enough to act on it meanwhile."""


@pytest.fixture
async def pool() -> AsyncIterator[ComputePool]:
    pool = ComputePool(1, PROPERTY_PACK, PROPERTY_MODEL, backoff_s=0.01)
    await pool.start()
    yield pool
    await pool.stop()


def pid_of(pool: ComputePool) -> int:
    pid = pool.stats()["processes"][0]["pid"]
    assert isinstance(pid, int)
    return pid


def is_running(pid: int) -> bool:
    """False for a process that ended, also while nobody has waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def ended(pid: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while is_running(pid):  # noqa: ASYNC110 - another process's end is no event here
            await asyncio.sleep(0.01)


async def test_the_same_results_as_inline_in_order(pool: ComputePool) -> None:
    inline = InlineCompute(load_analyser(PROPERTY_PACK, PROPERTY_MODEL))
    await inline.start()
    batches = [
        items("hello", f"call me at +1 415 555 26{number:02}", f"{number} bedrooms", "\u0000 😀")
        for number in range(30)
    ]
    results = await asyncio.gather(*[pool.analyse(batch) for batch in batches])
    for batch, result in zip(batches, results, strict=True):
        expected = await inline.analyse(batch)
        assert [found.raw for found in result] == [found.raw for found in expected]
    assert pool.version == inline.version
    stats = pool.stats()
    assert (stats["batches"], stats["items"], stats["restarts"]) == (30, 120, 0)
    assert stats["busy_s"] > 0
    assert stats["counters"]["entities_ns"] > 0
    assert (stats["counters"]["felt"], stats["errors"]) == (120, {})
    assert inline.stats()["items"] == 120
    (unfelt,) = await pool.analyse([replace(items("I am frustrated")[0], feels=False)])
    assert b"enable_emotional_intelligence" in unfelt.raw
    assert await pool.analyse([]) == []


async def test_batches_are_spread_over_the_processes() -> None:
    pool = ComputePool(2)
    await pool.start()
    try:
        await asyncio.gather(*[pool.analyse(items("hi") * 10) for _ in range(20)])
        assert all(child["batches"] > 0 for child in pool.stats()["processes"])
    finally:
        await pool.stop()


async def test_a_killed_process_fails_only_the_batch_in_it(pool: ComputePool) -> None:
    victim = asyncio.create_task(pool.analyse(BIG))
    behind = [asyncio.create_task(pool.analyse(items("hello", str(n)))) for n in range(5)]
    await asyncio.sleep(0)  # all are sent or waiting; the process needs seconds for the first
    os.kill(pid_of(pool), signal.SIGKILL)
    with pytest.raises(ComputeCrashed) as caught:
        await victim
    assert caught.value.code == "compute_crashed"
    for results in await asyncio.gather(*behind):
        assert results[0].intent == "greet"
    assert (await pool.analyse(items("bye")))[0].intent == "goodbye"
    stats = pool.stats()
    assert (stats["restarts"], stats["crashed_batches"], stats["batches"]) == (1, 1, 6)


async def test_an_idle_process_that_dies_is_replaced(pool: ComputePool) -> None:
    before = pid_of(pool)
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(WAIT_S):
        while pool.stats()["restarts"] == 0:  # noqa: ASYNC110 - seen by the pool's own task
            await asyncio.sleep(0.01)
    assert (await pool.analyse(items("hello")))[0].intent == "greet"
    assert pid_of(pool) != before


async def test_a_process_that_does_not_answer_is_killed() -> None:
    pool = ComputePool(1, timeout_s=0.3, backoff_s=0.01)
    await pool.start()
    try:
        stuck = pid_of(pool)
        os.kill(stuck, signal.SIGSTOP)
        with pytest.raises(ComputeCrashed, match="did not answer"):
            await pool.analyse(items("hello"))
        await ended(stuck)
    finally:
        await pool.stop()


async def test_a_batch_that_finds_no_free_process_gives_up() -> None:
    pool = ComputePool(1, timeout_s=0.2, depth=1)
    await pool.start()
    try:
        os.kill(pid_of(pool), signal.SIGSTOP)
        first, second = await asyncio.gather(
            pool.analyse(items("a")), pool.analyse(items("b")), return_exceptions=True
        )
        assert isinstance(first, ComputeCrashed)
        assert isinstance(second, Unavailable)
    finally:
        await pool.stop()


async def test_a_caller_that_goes_away_costs_nobody_else(pool: ComputePool) -> None:
    gone = asyncio.create_task(pool.analyse(items("hello")))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await pool.analyse(items("bye")))[0].intent == "goodbye"


async def test_interrupts_of_the_group_do_not_end_it(pool: ComputePool) -> None:
    pid = pid_of(pool)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)
    assert (await pool.analyse(items("hello")))[0].intent == "greet"
    assert pid_of(pool) == pid


async def test_stop_ends_the_processes_and_fails_what_is_left() -> None:
    pool = ComputePool(1, PROPERTY_PACK, PROPERTY_MODEL)
    await pool.start()
    pid = pid_of(pool)
    left = asyncio.create_task(pool.analyse(BIG))
    await asyncio.sleep(0)
    await pool.stop()
    with pytest.raises(Unavailable):
        await left
    assert not is_running(pid)
    with pytest.raises(Unavailable):
        await pool.analyse(items("hi"))


async def test_a_wrong_pack_is_reported_at_the_start(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("name = 'x'\nregion = 'nowhere'\n")
    with pytest.raises(InvalidInput) as caught:
        await ComputePool(2, bad).start()
    assert caught.value.field == "region"


async def test_children_die_with_the_parent() -> None:
    """The parent is killed, so nothing of it can clean up."""
    script = (
        "import asyncio, json\n"
        "from colloquy.understanding.compute import ComputePool\n"
        "async def main():\n"
        "    pool = ComputePool(2)\n"
        "    await pool.start()\n"
        "    pids = [child['pid'] for child in pool.stats()['processes']]\n"
        "    print(json.dumps(pids), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = json.loads(await asyncio.wait_for(parent.stdout.readline(), WAIT_S))
    assert all(is_running(pid) for pid in pids)
    parent.kill()
    await parent.wait()
    for pid in pids:
        await ended(pid)


def test_the_child_imports_only_what_it_needs() -> None:
    """Its start must stay far below half a second."""
    script = "import sys, colloquy.understanding.compute_child; print('\\n'.join(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    loaded = {name.partition(".")[0] for name in output.split()}
    heavy = {"sklearn", "scipy", "litestar", "sqlalchemy", "alembic", "dateparser", "phonenumbers"}
    assert loaded & heavy == set()


def test_a_server_with_a_pool_loads_nothing_that_understands() -> None:
    script = "import sys, colloquy.server.run; print('\\n'.join(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    room = "colloquy.understanding"
    assert {f"{room}.{name}" for name in ("analyse", "loading", "entities.extract")}.isdisjoint(
        output.split()
    )
