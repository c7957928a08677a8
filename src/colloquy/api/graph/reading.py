"""Reading: entities, facts with their evidence, time lines, changes, figures, and searching."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from ...model.graph import (
    ContradictionPage,
    EntityPage,
    EntityView,
    FactPage,
    GraphChangePage,
    GraphStatistics,
    HitPage,
    SearchMode,
    TimelinePage,
)
from ..access import needs
from ..parameters import Cursor, Engine, Limit
from ..responses import errors
from .parameters import (
    AsOf,
    From,
    Id,
    KindsParameter,
    OfEntity,
    OneKind,
    Predicate,
    To,
    ValidAt,
    as_known,
    as_time,
    moment,
)

TAGS = ["Graph"]

Prefix = Annotated[
    str | None,
    QueryParameter(
        name="prefix",
        required=False,
        max_length=1024,
        pattern=r"^[^\x00]*$",
        description="Only entities whose id or name begins with this.",
    ),
]
Text = Annotated[
    str,
    QueryParameter(
        name="q", min_length=1, max_length=1000, pattern=r"\S", description="What to look for."
    ),
]
Mode = Annotated[
    SearchMode,
    QueryParameter(
        name="mode",
        required=False,
        description="By words (`text`), by meaning (`vector`) or both put together (`hybrid`).",
    ),
]
Hits = Annotated[
    int, QueryParameter(ge=1, le=100, required=False, description="Most hits of the page.")
]
StaleDays = Annotated[
    int,
    QueryParameter(
        ge=1,
        le=36_500,
        required=False,
        description="After so many days without confirmation a fact is stale.",
    ),
]


@get(
    "/v2/graph/entities",
    operation_id="listEntities",
    summary="List what is known, by kind and name",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 422),
)
async def list_entities(
    runtime: Engine,
    kind: OneKind = None,
    prefix: Prefix = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> EntityPage:
    """In the order in which they became known. Page with `next` as `cursor` until it is null."""
    return await runtime.knowledge.entities(kind or "", prefix or "", cursor, limit)


@get(
    "/v2/graph/entity",
    operation_id="getEntity",
    summary="Show an entity",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 410, 422),
)
async def get_entity(
    runtime: Engine, id: Id, as_of: AsOf = None, valid_at: ValidAt = None
) -> EntityView:
    """Its kind and attributes: as they are known, or were known at another moment; as they are
    since the last change that is known, or were at a time of the world."""
    return await runtime.knowledge.entity(
        id, as_of=as_known(as_of), valid_at=as_time(valid_at, "valid_at")
    )


@get(
    "/v2/graph/entity/facts",
    operation_id="listFacts",
    summary="Show an entity's facts with their evidence",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 410, 422),
)
async def list_facts(
    runtime: Engine,
    id: Id,
    predicate: Predicate = None,
    as_of: AsOf = None,
    valid_at: ValidAt = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> FactPage:
    """Attributes and relationships that lead from it, each with when it was so, when it was
    learned, and what was said. Page with `next` as `cursor` until it is null."""
    return await runtime.knowledge.facts(
        id,
        predicate or "",
        cursor,
        limit,
        as_of=as_known(as_of),
        valid_at=as_time(valid_at, "valid_at"),
    )


@get(
    "/v2/graph/entity/timeline",
    operation_id="getEntityTimeline",
    summary="Show every version of an entity's facts",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422),
)
async def get_timeline(
    runtime: Engine,
    id: Id,
    predicate: Predicate = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> TimelinePage:
    """Oldest first, those that were closed too. Page with `next` as `cursor` until it is null."""
    return await runtime.knowledge.timeline(id, predicate, cursor, limit)


@get(
    "/v2/graph/changes",
    operation_id="listGraphChanges",
    summary="List what changed between two moments",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 404, 422),
)
async def list_changes(
    runtime: Engine,
    start: From = "0",
    end: To = None,
    id: OfEntity = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> GraphChangePage:
    """Versions of facts that began or ended, in their order. Page with `next` as `cursor` until it
    is null."""
    return await runtime.knowledge.changes(
        moment(start, "from"),
        None if end is None else moment(end, "to"),
        id,
        cursor,
        limit,
    )


@get(
    "/v2/graph/contradictions",
    operation_id="listContradictions",
    summary="List what contradicts what",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 422),
)
async def list_contradictions(
    runtime: Engine, cursor: Cursor = None, limit: Limit = 50
) -> ContradictionPage:
    """What was said on both sides; nothing of it was overwritten."""
    return await runtime.knowledge.contradictions(cursor, limit)


@get(
    "/v2/graph/statistics",
    operation_id="graphStatistics",
    summary="Show how much is known, and how clean it is",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 422),
)
async def graph_statistics(runtime: Engine, stale_days: StaleDays = 180) -> GraphStatistics:
    """Looks at every fact: not to be asked every second of a large graph."""
    return await runtime.knowledge.statistics(stale_days)


@get(
    "/v2/graph/search",
    operation_id="searchGraph",
    summary="Search entities by words and by meaning",
    tags=TAGS,
    guards=[needs("read")],
    responses=errors(401, 403, 422, 503),
)
async def search_graph(
    runtime: Engine,
    q: Text,
    mode: Mode = "hybrid",
    kind: KindsParameter = None,
    cursor: Cursor = None,
    limit: Hits = 20,
) -> HitPage:
    """Best first, with what spoke for each. What was learned is found some seconds later."""
    return await runtime.knowledge.search(q, mode, kind or (), cursor, limit)


ROUTES: list[HTTPRouteHandler] = [
    list_entities,
    get_entity,
    list_facts,
    get_timeline,
    list_changes,
    list_contradictions,
    graph_statistics,
    search_graph,
]
