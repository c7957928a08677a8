"""Reading while two tables hold the messages: from the side of the stage, and from the other one
where that fails or does not have a message. How often is counted, and kept in the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from ...model.errors import ColloquyError
from ...model.message import Message
from ...telemetry import get_logger
from ..stage import Stage
from ..v1 import V1Message
from .comparing import compare
from .dual import StageCache
from .legacy import Key
from .sides import Read, Side
from .tables import Tables

log = get_logger(__name__)


class ReadCounts(Struct):
    """Messages asked for, those that the other side had to give because a read failed or did not
    have them, and, in `shadow`, those that the two sides gave differently."""

    asked: int = 0
    failed_over: int = 0
    filled: int = 0
    different: int = 0


class DualReader:
    """`stage` as for `DualWriter`. `counts` are this process's own."""

    def __init__(self, tables: Tables, stage: Callable[[], Awaitable[Stage]]) -> None:
        self.tables = tables
        self.counts = ReadCounts()
        self._stage = StageCache(stage)

    async def read(self, ids: Sequence[Any]) -> dict[Key, V1Message]:
        """Id → message in V1, of those that there are. Written as JSON it is the same bytes on
        every stage, whichever side it came from.

        Raises InvalidInput for an id that the tables cannot have, StoreUnavailable when neither
        side that the stage allows can be read, ColloquyError for a row that is no message.
        """
        stage = await self._stage.now()
        keys = list(dict.fromkeys(self.tables.legacy.key(id) for id in ids))
        self.counts.asked += len(keys)
        found = await self._read(keys, stage)
        messages: dict[Key, V1Message] = {}
        for key, message in found.items():
            if isinstance(message, ColloquyError):
                raise message
            messages[key] = _in_order(message)
        return messages

    async def read_v2(self, ids: Sequence[Any]) -> dict[Key, Message]:
        """The same in V2."""
        found = await self.read(ids)
        return {key: self.tables.formats.v2(message) for key, message in found.items()}

    async def _read(self, keys: Sequence[Key], stage: Stage) -> Read:
        side = Side(self.tables, stage.primary)
        try:
            found = await side.read(keys)
        except ColloquyError as error:
            if not stage.falls_back:
                raise
            log.warning("migration_read_failed_over", version=side.version, detail=error.detail)
            self.counts.failed_over += len(keys)
            return await side.other.read(keys)
        if stage is Stage.SHADOW:
            await self._shadow(found)
        lacking = [key for key in keys if isinstance(found.get(key, _NONE), ColloquyError)]
        if not lacking or not stage.falls_back:
            return found
        try:
            given = await side.other.read(lacking)
        except ColloquyError as error:
            # What the stage's own side says holds: the message is not there.
            log.warning("migration_fall_back_failed", detail=error.detail)
            return found
        self.counts.filled += sum(not isinstance(one, ColloquyError) for one in given.values())
        return {**found, **given}

    async def _shadow(self, found: Read) -> None:
        """Compares with what V2 would have said; whoever reads waits for it, and never sees it."""
        try:
            other = await Side(self.tables, 2).read(list(found))
            for key, message in found.items():
                shadow = other.get(key)
                if isinstance(message, ColloquyError) or isinstance(shadow, ColloquyError):
                    continue
                differences = compare(key, message, shadow)
                # Not there yet is what the backfill is for.
                if shadow is not None and differences:
                    self.counts.different += 1
                    await self.tables.mismatches.note(differences, "read in shadow")
        except ColloquyError as error:
            log.warning("migration_shadow_failed", detail=error.detail)


def _in_order(value: Any) -> Any:
    """The same JSON, the fields of each object by name: the tables keep them in different orders,
    and some databases in one of their own."""
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    return [_in_order(one) for one in value] if isinstance(value, list) else value


_NONE = ColloquyError("not there")
