"""What the parts of the façade stand on."""

from __future__ import annotations

from datetime import datetime

from ...ledger.ledger import Ledger
from ...model import ids
from ...model.errors import InvalidInput, NotFound
from ...model.times import to_us
from ...storage.store import Store

LARGEST = 2**62


class Part:
    """Finds conversations and positions. All methods may raise StoreUnavailable."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self.ledger = ledger
        self._store = store

    async def _session(self, conversation_id: str) -> int:
        """The number of a conversation's session. Raises InvalidInput, NotFound."""
        key = ids.parse_id(conversation_id, "conversation_id")
        found = await self._store.sessions([key])
        if key not in found:
            raise NotFound(f"no conversation {conversation_id}", field="conversation_id")
        return found[key].number

    async def position_of(self, moment: str, field: str) -> int:
        """The position that a text means: itself, a point's id, or a time.

        Raises InvalidInput, NotFound, PointExpired, and NotRestorable where compaction left too
        little.
        """
        head = await self.ledger.history.head()
        if moment.isascii() and moment.isdecimal() and len(moment) < 19:
            position = int(moment)
            if position > head:
                raise InvalidInput(f"the ledger ends at position {head}", field=field)
        elif len(moment) == 32 and "-" not in moment:
            position = (await self.ledger.points.get(moment)).position
        else:
            position = await self.ledger.history.position_at(_time(moment, field))
        await self.ledger.history.check_restorable(position)
        return position


def _time(text: str, field: str) -> int:
    try:
        return to_us(datetime.fromisoformat(text))
    except ValueError:
        raise InvalidInput(
            "give a position, a rollback point's id, or a time with a zone (RFC 3339)", field=field
        ) from None
