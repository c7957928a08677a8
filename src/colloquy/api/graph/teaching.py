"""Writing: what is learned, taken back, made one and taken apart."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from ...model.graph import (
    EntityRequest,
    EntityView,
    LearnedView,
    LearnRequest,
    MergeRequest,
    RetractionRequest,
)
from ..access import needs
from ..conversations import actor_of
from ..idempotency import once_per_key
from ..parameters import Caller, Engine
from ..responses import BODY, errors
from .parameters import Id, id_parameter
from .reading import TAGS

Kept = Annotated[str, id_parameter("kept", "The entity that stands for both.")]
Other = Annotated[str, id_parameter("other", "The one that was merged into it.")]
Reason = Annotated[
    str,
    QueryParameter(
        name="reason", required=False, max_length=400, description="Why, for the ledger."
    ),
]


@put(
    "/v2/graph/entity",
    operation_id="putEntity",
    summary="Say what an entity is",
    tags=TAGS,
    guards=[needs("operate")],
    responses=errors(*BODY, 401, 403, 503),
)
async def put_entity(
    runtime: Engine, principal: Caller, id: Id, data: JSONBody[EntityRequest]
) -> EntityView:
    """Learns its kind and attributes. What is left out stays, members of sets too; what is known
    already is not said again."""
    return await runtime.knowledge.describe(id, data, actor_of(principal))


@post(
    "/v2/graph/facts",
    operation_id="learnFacts",
    summary="Learn entities, relationships and facts",
    tags=TAGS,
    status_code=201,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 409, 503),
)
async def learn_facts(
    runtime: Engine, principal: Caller, data: JSONBody[LearnRequest]
) -> LearnedView:
    """Up to 500 items. Each is checked first: where one is wrong, `field` names it and nothing is
    learned."""
    return await runtime.knowledge.learn(data, actor_of(principal))


@post(
    "/v2/graph/retractions",
    operation_id="retractFacts",
    summary="Take back what was said",
    tags=TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def retract_facts(
    runtime: Engine, principal: Caller, data: JSONBody[RetractionRequest]
) -> LearnedView:
    """Facts that rested on nothing else end now; the past keeps them."""
    return await runtime.knowledge.retract(data, actor_of(principal))


@post(
    "/v2/graph/merges",
    operation_id="mergeEntities",
    summary="Make two entities one",
    tags=TAGS,
    status_code=201,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def merge_entities(
    runtime: Engine, principal: Caller, data: JSONBody[MergeRequest]
) -> LearnedView:
    """Both are known under `kept`, whichever id is asked for."""
    return await runtime.knowledge.merge(data, actor_of(principal))


@delete(
    "/v2/graph/merges",
    operation_id="unmergeEntities",
    summary="Take merged entities apart",
    tags=TAGS,
    status_code=200,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422, 503),
)
async def unmerge_entities(
    runtime: Engine, principal: Caller, kept: Kept, other: Other, reason: Reason = ""
) -> LearnedView:
    """Each gets back what was said of it, and only that."""
    return await runtime.knowledge.unmerge(kept, other, actor_of(principal), reason)


ROUTES: list[HTTPRouteHandler] = [
    put_entity,
    learn_facts,
    retract_facts,
    merge_entities,
    unmerge_entities,
]
