"""Writing to the graph: what somebody says is checked whole before any of it is written."""

from __future__ import annotations

from ...graph.graph import Graph
from ...graph.learning import TYPE
from ...graph.queries.entities import nodes_of, numbers_of
from ...graph.queries.sql import NOW
from ...graph.slots import parse_key
from ...graph.statements import Assertion
from ...graph.values import canonical
from ...graph.views import fact_views
from ...model.errors import InvalidInput, NotFound
from ...model.graph import (
    MAX_BATCH,
    EntityRequest,
    EntityView,
    LearnedView,
    LearnRequest,
    MergeRequest,
    RetractionRequest,
)
from ...model.times import Clock
from ...settings.noise import NoiseSettings
from ...storage.store import Store
from .offers import check_joins, described, fitting, offer
from .reading import Reading
from .views import learned_view


class Teaching(Reading):
    """What is wrong is refused whole; what is too weak is passed over and named."""

    def __init__(self, graph: Graph, store: Store, clock: Clock, noise: NoiseSettings) -> None:
        super().__init__(graph, store, clock)
        self._noise = noise

    async def learn(self, request: LearnRequest, actor: str) -> LearnedView:
        """Raises InvalidInput with index and field (`facts[3].value`): then nothing was learned."""
        count = len(request.entities) + len(request.relationships) + len(request.facts)
        if not 0 < count <= MAX_BATCH:
            raise InvalidInput(f"give 1 to {MAX_BATCH} items, not {count}", field="facts")
        now = self._clock()
        made = offer(request, self._noise, now)
        kinds = await self._kinds(request)
        check_joins(request.relationships, kinds)
        statements = made.statements + fitting(made.facts, kinds)
        report = await self._graph.learn(statements, actor, refused=len(made.refused))
        return learned_view(report, made.refused)

    async def describe(self, id: str, request: EntityRequest, actor: str) -> EntityView:
        """Learns what an entity is. What is known already is not said again, unless the request
        brings a time or evidence of its own. Raises InvalidInput."""
        statements = described(id, request, self._clock())
        times = (request.said, request.valid_from, request.valid_to, request.evidence)
        if all(one is None for one in times):
            statements = await self._unknown(id, statements)
        await self._graph.learn(statements, actor)
        return await self.entity(id)

    async def retract(self, request: RetractionRequest, actor: str) -> LearnedView:
        """Raises NotFound where nothing is said, InvalidInput."""
        given = [one for one in (request.key, request.fact, request.event) if one is not None]
        if len(given) != 1:
            raise InvalidInput("give one of `key`, `fact` and `event`", field="key")
        if request.fact is not None:
            facts = await fact_views(self._store, [("number", request.fact)], NOW, 0, 1)
            if not facts:
                raise NotFound(f"no fact {request.fact} is known now", field="fact")
            report = await self._graph.retract(facts[0], actor, request.reason)
        elif request.key is not None:
            parse_key(request.key)
            report = await self._graph.retract(request.key, actor, request.reason)
        else:
            report = await self._graph.retract(given[0], actor, request.reason)
        return learned_view(report)

    async def merge(self, request: MergeRequest, actor: str) -> LearnedView:
        """Raises NotFound, InvalidInput."""
        report = await self._graph.merge(request.kept, request.other, actor, request.note)
        return learned_view(report)

    async def unmerge(self, kept: str, other: str, actor: str, reason: str = "") -> LearnedView:
        """Takes them apart as if they had never been merged. Raises NotFound, InvalidInput."""
        return learned_view(await self._graph.unmerge(kept, other, actor, reason))

    async def _unknown(self, id: str, statements: list[Assertion]) -> list[Assertion]:
        """Those of which nothing is known yet, in these words."""
        try:
            known = await self.entity(id)
        except NotFound:
            return statements
        said = {(TYPE, canonical(known.kind))}
        for name, value in known.attributes.items():
            said.add((name, canonical(value)))
            if isinstance(value, list):  # of a set each member is a statement
                said.update((name, canonical(member)) for member in value)
        return [one for one in statements if (one.predicate, canonical(one.value)) not in said]

    async def _kinds(self, request: LearnRequest) -> dict[str, str | None]:
        """The kinds of what the request is about, as it says them or as they are known."""
        ids = {end for one in request.relationships for end in (one.source, one.target)}
        ids |= {one.subject for one in request.facts}
        named = await numbers_of(self._store, ids)
        nodes = await nodes_of(self._store, {one.stands for one in named.values()})
        kinds = {id_: nodes[one.stands].kind for id_, one in named.items()}
        return kinds | {entity.id: entity.kind for entity in request.entities}
