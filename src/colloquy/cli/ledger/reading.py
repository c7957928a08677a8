"""`colloquy ledger status | log | show | record | diff | audit`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from ...model.counting import counted
from ...model.ledger import ChangeView, LedgerStatus
from ..options import Cursor, Limit, Reach, command
from ..output import clock_time, note, print_json, print_table, shortened
from .options import Record, Since, Until, View, split, time_of
from .target import asked

MOMENT = "A position, the id of a rollback point, or a time (RFC 3339)."


def register(app: typer.Typer) -> None:
    """Adds the commands to the group."""
    command(app, "status")(status)
    command(app, "log")(log)
    command(app, "show")(show)
    command(app, "record")(record)
    command(app, "diff")(diff)
    command(app, "audit")(audit)


def status(reach: Reach) -> None:
    """Shows where the ledger is, and what can be restored."""
    found = asked(reach, lambda target: target.ledger_status())
    if reach.json:
        print_json(found)
        return
    for name, value in (
        ("newest position", found.head),
        ("restorable from", found.horizon),
        ("live points", found.points_live),
        ("oldest point at", found.oldest_point),
        ("kept for points", _pinned(found)),
        ("open operations", found.operations_open),
        ("open conflicts", found.conflicts_open),
        ("collections", " ".join(found.collections)),
    ):
        print(f"{name:<16} {'' if value is None else value}".rstrip())


def log(
    reach: Reach,
    limit: Limit = 50,
    cursor: Cursor = None,
    collection: Annotated[
        str | None, typer.Option("--collection", help="Only records of this kind.")
    ] = None,
    record: Record = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this actor did.")] = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", metavar="ID", help="Only what it changed.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--origin", metavar="ID", help="Only what this operation wrote.")
    ] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Lists changes of records, newest first."""
    of, key = split(record, collection)
    page = asked(
        reach,
        lambda target: target.change_page(
            cursor,
            limit,
            collection=of,
            key=key,
            actor=actor,
            conversation_id=conversation,
            origin=origin,
            since=time_of(since, "since"),
            until=time_of(until, "until"),
        ),
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["position", "at (UTC)", "actor", "did", "record", "bytes"],
        [
            (
                one.position,
                clock_time(one.at),
                one.actor,
                one.operation,
                shortened(f"{one.collection}/{one.key}", 80),
                "" if one.size is None else one.size,
            )
            for one in page.changes
        ],
        empty="No changes.",
    )
    _more(page.next)


def show(
    reach: Reach,
    position: Annotated[int, typer.Argument(min=1, help="The change's position as listed.")],
    view: View = "line",
) -> None:
    """Shows one change: who, when, and what it did to the record."""
    found = asked(reach, lambda target: target.change(position, view))
    if reach.json:
        print_json(found)
        return
    _print_change(found.change)
    print()
    print(found.diff)


def record(
    reach: Reach,
    name: Annotated[str, typer.Argument(metavar="COLLECTION/KEY", help="Which record.")],
    at: Annotated[str | None, typer.Option("--at", metavar="WHEN", help=MOMENT)] = None,
) -> None:
    """Prints a record as JSON, now or as it was; the exit code is 1 if there was none."""
    collection, key = split(name)
    found = asked(reach, lambda target: target.record(collection or "", key or "", at))
    if reach.json:
        print_json(found)
    elif isinstance(found.value, msgspec.Raw):
        print(msgspec.json.format(bytes(found.value)).decode())
    else:
        note(f"No such record at position {found.at}.")
    if not isinstance(found.value, msgspec.Raw):
        raise typer.Exit(1)


def diff(
    reach: Reach,
    start: Annotated[str, typer.Argument(metavar="FROM", help=MOMENT)],
    end: Annotated[str | None, typer.Argument(metavar="TO", help="The same. Default: now.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="Most records.")] = 50,
    cursor: Cursor = None,
    collection: Annotated[
        str | None, typer.Option("--collection", help="Only records of this kind.")
    ] = None,
    record: Record = None,
    include: Annotated[
        str | None, typer.Option("--include", metavar="PATTERN", help="Only records that match.")
    ] = None,
    exclude: Annotated[
        str | None, typer.Option("--exclude", metavar="PATTERN", help="None that match.")
    ] = None,
    view: View = "line",
) -> None:
    """Compares two moments, record by record."""
    of, key = split(record, collection)
    page = asked(
        reach,
        lambda target: target.ledger_diff_page(
            start,
            end,
            cursor,
            limit,
            collection=of,
            key=key,
            include=include,
            exclude=exclude,
            format=view,
        ),
    )
    if reach.json:
        print_json(page)
        return
    for one in page.differences:
        print(f"{one.action} {one.collection}/{one.key}")
        print(f"{one.diff}\n")
    if not page.differences and cursor is None:
        print(f"No record differs between positions {page.start} and {page.end}.")
    _more(page.next)


def audit(
    reach: Reach,
    limit: Limit = 50,
    cursor: Cursor = None,
    event: Annotated[str | None, typer.Option("--event", help="Only entries of this kind.")] = None,
    severity: Annotated[
        str | None, typer.Option("--severity", help="Only info, warn, error or critical.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this actor did.")] = None,
) -> None:
    """Lists who did what to points and operations, newest first."""
    page = asked(
        reach,
        lambda target: target.audit_page(
            cursor, limit, event=event, severity=severity, actor=actor
        ),
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["at (UTC)", "actor", "event", "severity", "message", "reason"],
        [
            (
                clock_time(one.at),
                one.actor,
                one.event,
                one.severity,
                shortened(one.message, 80),
                shortened(one.reason),
            )
            for one in page.entries
        ],
        empty="No entries.",
    )
    _more(page.next)


def _pinned(status: LedgerStatus) -> str:
    """What points keep of the time before the horizon."""
    if status.pinned_counted_at is None:
        return "nothing was compacted yet"
    return (
        f"{counted(status.pinned_rows, 'change')}, {counted(status.pinned_bytes, 'byte')}"
        f" (counted {clock_time(status.pinned_counted_at)} UTC)"
    )


def _more(cursor: str | None) -> None:
    if cursor is not None:
        note(f"More: --cursor {cursor}")


def _print_change(change: ChangeView) -> None:
    for name, value in (
        ("position", change.position),
        ("record", f"{change.collection}/{change.key}"),
        ("at", f"{clock_time(change.at)} UTC"),
        ("actor", change.actor),
        ("did", change.operation),
        ("conversation", change.conversation_id),
        ("origin", change.origin),
        ("before it", change.previous),
    ):
        if value is not None:
            print(f"{name:<12} {value}")
