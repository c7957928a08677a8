"""What a turn's context costs in the product: `turn.context.assemble` in a handler, over SQLite.

Each of several visitors writes until the conversation has 1,000 lines, every second one an answer;
only then a context is asked for, with nothing of the conversation in memory or kept, and again at
each further message. The vocabulary of recall, one for all conversations, knows most words by then.
In another process, on the same database, each visitor then writes once more: that context takes up
what the first process kept.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

import msgspec
from msgspec import Struct

from ..app import Colloquy
from ..context.kept import FORMAT
from ..context.lines import Conversation, Line
from ..context.memory import Memories
from ..context.recall.stretches import LINES as STRETCH
from ..context.warming import warm_soon
from ..model.errors import ColloquyError
from ..model.ids import conversation_id
from ..model.message import Message
from ..model.turn import Turn
from ..runtime import Runtime
from ..settings import load_settings
from ..telemetry import configure
from ..understanding.vectors.words import load_words
from .conversations import made_up
from .processes import resident
from .sampling import MB

LINES = 1_000
FURTHER = 60
"""Messages after the first context, each with its answer."""
VISITORS = 5
BUDGET = 2_000
USERS, LINES_EACH = 100, 500
WAIT_S, POLL_S = 60.0, 0.05
AGAIN = "What was the rent again, and when could I see the flat?"
"""What a visitor writes after the restart."""


class Cost(NamedTuple):
    """Milliseconds of one context, and those of CPU that the whole process took meanwhile."""

    ms: float
    cpu_ms: float


class Assembled(Struct, frozen=True):
    """Of each context: the first ones of conversations, the later ones, and the first ones after a
    restart. `memories_mb`: what the memories of many users add to a process."""

    first: list[Cost]
    later: list[Cost]
    restarted: list[Cost]
    memories_mb: float


class _Said(NamedTuple):
    """One conversation, of which memory is asked."""

    id: bytes
    number: int
    last_seq: int


class _Timed:
    """An app that says what was made up, and asks for a context once it shall."""

    def __init__(self) -> None:
        self.app = Colloquy()
        self.app.on_message(self._answer)
        self.answers: dict[str, str] = {}
        self.measures = False
        self.last = Cost(0.0, 0.0)

    async def _answer(self, turn: Turn) -> str:
        if self.measures:
            begun, cpu = perf_counter(), process_time()
            await turn.context.assemble(BUDGET)
            took, cpu_took = perf_counter() - begun, process_time() - cpu
            self.last = Cost(took * 1000, cpu_took * 1000)
        return self.answers[turn.text]


@asynccontextmanager
async def _running(timed: _Timed, folder: Path) -> AsyncIterator[Runtime]:
    settings = load_settings(
        None, {}, {"database_url": f"sqlite:///{folder / 'a.db'}", "data_dir": str(folder)}
    )
    runtime = Runtime(timed.app, settings)
    await runtime.start()
    try:
        await warm_soon()  # as any process is that runs for a second
        yield runtime
    finally:
        await runtime.stop()


async def _times(folder: Path) -> list[list[Cost]]:
    """Of each conversation, its first context before its later ones."""
    timed = _Timed()
    async with _running(timed, folder) as runtime:
        times = [await _visit(runtime, timed, number) for number in range(VISITORS)]
        for number in range(VISITORS):
            await _kept(runtime, number)
    return times


async def _visit(runtime: Runtime, timed: _Timed, number: int) -> list[Cost]:
    """A whole conversation; the costs of its contexts."""
    lines = made_up(LINES + 2 * FURTHER + 2, seed=number)
    texts = [f"{line.text} ({line.seq})" for line in lines]
    asked, timed.answers = texts[::2], dict(zip(texts[::2], texts[1::2], strict=True))
    timed.measures = False
    times = []
    for place, text in enumerate(asked):
        timed.measures = 2 * place >= LINES
        await _say(runtime, number, text)
        if timed.measures:
            times.append(timed.last)
    return times


async def _say(runtime: Runtime, number: int, text: str) -> None:
    (receipt,) = await runtime.accept([Message(conversation=f"visitor-{number}", text=text)])
    if isinstance(receipt, ColloquyError):
        raise receipt
    await runtime.wait(receipt.message_id, WAIT_S)


async def _kept(runtime: Runtime, number: int) -> None:
    """Waits until what takes long to make is kept of a conversation. Raises TimeoutError."""
    store, stretches = runtime.store, LINES // STRETCH
    session = await store.session(conversation_id("api", "default", f"visitor-{number}"))
    for _ in range(int(WAIT_S / POLL_S)):
        parts = await store.query("context_parts_of", session.number, FORMAT, LINES)
        if len(parts) > stretches or not stretches:
            return
        await asyncio.sleep(POLL_S)
    raise TimeoutError(f"of visitor {number} {len(parts)} parts were kept")


async def _times_again(folder: Path) -> list[Cost]:
    """Of each conversation, its first context in this process."""
    timed, times = _Timed(), []
    timed.measures, timed.answers = True, {AGAIN: "It is 940 euros."}
    async with _running(timed, folder) as runtime:
        for number in range(VISITORS):
            await _say(runtime, number, AGAIN)
            times.append(timed.last)
    return times


async def _memories_mb() -> float:
    """Megabytes that the memories of many users add to this process, none of them let go of."""

    async def fetch(session: Conversation, after: int, limit: int) -> Sequence[Line]:
        return made_up(LINES_EACH, seed=session.number)[after : after + limit]

    load_words()
    memories = Memories(fetch, max_bytes=sys.maxsize)
    await _remember(memories, USERS)  # what is read and learned once is no growth
    gc.collect()
    before = resident()
    for number in range(USERS):
        await _remember(memories, number)
    gc.collect()
    return round((resident() - before) / MB, 1)


async def _remember(memories: Memories, number: int) -> None:
    session = _Said(str(number).encode(), number, LINES_EACH)
    async with memories.of(session):
        pass
    await memories.catch_up()


def measured_apart() -> Assembled:
    """In two new processes, one after the other, which nothing else has warmed up or filled."""
    with tempfile.TemporaryDirectory(prefix="colloquy-bench-") as folder:
        found = msgspec.json.decode(_apart(folder, "fill"), type=Assembled)
        again = msgspec.json.decode(_apart(folder, "again"), type=list[Cost])
    return msgspec.structs.replace(found, restarted=again)


def _apart(folder: str, what: str) -> bytes:
    command = [sys.executable, "-m", __name__, folder, what]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def measured(folder: Path) -> Assembled:
    """All but what a restart costs. Raises ColloquyError."""
    # First, so that the memory grows instead of being what something else has let go of.
    grown = asyncio.run(_memories_mb())
    times = asyncio.run(_times(folder))
    return Assembled([one[0] for one in times], [ms for one in times for ms in one[1:]], [], grown)


if __name__ == "__main__":
    configure("error")
    where = Path(sys.argv[1])
    done = asyncio.run(_times_again(where)) if sys.argv[2] == "again" else measured(where)
    print(msgspec.json.encode(done).decode())
