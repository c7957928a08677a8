"""Following relationships: what lies around an entity, ways, impact, relationships by filter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from ...graph.kinds import check_id
from ...graph.queries.conditions import Condition, read_conditions
from ...graph.queries.impact import ImpactQuery, impact
from ...graph.queries.paths import PathQuery, all_paths, shortest_path
from ...graph.queries.relationships import RelationshipQuery, find_relationships
from ...graph.queries.steps import check_types
from ...graph.queries.traversal import TraversalQuery, neighbourhood, traverse
from ...graph.values import plain
from ...model.errors import InvalidInput
from ...model.graph import (
    MAX_HOPS,
    MAX_READ,
    CascadingImpact,
    DirectImpact,
    Direction,
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
from .part import Part, check_kinds, optional_microseconds
from .views import edge_view, path_view, reached_view, relationship_view


class Walking(Part):
    """Everything here reads a bounded number of relationships and says where there were more."""

    async def neighbours(
        self,
        id: str,
        hops: int = 1,
        types: tuple[str, ...] = (),
        direction: Direction = "both",
        max_read: int = MAX_READ,
        cursor: str | None = None,
        limit: int = 100,
        *,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> NeighbourhoodView:
        """Raises NotFound, InvalidInput."""
        if not 1 <= hops <= MAX_HOPS:
            raise InvalidInput(f"`hops` must be 1 to {MAX_HOPS}", field="hops")
        if not 1 <= max_read <= MAX_READ:
            raise InvalidInput(f"`max_read` must be 1 to {MAX_READ}", field="max_read")
        moment = await self.moment(as_of, valid_at)
        found = await neighbourhood(
            self._store,
            id,
            hops,
            types=types,
            direction=direction,
            moment=moment,
            budget=max_read,
            limit=limit,
            cursor=cursor,
        )
        return NeighbourhoodView(
            found.start,
            [reached_view(one) for one in found.entities],
            [edge_view(one) for one in found.relationships],
            found.truncated,
            found.entity_total,
            found.relationship_total,
            found.next,
        )

    async def traverse(self, request: TraversalRequest) -> TraversalView:
        """Raises NotFound, InvalidInput."""
        check_kinds(request.kinds, "kinds")
        plain(request.properties, "properties")
        query = TraversalQuery(
            start=request.start,
            types=request.types,
            direction=request.direction,
            max_depth=request.max_depth,
            limit=request.limit,
            kinds=request.kinds,
            properties=request.properties,
            moment=await self.moment(request.as_of, request.valid_at),
            budget=request.max_read,
        )
        found = await traverse(self._store, query)
        return TraversalView(
            [reached_view(one) for one in found.entities],
            [path_view(one) for one in found.paths],
            found.seen,
            found.truncated,
        )

    async def paths(self, request: PathRequest) -> PathsView:
        """Raises NotFound, InvalidInput."""
        query = PathQuery(
            start=request.start,
            end=request.end,
            types=request.types,
            direction=request.direction,
            max_depth=request.max_depth,
            limit=request.limit,
            moment=await self.moment(request.as_of, request.valid_at),
            budget=request.max_read,
        )
        search = shortest_path if request.find == "shortest" else all_paths
        found = await search(self._store, query)
        return PathsView([path_view(one) for one in found.paths], found.truncated)

    async def impact(self, request: ImpactRequest) -> ImpactView:
        """Raises NotFound, InvalidInput."""
        query = ImpactQuery(
            entity=request.entity,
            change=request.change,
            include_indirect=request.include_indirect,
            max_depth=request.max_depth,
            types=request.types,
            moment=await self.moment(request.as_of, request.valid_at),
            budget=request.max_read,
        )
        found = await impact(self._store, query)
        return ImpactView(
            [DirectImpact(d.entities, d.severity, d.relationship, d.reason) for d in found.direct],
            [
                CascadingImpact(c.level, c.entities, c.relationship, c.confidence)
                for c in found.cascading
            ],
            found.total,
            found.score,
            found.risk,
            found.truncated,
        )

    async def relationships(
        self,
        filter: RelationshipFilter,
        cursor: str | None = None,
        limit: int = 50,
        *,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> RelationshipPage:
        """Raises NotFound (the `entity`), InvalidInput."""
        for field in ("kind", "source_kind", "target_kind"):
            check_kinds(getattr(filter, field), field)
        for field in ("source", "target"):
            for id_ in getattr(filter, field):
                _check_text(check_id(id_, field), field)
        query = RelationshipQuery(
            entity=filter.entity,
            direction=filter.direction,
            sources=filter.source,
            targets=filter.target,
            types=check_types(filter.type, "type"),
            kinds=filter.kind,
            source_kinds=filter.source_kind,
            target_kinds=filter.target_kind,
            source_attributes=_pairs(filter.source_attribute, "source_attribute"),
            target_attributes=_pairs(filter.target_attribute, "target_attribute"),
            attributes=_conditions(filter.where),
            confidence_min=filter.confidence_min,
            confidence_max=filter.confidence_max,
            valid_since_us=optional_microseconds(filter.valid_since, "valid_since"),
            valid_until_us=optional_microseconds(filter.valid_until, "valid_until"),
            seen_since_us=optional_microseconds(filter.seen_since, "seen_since"),
            seen_until_us=optional_microseconds(filter.seen_until, "seen_until"),
            moment=await self.moment(as_of, valid_at),
            cursor=cursor,
            limit=limit,
        )
        page = await find_relationships(self._store, query)
        return RelationshipPage([relationship_view(one) for one in page.found], page.next)


def _check_text(text: str, field: str) -> None:
    """Raises InvalidInput for what PostgreSQL could not compare with."""
    if "\0" in text:
        raise InvalidInput(f"`{field}` has a U+0000", field=field)


def _pairs(texts: Iterable[str], field: str) -> dict[str, tuple[Any, ...]]:
    """`name:value` texts by name; a value that is JSON is that, any other is text."""
    found: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, colon, raw = text.partition(":")
        if not name or not colon or not raw:
            raise InvalidInput(f"`{field}` is NAME:VALUE, not {text[:80]!r}", field=field)
        _check_text(name, field)
        found[name] = (*found.get(name, ()), plain(_value(raw), field))
    return found


def _conditions(texts: Iterable[str]) -> tuple[Condition, ...]:
    pairs = _pairs(texts, "where")
    try:
        return read_conditions({n: v[0] if len(v) == 1 else v for n, v in pairs.items()})
    except InvalidInput as error:
        raise InvalidInput(error.detail, field="where") from None


def _value(raw: str) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw
