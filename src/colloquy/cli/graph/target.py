"""The graph of a running server or of a closed database, by the same methods."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ...model.checkpoints import (
    CheckpointContent,
    CheckpointPage,
    CheckpointRequest,
    CheckpointView,
)
from ...model.graph import (
    ContradictionPage,
    Direction,
    EntityPage,
    EntityView,
    FactPage,
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
    RetractionRequest,
    SearchMode,
    TimelinePage,
)
from ..options import Reach
from ..target import ACTOR, Local, parse_moment, reached

if TYPE_CHECKING:
    from ...client import AsyncClient
    from ...runtime.graph import GraphDesk

T = TypeVar("T")

Id = Annotated[str, typer.Argument(metavar="ID", help="The entity's id.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="POSITION|TIME", help="What was known then, not what is known now."
    ),
]
ValidAt = Annotated[
    str | None,
    typer.Option("--valid-at", metavar="TIME", help="Only what was so in the world at this time."),
]
Predicate = Annotated[
    str | None,
    typer.Option("--predicate", help="Only this attribute or type of relationship."),
]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Follow only this type of relationship; repeatable."),
]
Way = Annotated[
    Direction, typer.Option("--direction", help="Which way relationships are followed.")
]


class LocalGraph:
    """Of a database opened in this process; the methods of `AsyncClient` that commands use."""

    def __init__(self, desk: GraphDesk) -> None:
        self._desk = desk

    async def entity_page(
        self,
        kind: str | None = None,
        prefix: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> EntityPage:
        return await self._desk.entities(kind or "", prefix or "", cursor, limit)

    async def entity(
        self, id: str, as_of: int | datetime | None = None, valid_at: datetime | None = None
    ) -> EntityView:
        return await self._desk.entity(id, as_of, valid_at)

    async def fact_page(
        self,
        id: str,
        predicate: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> FactPage:
        return await self._desk.facts(
            id, predicate or "", cursor, limit, as_of=as_of, valid_at=valid_at
        )

    async def timeline_page(
        self, id: str, predicate: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> TimelinePage:
        return await self._desk.timeline(id, predicate, cursor, limit)

    async def contradiction_page(
        self, cursor: str | None = None, limit: int = 50
    ) -> ContradictionPage:
        return await self._desk.contradictions(cursor, limit)

    async def graph_statistics(self, stale_days: int) -> GraphStatistics:
        return await self._desk.statistics(stale_days)

    async def graph_search_page(
        self,
        text: str,
        mode: SearchMode = "hybrid",
        kinds: Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 20,
    ) -> HitPage:
        # No server indexes what was learned here.
        await self._desk.searching.catch_up()
        return await self._desk.search(text, mode, kinds, cursor, limit)

    async def neighbours(
        self,
        id: str,
        hops: int,
        types: Sequence[str],
        direction: Direction,
        max_read: int,
        cursor: str | None,
        limit: int,
        *,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> NeighbourhoodView:
        return await self._desk.neighbours(
            id,
            hops,
            tuple(types),
            direction,
            max_read,
            cursor,
            limit,
            as_of=as_of,
            valid_at=valid_at,
        )

    async def paths(self, request: PathRequest) -> PathsView:
        return await self._desk.paths(request)

    async def impact(self, request: ImpactRequest) -> ImpactView:
        return await self._desk.impact(request)

    async def create_checkpoint(self, request: CheckpointRequest) -> CheckpointView:
        return await self._desk.checkpoints.create(request, ACTOR)

    async def checkpoint_page(self, cursor: str | None = None, limit: int = 50) -> CheckpointPage:
        return await self._desk.checkpoints.page(cursor, limit)

    async def checkpoint(
        self, checkpoint_id: str, cursor: str | None = None, limit: int = 100
    ) -> CheckpointContent:
        return await self._desk.checkpoints.show(checkpoint_id, cursor, limit)

    async def learn(self, request: LearnRequest) -> LearnedView:
        return await self._desk.learn(request, ACTOR)

    async def retract(self, request: RetractionRequest) -> LearnedView:
        return await self._desk.retract(request, ACTOR)

    async def merge_entities(self, request: MergeRequest) -> LearnedView:
        return await self._desk.merge(request, ACTOR)

    async def unmerge_entities(
        self, kept: str, other: str, reason: str | None = None
    ) -> LearnedView | None:
        return await self._desk.unmerge(kept, other, ACTOR, reason or "")


if TYPE_CHECKING:
    Target = LocalGraph | AsyncClient


def asked(reach: Reach, ask: Callable[[Target], Awaitable[T]], *, create: bool = False) -> T:
    """The answer of the graph that `reach` means; raises as `reached` does."""

    async def work() -> T:
        async with reached(reach, create=create) as target:
            if isinstance(target, Local):
                return await ask(LocalGraph(target.runtime.knowledge))
            return await ask(target)

    return asyncio.run(work())


def moment(text: str | None) -> int | datetime | None:
    """The option `--as-of`. Raises InvalidInput."""
    if text is not None and text.isascii() and text.isdecimal() and len(text) < 15:
        return int(text)
    return time(text, "as-of")


def time(text: str | None, field: str) -> datetime | None:
    """Raises InvalidInput."""
    return None if text is None else parse_moment(text, field)
