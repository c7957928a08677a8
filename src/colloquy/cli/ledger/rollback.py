"""`colloquy ledger preview | rollback`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ...model.counting import counted
from ...model.errors import InvalidInput
from ...model.ledger import OperationView, PreviewView
from ..options import Cursor, Reach, command
from ..output import note, print_json, print_table, progress, shortened
from .options import How, Of, Where
from .target import LocalLedger, asked, followed

if TYPE_CHECKING:
    from .target import Target

SHOWN = 20
"""Effects that are shown before a rollback is confirmed."""

Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is over, with a bar.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the group."""
    command(app, "preview")(preview)
    command(app, "rollback")(rollback)


def preview(
    reach: Reach,
    where: Where,
    of: Of,
    how: How,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="Most records.")] = 50,
    cursor: Cursor = None,
) -> None:
    """Shows what a rollback would do. Nothing is written."""
    request = how.request(of, where)
    found = asked(reach, lambda target: target.preview_rollback(request, cursor, limit))
    if reach.json:
        print_json(found)
        return
    print_preview(found)


def rollback(
    reach: Reach, where: Where, of: Of, how: How, wait: Wait = False, yes: Yes = False
) -> None:
    """Restores records, after showing what would become of them.

    It goes on by itself, also after a restart of the server; on a database that nobody serves it is
    carried out here. The exit code is 1 if it failed.
    """
    request = how.request(of, where)
    if not yes:
        may_ask(reach)
        print_preview(asked(reach, lambda target: target.preview_rollback(request, None, SHOWN)))
        typer.confirm("Roll back?", abort=True)

    async def work(target: Target) -> OperationView:
        return await shown(target, await target.rollback(request), wait)

    report(reach, asked(reach, work))


def may_ask(reach: Reach) -> None:
    """Raises InvalidInput where nobody can be asked."""
    if reach.json or not sys.stdin.isatty():
        raise InvalidInput("nobody can be asked here: look at the preview, then say --yes",
                           field="yes")  # fmt: skip


async def shown(target: Target, operation: OperationView, wait: bool) -> OperationView:
    """Follows an operation with a bar, where it is to be waited for."""
    if not wait and not isinstance(target, LocalLedger):
        return operation
    with progress("restoring", 100) as advance:
        done = 0

        def seen(now: OperationView) -> None:
            nonlocal done
            advance(max(0, int(now.progress) - done))
            done = max(done, int(now.progress))

        return await followed(target, operation, seen)


def report(reach: Reach, operation: OperationView) -> None:
    """Says how an operation is, and ends with 1 if it failed."""
    if reach.json:
        print_json(operation)
    else:
        print(_sentence(operation))
    if operation.status in ("failed", "cancelled"):
        raise typer.Exit(1)


def _sentence(operation: OperationView) -> str:
    figures = operation.figures
    name = f"{operation.kind.capitalize()} {operation.id}"
    if operation.status == "completed":
        rest = [
            f"{count} {word}"
            for count, word in (
                (figures.unchanged, "unchanged"),
                (figures.skipped, "skipped"),
                (figures.forced, "overwritten"),
            )
            if count
        ]
        done = f"{name} completed: {counted(figures.applied, 'record')} restored"
        return ", ".join([done, *rest]) + "."
    if operation.status == "waiting":
        return (
            f"{name} waits: {counted(figures.conflicts, 'conflict')} to decide "
            "(colloquy ledger conflicts list)."
        )
    if operation.status in ("failed", "cancelled"):
        code = operation.error_code or operation.status
        text = f"{name} {operation.status}: {code}: {operation.error or ''}".rstrip(": ")
        return f"{text} ({counted(figures.undone, 'record')} put back)"
    return f"{name} has begun: colloquy ledger operations show {operation.id}"


def print_preview(found: PreviewView) -> None:
    """The figures first, then record by record."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(found.actions.items()))
    total = counted(found.total, "record")
    print(f"Back to position {found.target} of {found.head}: {total} ({counts}).")
    print(f"Strategy {found.strategy}: {found.strategy_reason}. About {found.estimated_s:g} s.")
    reasons = f": {'; '.join(found.risk_reasons)}" if found.risk_reasons else ""
    print(f"Risk {found.risk}{reasons}.")
    print_table(
        ["action", "record", "what"],
        [
            (
                one.conflict or one.action,
                f"{one.collection}/{one.key}",
                shortened(one.note or one.diff, 100),
            )
            for one in found.effects
        ],
        empty="Nothing would change.",
    )
    if found.next is not None:
        note(f"More: --cursor {found.next}")
