"""Rollbacks of all processes of one database, as one of them follows them: it clears its own caches
after those that clear caches, whoever made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from ...evolution.levels import clears_caches
from ...model.rollouts import Level
from ...storage.store import Store
from ...telemetry import get_logger
from .records import ROLLBACKS, LevelRecord

log = get_logger(__name__)

LAST = "g"
"""Comes after every id, which is hexadecimal."""
FOLLOWED = 20
"""The newest rollbacks that are looked at: of those that came in a second."""


class _Heard(Struct):
    """What is read of one: of other versions of this program, too."""

    id: str
    level: Level
    status: str


_heard = msgspec.json.Decoder(_Heard)


class Following:
    """`caches`: what clears each of this process."""

    def __init__(self, store: Store, caches: Sequence[Callable[[], None]]) -> None:
        self._store = store
        self._caches = tuple(caches)
        self._known: dict[str, str] | None = None
        """Rollbacks that were seen and what became of each; None before the first look."""
        self.version = 0
        """Moves when there is another rollback, or another status of one."""

    def clear(self) -> None:
        """Clears what this process keeps of conversations."""
        for clear in self._caches:
            clear()

    def note(self, record: LevelRecord) -> None:
        """This process has made a rollback, or changed what is known of one."""
        self.version += 1
        if self._known is not None:
            self._known[record.id] = record.status

    async def look(self) -> None:
        """Clears caches after rollbacks that came since the last look; at the first there is
        nothing in them yet. Raises StoreUnavailable."""
        rows = await self._store.query("ledger_records_back", ROLLBACKS, LAST, FOLLOWED)
        records = [_heard.decode(bytes(row[3])) for row in rows]
        before, self._known = self._known, {record.id: record.status for record in records}
        if before is None:
            return
        self.version += before != self._known
        heard = [record for record in records if record.id not in before]
        if any(clears_caches(record.level) for record in heard):
            log.warning("caches_cleared", rollbacks=[record.id for record in heard])
            self.clear()
