"""Processes that work on the tables, started again whenever they were killed."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ...model.errors import Unavailable
from . import mover, program

PATIENCE_S = 300.0
"""Nothing that is asked for takes longer, on a busy machine either."""
PAUSE_S = 0.05
WORK_S = 3600.0
LONGEST_S = 0.03
"""From a batch to the kill that follows it."""


class Child:
    """One program. `kills` counts those that met it while it was asked for something."""

    def __init__(self, plan: Path, database: Path, log: Path) -> None:
        self._arguments = (str(plan), str(database))
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._doom: float | None = None
        self._died: asyncio.Event = asyncio.Event()
        self.kills = 0

    async def ask(self, op: str, **request: Any) -> dict[str, Any]:
        """Its answer, asked for again by whoever comes after it where it died over it, or where
        the database was away. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = await self._once({"op": op, **request})
                if answer is not None and answer.get("error") != "store_unavailable":
                    return answer
                await asyncio.sleep(PAUSE_S)

    async def kill_over_a_write(self, after_s: float) -> None:
        """The next write is its last: killed so long after it was asked for. Returns once it is
        dead."""
        self._died.clear()
        self._doom = after_s
        await self._died.wait()

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            await self._reading

    async def _once(self, request: dict[str, Any]) -> dict[str, Any] | None:
        process = await self._running()
        number = next(self._numbers)
        waiter = self._asked[number] = asyncio.get_running_loop().create_future()
        assert process.stdin is not None
        try:
            process.stdin.write(msgspec.json.encode({**request, "n": number}) + b"\n")
            await process.stdin.drain()
        except OSError:
            self._asked.pop(number, None)
            return None
        if self._doom is not None and request["op"] == "write":
            after_s, self._doom = self._doom, None
            asyncio.get_running_loop().call_later(after_s, self._kill, process)
        try:
            answer: dict[str, Any] = await waiter
        except ConnectionError:
            return None
        finally:
            self._asked.pop(number, None)
        return answer

    def _kill(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            process.kill()
            self.kills += 1
        self._died.set()

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                with self._log.open("ab") as log:
                    self._process = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", program.__name__, *self._arguments),
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=log,
                        limit=program.LINE_LIMIT,
                    )
                assert self._process.stdout is not None
                if await self._process.stdout.readline() != b"open\n":
                    await self._process.wait()
                    words = self._log.read_text("utf-8", "replace")[-2000:]
                    raise Unavailable(f"the program does not start:\n{words}")
                self._reading = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            if not line.endswith(b"\n"):
                break  # torn: it died in the middle of an answer
            answer = msgspec.json.decode(line)
            waiter = self._asked.get(answer["n"])
            if waiter is not None and not waiter.done():
                waiter.set_result(answer)
        await process.wait()
        for waiter in self._asked.values():
            if not waiter.done():
                waiter.set_exception(ConnectionResetError("the program died"))


class Worker:
    """Does long work, one thing at a time."""

    def __init__(self, plan: Path, log: Path, chance: random.Random) -> None:
        self._plan = plan
        self._log = log
        self._chance = chance
        self._process: asyncio.subprocess.Process | None = None

    async def do(
        self,
        work: str,
        stage: str,
        *,
        kill_after: int | None = None,
        told: Callable[[int], None] = lambda done: None,
    ) -> dict[str, Any] | None:
        """What it did, or None where it was killed, within a moment after `kill_after` batches (0:
        after it has begun). Raises Unavailable where it fails."""
        process = await self._running()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{work} {stage}\n".encode())
        batches = 0
        async with asyncio.timeout(WORK_S):
            while line := await process.stdout.readline():
                word, _, rest = line.decode().partition(" ")
                if word == "complete":
                    found: dict[str, Any] = msgspec.json.decode(rest)
                    return found
                if word.strip() != "begun":
                    told(int(word))
                    batches += 1
                if kill_after is not None and batches >= kill_after:
                    # Not always between two batches.
                    await asyncio.sleep(self._chance.uniform(0, LONGEST_S))
                    await self.close()
                    return None
        await process.wait()
        words = self._log.read_text("utf-8", "replace")[-2000:]
        raise Unavailable(f"{work} ended with {process.returncode}:\n{words}")

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", mover.__name__, str(self._plan)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
        return self._process
