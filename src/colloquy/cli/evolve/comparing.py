"""`colloquy evolve verify|reconcile|mismatches|ignore|report`: do both tables say the same?"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ...model.migrations import IgnoreRequest
from ..options import Cursor, Json, Limit, Reach, command
from ..output import print_json, print_table, shortened
from .target import PLAN, PlanOption, opened, serving, shown, state_of

if TYPE_CHECKING:
    from ...evolution.migration import Mismatch, MismatchPage, Repaired, Report, Verified
    from ...model.migrations import MismatchState


class InState(StrEnum):
    OPEN = "open"
    REPAIRED = "repaired"
    IGNORED = "ignored"
    ALL = "all"


def register(app: typer.Typer) -> None:
    @command(app, "verify")
    def verify(plan: PlanOption = PLAN, json: Json = False) -> int:
        """Compares every message of both tables, field by field. Exit code 1 where some differ."""
        from ...evolution.migration import verify as compare

        async def work() -> Verified:
            async with opened(plan) as tables:
                total = await tables.legacy.count() + await tables.current.count()
                with shown("comparing", total) as told:
                    return await compare(tables, told=told)

        found = asyncio.run(work())
        if json:
            print_json(found)
        else:
            print(
                f"{found.compared} messages compared, {found.mismatched} differ, "
                f"parity {found.parity:.6f}."
            )
        return 1 if found.mismatched else 0

    @command(app, "reconcile")
    def reconcile(reach: Reach, plan: PlanOption = PLAN) -> int:
        """Repairs what the mismatch ledger has open, from the primary of the stage.

        A message that one side lacks comes from the other. Exit code 1 where some are left.
        """
        from ...evolution.migration import reconcile as repair

        async def work() -> Repaired:
            async with opened(plan) as tables:
                state = await state_of(reach, tables.plan)
                with shown("repairing", await tables.mismatches.open_messages()) as told:
                    return await repair(tables, state.stage, told=told)

        done = asyncio.run(work())
        if reach.json:
            print_json(done)
        else:
            print(f"{done.repaired} of {done.looked_at} messages repaired, {done.left} left.")
        return 1 if done.left else 0

    @command(app, "mismatches")
    def mismatches(
        reach: Reach,
        plan: PlanOption = PLAN,
        state: Annotated[InState, typer.Option("--state", help="Which rows.")] = InState.OPEN,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> None:
        """Lists the mismatch ledger, oldest first."""
        wanted = None if state is InState.ALL else cast("MismatchState", state.value)

        async def work() -> MismatchPage:
            async with serving(reach) as server:
                if server is not None:
                    return await server.mismatch_page(cursor, limit, wanted)
            from ...evolution.migration.mismatches import after_of

            async with opened(plan) as tables:
                return await tables.mismatches.page(wanted, after_of(cursor), limit)

        page = asyncio.run(work())
        if reach.json:
            print_json(page)
            return
        print_table(
            ["no.", "message", "kind", "field", "V1", "V2", "state", "reason"],
            [
                (
                    row.number,
                    row.message,
                    row.kind,
                    row.field,
                    shortened(row.v1, 30),
                    shortened(row.v2, 30),
                    row.state,
                    row.reason,
                )
                for row in page.mismatches
            ],
            empty="No mismatches.",
        )
        if page.next is not None:
            print(f"Next page: --cursor {page.next}")

    @command(app, "ignore")
    def ignore(
        reach: Reach,
        number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of a mismatch.")],
        reason: Annotated[str, typer.Option("--reason", help="Why nothing is to be done.")],
        plan: PlanOption = PLAN,
    ) -> None:
        """Says of a mismatch that it may stay, for as long as the values are what they are."""

        async def work() -> Mismatch:
            async with serving(reach) as server:
                if server is not None:
                    return await server.ignore_mismatch(number, IgnoreRequest(reason=reason))
            async with opened(plan) as tables:
                return await tables.mismatches.ignore(number, reason)

        row = asyncio.run(work())
        if reach.json:
            print_json(row)
        else:
            print(f"Mismatch {row.number} of message {row.message} is ignored.")

    @command(app, "report")
    def report(reach: Reach, plan: PlanOption = PLAN) -> int:
        """Shows counts by kind and field, parity, progress, and what the next step misses.

        Exit code 1 when nothing has moved for the plan's `stall_after_s`.
        """
        from ...evolution.migration import report as make

        async def work() -> Report:
            async with serving(reach) as server:
                if server is not None:
                    return (await server.migration(1)).report
            async with opened(plan) as tables:
                return await make(tables, await state_of(reach, tables.plan))

        found = asyncio.run(work())
        if reach.json:
            print_json(found)
        else:
            _show(found)
        return 1 if found.stalled_s is not None else 0


def _show(report: Report) -> None:
    figures = report.figures
    print(f"{report.name}: {report.stage}, {report.rows_v1} rows in V1, {report.rows_v2} in V2")
    print(f"parity {figures.parity:.6f} of {figures.compared} compared")
    if figures.waiting:
        print(f"{figures.waiting} messages wait in the outbox")
    print_table(
        ["work", "done", "of", "written", "complete"],
        [
            (name, one.done, one.total, one.written, "yes" if one.complete else "no")
            for name, one in report.work.items()
        ],
        empty="Nothing was moved yet.",
    )
    print_table(
        ["mismatches", "kind", "field", "rows"],
        [
            (state, kind, field, count)
            for state, kinds in report.mismatches.items()
            for kind, fields in kinds.items()
            for field, count in fields.items()
        ],
        empty="No mismatches.",
    )
    for line in report.missing:
        print(f"not ready for {report.next}: {line}")
    if report.stalled_s is not None:
        print(f"Nothing has moved for {report.stalled_s / 3600:.1f} hours.")
