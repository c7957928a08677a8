"""Following relationships: neighbours, ways, impact."""

from __future__ import annotations

from typing import Annotated

import typer

from ...model.graph import (
    MAX_DEPTH,
    MAX_HOPS,
    MAX_PATHS,
    MAX_READ,
    ChangeName,
    ImpactRequest,
    PathRequest,
    PathView,
)
from ..options import Cursor, Limit, Reach, command
from ..output import note, print_json, print_table
from .reading import more
from .target import AsOf, Id, Types, ValidAt, Way, asked, moment, time

Depth = Annotated[
    int, typer.Option("--depth", min=1, max=MAX_DEPTH, help="Most relationships on a way.")
]


def register(app: typer.Typer) -> None:
    command(app, "neighbours")(neighbours)
    command(app, "path")(path)
    command(app, "impact")(impact)


def neighbours(
    reach: Reach,
    id: Id,
    hops: Annotated[int, typer.Option("--hops", min=1, max=MAX_HOPS, help="How far to go.")] = 1,
    types: Types = None,
    direction: Way = "both",
    max_read: Annotated[
        int, typer.Option("--max-read", min=1, max=MAX_READ, help="Most relationships to read.")
    ] = MAX_READ,
    as_of: AsOf = None,
    valid_at: ValidAt = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> None:
    """Shows what lies around an entity, nearest first."""
    known, so = moment(as_of), time(valid_at, "valid-at")
    found = asked(
        reach,
        lambda target: target.neighbours(
            id, hops, types or (), direction, max_read, cursor, limit, as_of=known, valid_at=so
        ),
    )
    if reach.json:
        print_json(found)
        return
    print_table(
        ["hops", "id", "kind", "name"],
        [(one.hops, one.id, one.kind, one.name) for one in found.entities],
        empty="",
    )
    print_table(
        ["from", "type", "to", "sure"],
        [
            (one.source, one.type, one.target, f"{one.confidence:.2f}")
            for one in found.relationships
        ],
        empty="No relationships.",
    )
    more(found.next)
    _tell_truncated(found.truncated and found.next is None)


def path(
    reach: Reach,
    start: Annotated[str, typer.Argument(metavar="FROM", help="Where to begin.")],
    end: Annotated[str, typer.Argument(metavar="TO", help="Where to arrive.")],
    every: Annotated[
        bool, typer.Option("--all", help="All ways without a loop, not only a shortest.")
    ] = False,
    types: Types = None,
    direction: Way = "both",
    depth: Depth = 6,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MAX_PATHS, help="Most ways to show.")
    ] = 20,
    as_of: AsOf = None,
    valid_at: ValidAt = None,
) -> None:
    """Shows how two entities are joined; the exit code is 1 when they are not."""
    request = PathRequest(
        start=start,
        end=end,
        find="all" if every else "shortest",
        types=tuple(types or ()),
        direction=direction,
        max_depth=depth,
        limit=limit,
        as_of=moment(as_of),
        valid_at=time(valid_at, "valid-at"),
    )
    found = asked(reach, lambda target: target.paths(request))
    if reach.json:
        print_json(found)
    else:
        for one in found.paths:
            print(_line(one))
        if not found.paths:
            print("No way.")
        _tell_truncated(found.truncated)
    if not found.paths:
        raise typer.Exit(1)


def impact(
    reach: Reach,
    id: Id,
    change: Annotated[ChangeName, typer.Option("--change", help="What happens to it.")] = "modify",
    depth: Depth = 3,
    types: Types = None,
    as_of: AsOf = None,
) -> None:
    """Shows what a change of an entity touches, level by level."""
    request = ImpactRequest(
        entity=id, change=change, max_depth=depth, types=tuple(types or ()), as_of=moment(as_of)
    )
    found = asked(reach, lambda target: target.impact(request))
    if reach.json:
        print_json(found)
        return
    print(f"risk {found.risk}, score {found.score:.2f}, {found.total} entities")
    rows: list[tuple[object, ...]] = [
        (1, one.relationship, one.severity, ", ".join(one.entities)) for one in found.direct
    ]
    rows += [(one.level, one.relationship, "", ", ".join(one.entities)) for one in found.cascading]
    print_table(["level", "type", "severity", "entities"], rows, empty="Nothing depends on it.")
    _tell_truncated(found.truncated)


def _line(way: PathView) -> str:
    parts = [way.entities[0]]
    for edge, end in zip(way.relationships, way.entities[1:], strict=True):
        forth = edge.target == end
        parts += [f"-{edge.type}→" if forth else f"←{edge.type}-", end]
    return " ".join(parts)


def _tell_truncated(truncated: bool) -> None:
    if truncated:
        note("There is more: what may be read was used up.")
