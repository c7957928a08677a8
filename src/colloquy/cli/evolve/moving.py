"""`colloquy evolve backfill|record`: messages on their way."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from ..app import AppOption
from ..options import Json, Reach, command
from ..output import print_json
from ..target import recording
from .target import PLAN, PlanOption, opened, shown

Rate = Annotated[
    float | None,
    typer.Option("--rate", min=0.001, help="Messages per second at most. Default: the plan's."),
]
Restart = Annotated[bool, typer.Option("--restart", help="From the first message on.")]


def register(app: typer.Typer) -> None:
    @command(app, "backfill")
    def backfill(
        plan: PlanOption = PLAN,
        rate: Rate = None,
        restart: Restart = False,
        to_v1: Annotated[
            bool, typer.Option("--to-v1", help="From the new table to the old one.")
        ] = False,
        json: Json = False,
    ) -> int:
        """Moves what the new table does not have yet, and compares each batch.

        Killed, it goes on where it was. What is there already is left alone.
        """
        from ...evolution.migration import Backfilled, Pace
        from ...evolution.migration import backfill as move

        async def work() -> Backfilled:
            async with opened(plan) as tables:
                source = tables.current if to_v1 else tables.legacy
                with shown("moving", await source.count()) as told:
                    return await move(
                        tables,
                        source=2 if to_v1 else 1,
                        restart=restart,
                        pace=Pace(rate or tables.plan.rate),
                        told=told,
                    )

        done = asyncio.run(work())
        if json:
            print_json(done)
        else:
            print(f"{done.passed} messages passed, {done.written} written.")
            if done.mismatched:
                print(f"{done.mismatched} are not the same on both sides: evolve mismatches")
        return 1 if done.mismatched else 0

    @command(app, "record")
    def record(
        reach: Reach,
        plan: PlanOption = PLAN,
        rate: Rate = None,
        restart: Restart = False,
        app: AppOption = None,
    ) -> int:
        """Brings the messages of the new table into the log, as history: nothing is answered.

        What the log has is left alone. Killed, it goes on where it was.
        """
        from ...evolution.migration import Pace, Recorded
        from ...evolution.migration import record as bring

        async def work() -> Recorded:
            async with opened(plan) as tables, recording(reach, app) as target:
                with shown("recording", await tables.current.count()) as told:
                    return await bring(
                        tables,
                        target.import_messages,
                        restart=restart,
                        pace=Pace(rate or tables.plan.rate),
                        told=told,
                    )

        done = asyncio.run(work())
        if reach.json:
            print_json(done)
        else:
            print(f"{done.stored} recorded, {done.known} there before, {done.refused} refused.")
        return 1 if done.refused else 0
