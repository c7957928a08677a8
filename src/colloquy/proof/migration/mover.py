"""Long work on the tables: `python -m colloquy.proof.migration.mover PLAN`.

A process of its own, to be killed. Each line on standard input is a work and a stage. It says
`begun`, then each batch by a number, then `complete` with what it did as JSON. The works are
`backfill_v1`, `backfill_v2`, `verify` and `reconcile`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from ...evolution.migration import (
    Stage,
    Standing,
    Tables,
    backfill,
    read_plan,
    reconcile,
    verify,
)
from ...model.message import encode
from ...telemetry import configure


async def main(plan: Path) -> None:
    configure("error")
    async with Tables(read_plan(plan)) as tables:
        while words := (await asyncio.to_thread(sys.stdin.readline)).split():
            print("begun", flush=True)
            done = await work(tables, *words)
            print("complete", encode(done).decode(), flush=True)


async def work(tables: Tables, name: str, stage: str) -> Any:
    def told(standing: Standing) -> None:
        print(standing.done, flush=True)

    match name:
        case "verify":
            return await verify(tables, told=told)
        case "reconcile":
            return await reconcile(tables, Stage(stage), told=told)
        case _:
            return await backfill(tables, source=int(name[-1]), told=told)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
