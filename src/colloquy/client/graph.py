"""Operations on the knowledge graph: `/v2/graph`.

`as_of` is a position of the ledger or a time; times need a zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ..model.graph import (
    ContradictionPage,
    Direction,
    EntityPage,
    EntityRequest,
    EntityView,
    FactPage,
    GraphChangePage,
    GraphStatistics,
    HitPage,
    ImpactRequest,
    ImpactView,
    LearnedView,
    LearnRequest,
    MergeRequest,
    NeighbourhoodView,
    PathRequest,
    PathsView,
    RelationshipFilter,
    RelationshipPage,
    RetractionRequest,
    SearchMode,
    TimelinePage,
    TraversalRequest,
    TraversalView,
)
from .operation import operation, paged
from .request import Ask, json

_ANY = RelationshipFilter()


class GraphOperations:
    """`/v2/graph`."""

    # -- reading ------------------------------------------------------------------------------

    @operation("GET", "/v2/graph/entities")
    def entity_page(
        self,
        kind: str | None = None,
        prefix: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Ask[EntityPage]:
        """One page of entities, of a kind, or with an id or name that begins so."""
        query = {"kind": kind, "prefix": prefix, "cursor": cursor, "limit": limit}
        return Ask(json(EntityPage), query=query)

    entities = paged(
        entity_page,
        lambda page: page.entities,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/graph/entity")
    def entity(
        self, id: str, as_of: int | datetime | None = None, valid_at: datetime | None = None
    ) -> Ask[EntityView]:
        """Kind and attributes of an entity, now or as they were."""
        query = {"id": id, "as_of": _moment(as_of), "valid_at": _moment(valid_at)}
        return Ask(json(EntityView), query=query)

    @operation("GET", "/v2/graph/entity/facts")
    def fact_page(
        self,
        id: str,
        predicate: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> Ask[FactPage]:
        """One page of an entity's facts, with their evidence and both times."""
        query = {
            "id": id,
            "predicate": predicate,
            "cursor": cursor,
            "limit": limit,
            "as_of": _moment(as_of),
            "valid_at": _moment(valid_at),
        }
        return Ask(json(FactPage), query=query)

    facts = paged(
        fact_page,
        lambda page: page.facts,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/graph/entity/timeline")
    def timeline_page(
        self,
        id: str,
        predicate: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Ask[TimelinePage]:
        """One page of every version of an entity's facts, oldest first."""
        query = {"id": id, "predicate": predicate, "cursor": cursor, "limit": limit}
        return Ask(json(TimelinePage), query=query)

    timeline = paged(
        timeline_page,
        lambda page: page.versions,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/graph/changes")
    def graph_change_page(
        self,
        start: int | datetime | None = None,
        end: int | datetime | None = None,
        id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Ask[GraphChangePage]:
        """One page of what began and ended between two moments, of one entity or of all."""
        query = {
            "from": _moment(start),
            "to": _moment(end),
            "id": id,
            "cursor": cursor,
            "limit": limit,
        }
        return Ask(json(GraphChangePage), query=query)

    graph_changes = paged(
        graph_change_page,
        lambda page: page.changes,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/graph/contradictions")
    def contradiction_page(
        self, cursor: str | None = None, limit: int | None = None
    ) -> Ask[ContradictionPage]:
        """One page of what contradicts what."""
        return Ask(json(ContradictionPage), query={"cursor": cursor, "limit": limit})

    contradictions = paged(
        contradiction_page,
        lambda page: page.contradictions,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/graph/statistics")
    def graph_statistics(self, stale_days: int | None = None) -> Ask[GraphStatistics]:
        """How much is known, and how clean it is."""
        return Ask(json(GraphStatistics), query={"stale_days": stale_days})

    @operation("GET", "/v2/graph/search")
    def graph_search_page(
        self,
        q: str,
        mode: SearchMode | None = None,
        kind: Sequence[str] = (),
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Ask[HitPage]:
        """One page of entities found by words, by meaning, or by both; best first."""
        query = {"q": q, "mode": mode, "kind": kind, "cursor": cursor, "limit": limit}
        return Ask(json(HitPage), query=query)

    graph_search = paged(
        graph_search_page,
        lambda page: page.hits,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    # -- teaching -----------------------------------------------------------------------------

    @operation("PUT", "/v2/graph/entity")
    def put_entity(self, id: str, request: EntityRequest) -> Ask[EntityView]:
        """Says what an entity is; what is left out stays."""
        return Ask(json(EntityView), query={"id": id}, body=request)

    @operation("POST", "/v2/graph/facts")
    def learn(self, request: LearnRequest) -> Ask[LearnedView]:
        """Learns up to 500 entities, relationships and facts, or none where one is wrong."""
        return Ask(json(LearnedView), body=request)

    @operation("POST", "/v2/graph/retractions")
    def retract(self, request: RetractionRequest) -> Ask[LearnedView]:
        """Takes back what was said under a key, what a fact rests on, or what a message said."""
        return Ask(json(LearnedView), body=request)

    @operation("POST", "/v2/graph/merges")
    def merge_entities(self, request: MergeRequest) -> Ask[LearnedView]:
        """Makes two entities one."""
        return Ask(json(LearnedView), body=request)

    @operation("DELETE", "/v2/graph/merges")
    def unmerge_entities(
        self, kept: str, other: str, reason: str | None = None
    ) -> Ask[LearnedView | None]:
        """Takes merged entities apart. None where an attempt whose answer was lost did it."""
        query = {"kept": kept, "other": other, "reason": reason}
        return Ask(_unmerged, query=query)

    # -- walking ------------------------------------------------------------------------------

    @operation("GET", "/v2/graph/entity/neighbours")
    def neighbours(
        self,
        id: str,
        hops: int | None = None,
        type: Sequence[str] = (),
        direction: Direction | None = None,
        max_read: int | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> Ask[NeighbourhoodView]:
        """One page of everything up to `hops` relationships away from an entity."""
        query = {
            "id": id,
            "hops": hops,
            "type": type,
            "direction": direction,
            "max_read": max_read,
            "cursor": cursor,
            "limit": limit,
            "as_of": _moment(as_of),
            "valid_at": _moment(valid_at),
        }
        return Ask(json(NeighbourhoodView), query=query)

    @operation("POST", "/v2/graph/traverse")
    def traverse(self, request: TraversalRequest) -> Ask[TraversalView]:
        """A walk from an entity, with a shortest way to each that passes the filters."""
        return Ask(json(TraversalView), body=request, has_id=True)

    @operation("POST", "/v2/graph/paths")
    def paths(self, request: PathRequest) -> Ask[PathsView]:
        """The ways between two entities."""
        return Ask(json(PathsView), body=request, has_id=True)

    @operation("POST", "/v2/graph/impact")
    def impact(self, request: ImpactRequest) -> Ask[ImpactView]:
        """What a change of an entity touches."""
        return Ask(json(ImpactView), body=request, has_id=True)

    @operation("GET", "/v2/graph/relationships")
    def relationship_page(
        self,
        filter: RelationshipFilter = _ANY,
        cursor: str | None = None,
        limit: int | None = None,
        *,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> Ask[RelationshipPage]:
        """One page of the relationships for which every given filter holds."""
        wanted = {
            name: _moment(value) if isinstance(value, datetime) else value
            for name, value in msgspec.structs.asdict(filter).items()
        }
        query = {
            **wanted,
            "cursor": cursor,
            "limit": limit,
            "as_of": _moment(as_of),
            "valid_at": _moment(valid_at),
        }
        return Ask(json(RelationshipPage), query=query)

    relationships = paged(
        relationship_page,
        lambda page: page.relationships,
        lambda page: None if page.next is None else {"cursor": page.next},
    )


def _unmerged(body: bytes) -> LearnedView | None:
    return None if body == b"null" else json(LearnedView)(body)


def _moment(value: int | datetime | None) -> int | str | None:
    return value.isoformat() if isinstance(value, datetime) else value
