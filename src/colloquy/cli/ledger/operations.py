"""`colloquy ledger operations`: rollbacks that are under way, and those that were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ...model.ledger import ItemState, LogLine, OperationStatus, OperationView
from ..options import Cursor, Limit, Reach, command
from ..output import clock_time, note, print_json, print_table, shortened
from .options import How, Of
from .rollback import Wait, Yes, may_ask, report, shown
from .target import asked, log_followed

if TYPE_CHECKING:
    from .target import Target

app = typer.Typer(no_args_is_help=True, help="Rollbacks that are under way, and those that were.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The operation's id as listed.")]


@command(app, "list")
def list_(
    reach: Reach,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[
        OperationStatus | None, typer.Option("--status", help="Only those of this status.")
    ] = None,
) -> None:
    """Lists operations, newest first."""
    page = asked(reach, lambda target: target.ledger_operation_page(cursor, limit, status=status))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "kind", "status", "done", "records", "begun (UTC)", "by", "reason"],
        [
            (
                one.id,
                one.kind,
                one.status,
                f"{one.progress:.0f} %",
                one.total,
                clock_time(one.created_at),
                one.actor,
                shortened(one.reason),
            )
            for one in page.operations
        ],
        empty="No operations.",
    )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


@command(app, "show")
def show(reach: Reach, operation_id: Id) -> None:
    """Shows one operation and how far it is."""
    found = asked(reach, lambda target: target.ledger_operation(operation_id))
    if reach.json:
        print_json(found)
        return
    figures = found.figures
    for name, value in (
        ("id", found.id),
        ("kind", found.kind),
        ("status", f"{found.status} ({found.phase})"),
        ("target", f"position {found.target} of {found.head}"),
        ("point", found.point),
        ("strategy", found.strategy),
        ("records", f"{found.total}, {found.progress:g} % done"),
        ("restored", f"{figures.applied} in {figures.seconds:.3f} s"),
        ("unchanged", figures.unchanged),
        ("skipped", figures.skipped),
        ("conflicts", figures.conflicts),
        ("overwritten", figures.forced),
        ("put back", figures.undone),
        ("by", found.actor),
        ("reason", found.reason),
        ("error", found.error_code and f"{found.error_code}: {found.error}"),
        ("begun", f"{clock_time(found.created_at)} UTC"),
        ("finished", found.finished_at and f"{clock_time(found.finished_at)} UTC"),
        ("checksum", found.checksum_after),
    ):
        if value not in (None, "", 0):
            print(f"{name:<12} {value}")


@command(app, "log")
def log(
    reach: Reach,
    operation_id: Id,
    limit: Limit = 200,
    cursor: Cursor = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the operation has ended.")
    ] = False,
) -> None:
    """Prints what an operation wrote into its log.

    With --follow and --json each line of it is a JSON document of its own.
    """
    if follow:
        seen = print_json if reach.json else _print_line
        asked(reach, lambda target: log_followed(target, operation_id, cursor, limit, seen))
        return
    page = asked(reach, lambda target: target.operation_log_page(operation_id, cursor, limit))
    if reach.json:
        print_json(page)
        return
    for line in page.lines:
        _print_line(line)
    if page.next is not None:
        note(f"More: --cursor {page.next}")


def _print_line(line: LogLine) -> None:
    # At once: who follows it reads along, through a pipe too.
    print(f"{clock_time(line.at)} {line.level:<5} {line.message}", flush=True)


@command(app, "items")
def items(
    reach: Reach,
    operation_id: Id,
    limit: Limit = 200,
    cursor: Cursor = None,
    state: Annotated[
        ItemState | None, typer.Option("--state", help="Only records in this state.")
    ] = None,
) -> None:
    """Lists the records of an operation and what became of each."""
    page = asked(
        reach, lambda target: target.operation_item_page(operation_id, cursor, limit, state)
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["state", "record", "was", "is", "note"],
        [
            (
                one.state,
                f"{one.collection}/{one.key}",
                one.before,
                one.written,
                shortened(one.note or ""),
            )
            for one in page.items
        ],
        empty="No records.",
    )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


@command(app, "cancel")
def cancel(reach: Reach, operation_id: Id) -> None:
    """Stops an operation before its next batch; what it did is put back."""
    found = asked(reach, lambda target: target.cancel_operation(operation_id))
    if reach.json:
        print_json(found)
    else:
        print(f"Operation {operation_id} is being cancelled.")


@command(app, "undo")
def undo(
    reach: Reach, operation_id: Id, of: Of, how: How, wait: Wait = False, yes: Yes = False
) -> None:
    """Takes back what a finished operation wrote, as an operation of its own."""
    request = how.undoing(of)
    if not yes:
        may_ask(reach)
        typer.confirm(f"Undo operation {operation_id}?", abort=True)

    async def work(target: Target) -> OperationView:
        return await shown(target, await target.undo_operation(operation_id, request), wait)

    report(reach, asked(reach, work))
