"""What handlers can ask of the graph: `turn.graph`."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.errors import NotFound
from ...model.graph import Direction, EntityView, HitView, NeighbourhoodView, SearchMode
from ...model.turn import Turn
from ...pipeline.teaching import person_in
from .desk import GraphDesk


class AskedByTurn:
    """Nothing is read before it is asked for: what is so now, not what was or will be. All methods
    may raise StoreUnavailable."""

    def __init__(self, desk: GraphDesk, turn: Turn) -> None:
        self._desk = desk
        # Not the turn, which holds this: nothing of a turn shall wait for the collector.
        self._session = turn.session
        self._incoming = turn.incoming

    @property
    def person(self) -> str:
        """The id of who wrote the turn's last message; of a timer's turn, the conversation's."""
        incoming = self._incoming
        return person_in(self._session, incoming[-1].message if incoming else None)

    async def entity(self, id: str | None = None) -> EntityView | None:
        try:
            return await self._desk.entity(
                self.person if id is None else id, valid_at=self._desk.now()
            )
        except NotFound:
            return None

    async def search(
        self,
        text: str,
        kinds: Sequence[str] = (),
        limit: int = 5,
        mode: SearchMode = "hybrid",
    ) -> list[HitView]:
        """Raises InvalidInput, Unavailable."""
        return (await self._desk.search(text, mode, kinds, None, limit)).hits

    async def neighbours(
        self,
        id: str | None = None,
        hops: int = 1,
        types: Sequence[str] = (),
        direction: Direction = "both",
    ) -> NeighbourhoodView | None:
        """Raises InvalidInput."""
        try:
            return await self._desk.neighbours(
                self.person if id is None else id,
                hops,
                tuple(types),
                direction,
                valid_at=self._desk.now(),
            )
        except NotFound:
            return None
