"""A backfill in a process of its own, for tests that kill it: says each batch on its output."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from colloquy.evolution.migration import Standing, Tables, backfill, read_plan


async def main(plan: Path) -> None:
    async with Tables(read_plan(plan)) as tables:
        print("open", flush=True)

        def told(standing: Standing) -> None:
            print(standing.done, flush=True)

        done = await backfill(tables, told=told)
        print("complete", done.passed, flush=True)


asyncio.run(main(Path(sys.argv[1])))
