"""`colloquy graph checkpoint`: rollback points that know what they are about."""

from __future__ import annotations

from typing import Annotated

import typer

from ...model.checkpoints import CheckpointRequest
from ...model.graph import MAX_HOPS
from ..options import Cursor, Limit, Reach, command
from ..output import clock_time, note, print_json, print_table, shortened
from .reading import more
from .target import asked

app = typer.Typer(no_args_is_help=True, help="Checkpoints: what lay around some entities, kept.")

Seeds = Annotated[list[str], typer.Argument(metavar="ID...", help="The entities it begins at.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The checkpoint's id as listed.")]


@command(app, "create")
def create(
    reach: Reach,
    seeds: Seeds,
    hops: Annotated[
        int | None, typer.Option("--hops", min=0, max=MAX_HOPS, help="How far it reaches.")
    ] = None,
    incident: Annotated[bool, typer.Option("--incident", help="Something went wrong.")] = False,
    name: Annotated[str, typer.Option("--name", help="What it is called.")] = "",
) -> None:
    """Makes a checkpoint at the newest position and prints its id."""
    request = CheckpointRequest(
        seeds=tuple(seeds), reason="incident" if incident else "manual", hops=hops, name=name
    )
    made = asked(reach, lambda target: target.create_checkpoint(request))
    if reach.json:
        print_json(made)
        return
    note(f"Checkpoint at position {made.position}:")
    print(made.id)


@command(app, "list")
def list_(reach: Reach, limit: Limit = 50, cursor: Cursor = None) -> None:
    """Lists checkpoints that have not expired, newest first."""
    page = asked(reach, lambda target: target.checkpoint_page(cursor, limit))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "position", "made (UTC)", "expires (UTC)", "reason", "seeds", "hops", "name"],
        [
            (
                one.id,
                one.position,
                clock_time(one.created_at),
                clock_time(one.expires_at) if one.expires_at else "kept",
                one.reason,
                len(one.seeds),
                one.hops,
                shortened(one.name),
            )
            for one in page.checkpoints
        ],
        empty="No checkpoints. Make one: colloquy graph checkpoint create ID",
    )
    more(page.next)


@command(app, "show")
def show(reach: Reach, id: Id, limit: Limit = 100, cursor: Cursor = None) -> None:
    """Shows what lay within a checkpoint's hops when it was made."""
    found = asked(reach, lambda target: target.checkpoint(id, cursor, limit))
    if reach.json:
        print_json(found)
        return
    one = found.checkpoint
    note(f"{one.name}: {found.total} entities within {one.hops} hops, position {one.position}")
    print_table(
        ["id", "kind", "name"],
        [(entity.id, entity.kind, entity.name) for entity in found.entities],
        empty="Nothing.",
    )
    if found.truncated:
        note("There was more than a checkpoint shows.")
    more(found.next)
