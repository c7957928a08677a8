"""`colloquy ledger points`: names for positions of the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from ...model.counting import counted
from ...model.ledger import POINT_LIFETIME_S, PointChange, PointRequest, PointView
from ..options import Cursor, Limit, Reach, command
from ..output import clock_time, note, print_json, print_table, shortened
from .target import asked

app = typer.Typer(no_args_is_help=True, help="Rollback points: names for positions of the ledger.")

DAY_S = 86_400.0
Id = Annotated[str, typer.Argument(metavar="ID", help="The point's id as listed.")]


@command(app, "list")
def list_(
    reach: Reach,
    limit: Limit = 50,
    cursor: Cursor = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", metavar="ID", help="Only its own.")
    ] = None,
) -> None:
    """Lists points that have not expired, newest first."""
    page = asked(
        reach, lambda target: target.point_page(cursor, limit, conversation_id=conversation)
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "position", "made (UTC)", "expires (UTC)", "keeps", "by", "name"],
        [
            (
                one.id,
                one.position,
                clock_time(one.created_at),
                clock_time(one.expires_at) if one.expires_at else "kept",
                counted(one.pinned_bytes, "byte") if one.pinned_rows else "",
                one.automatic or one.actor,
                shortened(one.name),
            )
            for one in page.points
        ],
        empty="No rollback points. Make one: colloquy ledger points create NAME",
    )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


@command(app, "create")
def create(
    reach: Reach,
    name: Annotated[str, typer.Argument(help="What it is called.")],
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    days: Annotated[
        float, typer.Option("--days", min=0.0, help="How long it lives.")
    ] = POINT_LIFETIME_S / DAY_S,
    keep: Annotated[bool, typer.Option("--keep", help="Until somebody deletes it.")] = False,
    conversation: Annotated[
        str | None, typer.Option("--conversation", metavar="ID", help="Bind it to this one.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; repeatable.")] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATH", help="A file or folder to hold too; repeatable."),
    ] = None,
) -> None:
    """Makes a point at the newest position and prints its id."""
    request = PointRequest(
        name=name,
        description=description,
        expires_in_s=None if keep else days * DAY_S,
        conversation_id=conversation,
        tags=tuple(tag or ()),
        files=tuple(file or ()),
    )
    made = asked(reach, lambda target: target.create_point(request))
    if reach.json:
        print_json(made)
        return
    note(f"Rollback point at position {made.position}:")
    print(made.id)


@command(app, "keep")
def keep(reach: Reach, point_id: Id) -> None:
    """Keeps a point until somebody deletes it."""
    change = PointChange(None)
    _report(reach, asked(reach, lambda target: target.change_point(point_id, change)))


@command(app, "expire")
def expire(
    reach: Reach,
    point_id: Id,
    days: Annotated[float, typer.Option("--days", min=0.0, help="In how many days from now.")],
) -> None:
    """Lets a point expire after so many days from now."""
    change = PointChange(days * DAY_S)
    _report(reach, asked(reach, lambda target: target.change_point(point_id, change)))


@command(app, "delete")
def delete(reach: Reach, point_id: Id) -> None:
    """Deletes a point; what only it kept goes with the next compaction."""
    asked(reach, lambda target: target.delete_point(point_id))
    if reach.json:
        print_json({"deleted": point_id})
    else:
        print(f"Rollback point {point_id} is deleted.")


def _report(reach: Reach, point: PointView) -> None:
    if reach.json:
        print_json(point)
    elif point.expires_at is None:
        print(f"{point.name} is kept.")
    else:
        print(f"{point.name} expires at {clock_time(point.expires_at)} UTC.")
