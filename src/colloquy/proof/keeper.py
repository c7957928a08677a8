"""The server's keeper: starts it again whenever it is gone, and is the one who does it harm."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from . import faults
from .faults import Kind
from .server import Server

ORPHANS_S = 20.0
"""A compute process must have noticed by then that its server is gone, on a busy machine too."""


class Keeper:
    """Keeps one server running through everything that it does to it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.up = asyncio.Event()
        """There is a server process, ready or not."""
        self.serving = asyncio.Event()
        """It answers."""
        self.done: Counter[str] = Counter()
        """Faults that really happened, by kind."""
        self.wrong: Counter[str] = Counter()
        """What a server must not do: end by itself, not come up, leave processes behind."""
        self.remarks: list[str] = []
        self.recovered_s: list[float] = []
        """Each time from a launch to a server that is ready."""

    async def keep_running(self) -> None:
        """Starts the server again whenever it is gone: what a supervisor does."""
        while True:
            launched = time.perf_counter()
            await self._server.launch()
            self.up.set()
            assert self._server.process is not None
            ending = asyncio.create_task(self._server.process.wait())
            ready = asyncio.create_task(self._server.ready())
            await asyncio.wait([ready])
            if ready.exception() is None:
                self.serving.set()
                self.recovered_s.append(time.perf_counter() - launched)
            elif self._server.is_running:
                self.wrong["never_ready"] += 1
                self.remarks.append(str(ready.exception()))
                self._server.kill_group()
            code = await ending
            self.up.clear()
            self.serving.clear()
            self._server.pool.close()
            if code != -signal.SIGKILL:
                self.wrong["crashes"] += 1
                self.remarks.append(f"exit code {code}:\n{self._server.last_words()}")
                await asyncio.sleep(0.2)
            await self._bury_orphans()

    async def _bury_orphans(self) -> None:
        deadline = time.monotonic() + ORPHANS_S
        while left := self._server.remains():
            if time.monotonic() > deadline:
                self.wrong["orphans"] += len(left)
                self._server.kill_group()
            await asyncio.sleep(0.02)

    async def harm(self, seed: int, over: asyncio.Event) -> None:
        """Carries out the schedule of this seed until it is over."""
        chance = random.Random(f"harm/{seed}")
        for fault in faults.schedule(seed):
            try:
                async with asyncio.timeout(fault.after_s):
                    await over.wait()
                    return
            except TimeoutError:
                pass  # its time has come
            await self._do(fault, chance)

    async def _do(self, fault: faults.Fault, chance: random.Random) -> None:
        server = self._server
        # A kill may hit a server that is just starting; a lock would only delay it.
        starts = self.up if fault.kind in (Kind.KILL_SERVER, Kind.KILL_GROUP) else self.serving
        await starts.wait()
        match fault.kind:
            case Kind.KILL_SERVER:
                happened = server.kill_server()
            case Kind.KILL_GROUP:
                happened = server.kill_group()
            case Kind.KILL_COMPUTE:
                happened = server.kill_compute(chance.randrange(8))
            case Kind.PAUSE:
                happened = server.pause()
                await asyncio.sleep(fault.seconds)
                server.go_on()
            case Kind.LOCK:
                async with self._locked(fault.seconds) as happened:
                    pass
            case Kind.LOCK_AND_KILL:
                async with self._locked(fault.seconds) as happened:
                    await asyncio.sleep(fault.seconds / 2)
                    server.kill_group()
        if happened:
            self.done[fault.kind] += 1

    @asynccontextmanager
    async def _locked(self, seconds: float) -> AsyncIterator[bool]:
        """The database is locked in the block, and until the seconds are over. Gives whether."""
        holder = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "colloquy.proof.lock"),
            *(self._server.database_url, str(seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert holder.stdout is not None
        try:
            yield (await holder.stdout.readline()) == b"locked\n"
        finally:
            await holder.wait()
