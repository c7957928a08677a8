"""The user's program: `python -m colloquy.proof.migration.program PLAN DATABASE`.

A process of its own, to be killed. It writes and reads the tables through `DualWriter` and
`DualReader`, and asks the engine's database for the stage. A request is a line of JSON on standard
input, its answer a line on standard output with the same `n`; many may be under way at once.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from ...evolution.migration import (
    DualReader,
    DualWriter,
    Stage,
    Stages,
    Tables,
    Written,
    read_plan,
)
from ...model.errors import ColloquyError
from ...model.message import encode
from ...storage.sqlite import SqliteStore
from ...telemetry import configure

LINE_LIMIT = 64 * 1024 * 1024


class Program:
    def __init__(self, tables: Tables, stages: Stages) -> None:
        self._stages = stages
        self._is_dual = True
        self._seen: dict[str, Stage] = {}
        self._writer = DualWriter(tables, self._asks("writer"), is_on=lambda: self._is_dual)
        self._reader = DualReader(tables, self._asks("reader"))

    def _asks(self, who: str) -> Callable[[], Awaitable[Stage]]:
        async def ask() -> Stage:
            self._seen[who] = await self._stages.stage()
            return self._seen[who]

        return ask

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            match request["op"]:
                case "write":
                    self._is_dual = request["dual"]
                    return {"answers": await self._write(request["messages"])}
                case "read":
                    return {"bodies": [await self._body(ids) for ids in request["conversations"]]}
                case "read_v2":
                    found = await self._reader.read_v2(request["ids"])
                    return {"messages": [encode(one).decode() for one in found.values()]}
                case _:
                    await self._writer.write([])
                    await self._reader.read([])
                    return {"stages": self._seen}
        except ColloquyError as error:
            return {"error": error.code, "detail": error.detail}

    async def _write(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answers = await self._writer.write(messages)
        return [
            {"both": one.both} if isinstance(one, Written) else {"error": one.code}
            for one in answers
        ]

    async def _body(self, ids: list[int]) -> str:
        """What a V1 client of this program gets of a conversation."""
        found = await self._reader.read(ids)
        return encode({"messages": [found[id] for id in ids if id in found]}).decode()


async def main(plan_file: Path, database: Path) -> None:
    configure("error")
    plan = read_plan(plan_file)
    store = SqliteStore(database, read_only=True)
    await store.open()
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=LINE_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with Tables(plan) as tables, asyncio.TaskGroup() as group:
        program = Program(tables, Stages.on(store, plan.name, plan.gates))

        async def serve(line: bytes) -> None:
            request = msgspec.json.decode(line)
            answer = await program.answer(request)
            print(encode({"n": request["n"], **answer}).decode(), flush=True)

        print("open", flush=True)
        while line := await lines.readline():
            group.create_task(serve(line))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
