"""`colloquy evolve status|start|advance|back`: the stages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from ...model.migrations import MigrationMove, MigrationStart
from ..options import Reach, command
from ..output import clock_time, print_json, print_table
from ..target import ACTOR
from .target import PLAN, PlanOption, opened, plan_of, serving, staged

if TYPE_CHECKING:
    from ...evolution.migration import State, Step

Reason = Annotated[str, typer.Option("--reason", help="Why; stands in the history.")]
Force = Annotated[
    bool, typer.Option("--force", help="Against the gates. Needs --reason, and is recorded.")
]


class Status(Struct, kw_only=True):
    """Where a migration stands, and its newest steps."""

    name: str
    state: State
    history: list[Step]


def register(app: typer.Typer) -> None:
    @command(app, "status")
    def status(
        reach: Reach,
        plan: PlanOption = PLAN,
        limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Most steps.")] = 20,
    ) -> None:
        """Shows the stage, and the steps that led to it, newest first."""

        async def work() -> Status:
            async with serving(reach) as server:
                if server is not None:
                    view = await server.migration(limit)
                    return Status(name=view.report.name, state=view.state, history=view.history)
            found = plan_of(plan)
            async with staged(reach, found, writes=False) as stages:
                return Status(
                    name=found.name,
                    state=await stages.state(),
                    history=await stages.history(limit),
                )

        status = asyncio.run(work())
        if reach.json:
            print_json(status)
            return
        print(f"{status.name}: {status.state.stage}")
        print_table(
            ["when", "stage", "by", "reason"],
            [
                (
                    clock_time(step.at),
                    step.stage,
                    step.by,
                    f"{step.reason} (forced)" if step.forced else step.reason,
                )
                for step in status.history
            ],
            empty="No steps yet.",
        )

    @command(app, "start")
    def start(reach: Reach, plan: PlanOption = PLAN, reason: Reason = "") -> None:
        """Checks the old table, makes the new one beside it, and begins: `shadow`."""

        async def work() -> State:
            async with serving(reach) as server:
                if server is not None:
                    return (await server.start_migration(MigrationStart(reason=reason))).state
            async with opened(plan) as tables:
                source = f"{tables.old.name} {tables.plan.table}"
                async with staged(reach, tables.plan, writes=True) as stages:
                    return await stages.start(ACTOR, source, reason)

        _print(reach, asyncio.run(work()))

    @command(app, "advance")
    def advance(
        reach: Reach, plan: PlanOption = PLAN, reason: Reason = "", force: Force = False
    ) -> None:
        """Takes the next step, if the figures allow it; else says all that is missing."""
        _print(reach, asyncio.run(_step(reach, plan, reason, force, is_back=False)))

    @command(app, "back")
    def back(
        reach: Reach, plan: PlanOption = PLAN, reason: Reason = "", force: Force = False
    ) -> None:
        """Takes one step back. Nothing is deleted on either side."""
        _print(reach, asyncio.run(_step(reach, plan, reason, force, is_back=True)))


async def _step(reach: Reach, plan: Path, reason: str, force: bool, *, is_back: bool) -> State:
    async with serving(reach) as server:
        if server is not None:
            go = server.take_migration_back if is_back else server.advance_migration
            return (await go(MigrationMove(reason=reason, force=force))).state
    from ...evolution.migration import figures_of

    async with opened(plan) as tables:
        figures = await figures_of(tables)
        async with staged(reach, tables.plan, writes=True) as stages:
            take = stages.back if is_back else stages.advance
            return await take(ACTOR, figures, reason=reason, force=force)


def _print(reach: Reach, state: State) -> None:
    if reach.json:
        print_json(state)
        return
    print(f"The stage is {state.stage}.")
    for line in state.missing:
        print(f"Forced although {line}.")
