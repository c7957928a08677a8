"""Following relationships: neighbours, walks, ways, impact, and relationships by filter."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from ...model.graph import (
    MAX_HOPS,
    MAX_READ,
    ImpactRequest,
    ImpactView,
    NeighbourhoodView,
    PathRequest,
    PathsView,
    RelationshipFilter,
    RelationshipPage,
    TraversalRequest,
    TraversalView,
)
from ..access import needs
from ..parameters import Cursor, Engine, Limit
from ..responses import BODY, errors
from .parameters import (
    AsOf,
    DirectionParameter,
    EntityKind,
    Id,
    KindsParameter,
    MaxRead,
    TypesParameter,
    ValidAt,
    as_known,
    as_time,
    id_parameter,
    pairs,
    some,
    time,
)
from .reading import TAGS

Hops = Annotated[
    int, QueryParameter(ge=1, le=MAX_HOPS, required=False, description="How far to go.")
]
ConfidenceMin = Annotated[
    float | None,
    QueryParameter(ge=0, le=1, required=False, description="Only those at least as sure."),
]
ConfidenceMax = Annotated[
    float | None,
    QueryParameter(ge=0, le=1, required=False, description="Only those at most as sure."),
]


@get(
    "/v2/graph/entity/neighbours",
    operation_id="listNeighbours",
    summary="Show what lies around an entity",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 410, 422),
)
async def list_neighbours(
    runtime: Engine,
    id: Id,
    hops: Hops = 1,
    type: TypesParameter = None,
    direction: DirectionParameter = "both",
    max_read: MaxRead = MAX_READ,
    as_of: AsOf = None,
    valid_at: ValidAt = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> NeighbourhoodView:
    """Everything up to `hops` relationships away, a page of it. Each page walks anew: with `as_of`
    all of them see the same."""
    return await runtime.knowledge.neighbours(
        id,
        hops,
        tuple(type or ()),
        direction,
        max_read,
        cursor,
        limit,
        as_of=as_known(as_of),
        valid_at=as_time(valid_at, "valid_at"),
    )


@post(
    "/v2/graph/traverse",
    operation_id="traverseGraph",
    summary="Walk from an entity, and filter what is found",
    tags=TAGS,
    status_code=200,
    guards=[needs("read")],
    responses=errors(*BODY, 401, 403, 404, 410),
)
async def traverse_graph(runtime: Engine, data: JSONBody[TraversalRequest]) -> TraversalView:
    """Nearest first, with a shortest way to each. Changes nothing."""
    return await runtime.knowledge.traverse(data)


@post(
    "/v2/graph/paths",
    operation_id="findPaths",
    summary="Find the ways between two entities",
    tags=TAGS,
    status_code=200,
    guards=[needs("read")],
    responses=errors(*BODY, 401, 403, 404, 410),
)
async def find_paths(runtime: Engine, data: JSONBody[PathRequest]) -> PathsView:
    """A shortest one, or all simple ones up to a length. Changes nothing."""
    return await runtime.knowledge.paths(data)


@post(
    "/v2/graph/impact",
    operation_id="findImpact",
    summary="Show what a change of an entity touches",
    tags=TAGS,
    status_code=200,
    guards=[needs("read")],
    responses=errors(*BODY, 401, 403, 404, 410),
)
async def find_impact(runtime: Engine, data: JSONBody[ImpactRequest]) -> ImpactView:
    """Level by level, with how bad it is. Changes nothing."""
    return await runtime.knowledge.impact(data)


@get(
    "/v2/graph/relationships",
    operation_id="listRelationships",
    summary="List relationships by filter",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 410, 422),
)
async def list_relationships(
    runtime: Engine,
    entity: Annotated[
        str | None, id_parameter("entity", "Only those at this entity.", required=False)
    ] = None,
    direction: DirectionParameter = "both",
    source: Annotated[list[str] | None, some("source", "Only from these entities.")] = None,
    target: Annotated[list[str] | None, some("target", "Only to these entities.")] = None,
    type: TypesParameter = None,
    kind: KindsParameter = None,
    source_kind: Annotated[
        list[EntityKind] | None, some("source_kind", "Only from entities of these kinds.")
    ] = None,
    target_kind: Annotated[
        list[EntityKind] | None, some("target_kind", "Only to entities of these kinds.")
    ] = None,
    source_attribute: Annotated[
        list[str] | None, pairs("source_attribute", "What the source must have")
    ] = None,
    target_attribute: Annotated[
        list[str] | None, pairs("target_attribute", "What the target must have")
    ] = None,
    where: Annotated[
        list[str] | None, pairs("where", "A filter on the relationship's own attributes")
    ] = None,
    confidence_min: ConfidenceMin = None,
    confidence_max: ConfidenceMax = None,
    valid_since: Annotated[str | None, time("valid_since", "So at or after this.")] = None,
    valid_until: Annotated[str | None, time("valid_until", "So before this.")] = None,
    seen_since: Annotated[str | None, time("seen_since", "Learned from then on.")] = None,
    seen_until: Annotated[str | None, time("seen_until", "Learned before.")] = None,
    as_of: AsOf = None,
    valid_at: ValidAt = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RelationshipPage:
    """Those for which every given filter holds; of one that is repeated, any value. A page may be
    short and still have a next one. `where` knows the names of docs/graph.md."""
    wanted = RelationshipFilter(
        entity=entity,
        direction=direction,
        source=tuple(source or ()),
        target=tuple(target or ()),
        type=tuple(type or ()),
        kind=tuple(kind or ()),
        source_kind=tuple(source_kind or ()),
        target_kind=tuple(target_kind or ()),
        source_attribute=tuple(source_attribute or ()),
        target_attribute=tuple(target_attribute or ()),
        where=tuple(where or ()),
        confidence_min=confidence_min,
        confidence_max=confidence_max,
        valid_since=as_time(valid_since, "valid_since"),
        valid_until=as_time(valid_until, "valid_until"),
        seen_since=as_time(seen_since, "seen_since"),
        seen_until=as_time(seen_until, "seen_until"),
    )
    return await runtime.knowledge.relationships(
        wanted, cursor, limit, as_of=as_known(as_of), valid_at=as_time(valid_at, "valid_at")
    )


ROUTES: list[HTTPRouteHandler] = [
    list_neighbours,
    traverse_graph,
    find_paths,
    find_impact,
    list_relationships,
]
