"""What the parts of the façade stand on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ...graph.graph import FIRST_TIME, Graph
from ...graph.kinds import shape_of
from ...graph.queries.sql import Moment
from ...model.errors import InvalidInput
from ...model.times import Clock, to_datetime, to_us
from ...storage.store import Store


class Part:
    """All methods may raise StoreUnavailable."""

    def __init__(self, graph: Graph, store: Store, clock: Clock) -> None:
        self._graph = graph
        self._store = store
        self._clock = clock

    def now(self) -> datetime:
        """By the engine's clock."""
        return to_datetime(self._clock())

    async def moment(
        self, as_of: int | datetime | None = None, valid_at: datetime | None = None
    ) -> Moment:
        """What is asked about: known at a position or time of ours, and so at a time of the world.

        Raises InvalidInput, NotRestorable.
        """
        position = None if as_of is None else await self.position_of(as_of, "as_of")
        return await self._graph.moment(position, optional_microseconds(valid_at, "valid_at"))

    async def position_of(self, moment: int | datetime, field: str) -> int:
        """A position as it is; of a time the newest at or before it. Raises InvalidInput."""
        if isinstance(moment, datetime):
            return await self._graph.position_at(microseconds(moment, field))
        if not 0 <= moment < FIRST_TIME:
            raise InvalidInput(f"a position is 0 to {FIRST_TIME - 1}", field=field)
        return moment


def microseconds(moment: datetime, field: str) -> int:
    """Raises InvalidInput without a zone."""
    if moment.tzinfo is None:
        raise InvalidInput("a time needs a zone (RFC 3339)", field=field)
    return to_us(moment)


def optional_microseconds(moment: datetime | None, field: str) -> int | None:
    """Raises InvalidInput without a zone."""
    return None if moment is None else microseconds(moment, field)


def check_kinds(kinds: Iterable[str], field: str) -> None:
    """Raises InvalidInput for a name that is no kind of entity."""
    for kind in kinds:
        try:
            shape_of(kind)
        except InvalidInput as error:
            raise InvalidInput(error.detail, field=field) from None
