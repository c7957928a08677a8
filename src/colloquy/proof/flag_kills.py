"""How long a kill takes: real processes with an engine each, told what to do over a pipe.

Each process notes when something else is in force in it, by the clock that all processes of a
machine share. As a program, this module is such a process: `python -m … URL FOLDER SIGNALS`.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from ..model.errors import Unavailable

FLAG = "enable_tools"
PROCESSES = 4
START_S = 60.0
WAIT_S = 30.0
"""A kill that is not in force by then is a fault, not a figure."""
_PAUSE_S = 0.2
"""Kills come at any moment of the time between two looks, not right after one."""


class Engine:
    """One of these processes, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())

    async def until(self, wanted: str, timeout_s: float = WAIT_S) -> int:
        """The nanoseconds at which it said so. Raises Unavailable if it does not."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                while line := await self._process.stdout.readline():
                    said, at = json.loads(line)
                    if said == wanted:
                        return int(at)
        except TimeoutError:
            pass
        raise Unavailable(f"an engine of the benchmark did not say {wanted!r}")


@asynccontextmanager
async def engine(url: str, folder: Path, signals: str = "") -> AsyncIterator[Engine]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, url, str(folder), signals),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        try:
            made = Engine(process)
            await made.until("ready", START_S)
            yield made
        finally:
            assert process.stdin is not None
            process.stdin.close()  # it stops when nobody tells it anything any more
            try:
                async with asyncio.timeout(WAIT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def kills_on_database(
    url: str, folder: Path, count: int, processes: int = PROCESSES, signals: str = ""
) -> list[float]:
    """Milliseconds from throwing a switch in one of the processes on this database until the last
    of them has it in force. `signals`: the setting `signals.url`. Raises Unavailable."""
    chance, found = random.Random(1), []
    async with AsyncExitStack() as stack:
        engines = [
            await stack.enter_async_context(engine(url, folder / str(number), signals))
            for number in range(processes)
        ]
        for turn in range(count):
            await asyncio.sleep(chance.uniform(0, _PAUSE_S))
            thrower = engines[turn % processes]
            thrower.tell("throw")
            begun = await thrower.until("begun")
            ends = await asyncio.gather(*(one.until("killed") for one in engines))
            found.append((max(ends) - begun) / 1e6)
            thrower.tell("revive")
            await asyncio.gather(*(one.until("alive") for one in engines))
    return found


async def kills_by_file(folder: Path, count: int) -> list[float]:
    """Milliseconds from writing the file of switches until an engine on SQLite has it in force.
    Raises Unavailable."""
    chance, found = random.Random(1), []
    file = folder / "bench.db.kill"
    async with engine(f"sqlite:///{folder / 'bench.db'}", folder) as one:
        for _ in range(count):
            await asyncio.sleep(chance.uniform(0, _PAUSE_S))
            begun = time.monotonic_ns()
            file.write_text(f"{FLAG}\n")
            found.append((await one.until("killed") - begun) / 1e6)
            file.unlink()
            await one.until("alive")
    return found


# -- in such a process ----------------------------------------------------------------------------


def _say(word: str) -> None:
    print(json.dumps([word, time.monotonic_ns()]), flush=True)


async def _serve(url: str, folder: str, signals: str) -> None:
    from ..app import Colloquy
    from ..runtime import Runtime
    from ..settings import load_settings
    from ..telemetry import configure

    app = Colloquy()

    @app.on_message
    def answer(turn: Any) -> str:
        return "ok"

    settings = load_settings(
        overrides={
            "preset": "test",
            "database_url": url,
            "data_dir": folder,
            "log_level": "error",
            "signals.url": signals,
        }
    )
    configure(settings.log_level, "json")
    runtime = Runtime(app, settings)

    def changed(names: list[str]) -> None:
        if FLAG in names:
            _say("killed" if runtime.flags.is_killed(FLAG) else "alive")

    runtime.flags.listeners.add(changed)
    await runtime.start()
    try:
        _say("ready")
        while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
            if word == "throw":
                _say("begun")
                await runtime.flag_desk.throw(FLAG, "benchmark", "bench")
            else:
                await runtime.flag_desk.revive(FLAG, "bench")
    finally:
        await runtime.stop()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(*sys.argv[1:]))
