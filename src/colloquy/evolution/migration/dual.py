"""Dual write: a message of either format goes to the primary of the stage and, converted, to the
other side.

Where both tables share a database one transaction writes both, the secondary in a savepoint. In two
databases the primary's transaction leaves an id in an outbox, which is emptied at once and again
later (`draining`). A secondary that fails never fails the primary: each failure is a row of the
mismatch ledger.

    async with Tables(plan) as tables:
        writer = DualWriter(tables, stages.stage)
        receipts = await writer.write([{"id": 17, "conversation_id": "ann", …}])
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from ...model.errors import ColloquyError, Unavailable
from ...model.message import Message, check_message
from ...model.times import rfc3339, to_datetime
from ...telemetry import get_logger
from ..batches import message_of
from ..stage import Stage
from ..v1 import V1Message, check_json, check_v1
from .comparing import Found
from .database import Operations
from .draining import BATCH, drain
from .legacy import Key
from .putting import put_each
from .sides import Side, told
from .stages import STAGE_AGE_S
from .tables import Tables

log = get_logger(__name__)


class Written(NamedTuple):
    """A message that the primary has. `both`: the other side has it as well; where it does not, and
    should, it is in the outbox or in the mismatch ledger."""

    key: Key
    both: bool


class _Item(NamedTuple):
    """A message as the rows of both tables; None for a side that cannot hold it (`reason`)."""

    key: Key
    v1: tuple[Any, ...] | None
    v2: tuple[Any, ...] | None
    reason: str = ""

    def row(self, version: int) -> tuple[Any, ...] | None:
        return self.v1 if version == 1 else self.v2


class StageCache:
    """The stage as it was asked at most `age_s` seconds ago."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[Stage]],
        age_s: float = STAGE_AGE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._age_s = age_s
        self._monotonic = monotonic
        self._known: tuple[Stage, float] | None = None

    async def now(self) -> Stage:
        """Raises StoreUnavailable where it was never known; else the last known one holds."""
        now = self._monotonic()
        if self._known is None or now - self._known[1] >= self._age_s:
            try:
                self._known = (await self._ask(), now)
            except ColloquyError as error:
                if self._known is None:
                    raise
                self._known = (self._known[0], now)
                log.warning("migration_stage_not_asked", detail=error.detail)
        return self._known[0]


class DualWriter:
    """`stage` says where the migration stands; it is asked at most every `STAGE_AGE_S`.

    `is_on`: whether the other side is written too; in a program with an engine, its flag
    `maintain_dual_write`. What is written meanwhile has to be compared and repaired afterwards.
    """

    def __init__(
        self,
        tables: Tables,
        stage: Callable[[], Awaitable[Stage]],
        *,
        is_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self.tables = tables
        self._stage = StageCache(stage)
        self._is_on = is_on

    async def write(self, messages: Sequence[Any]) -> list[Written | ColloquyError]:
        """Writes messages of either format, each by its id; answers in their order.

        A message that the primary cannot hold is answered with its error and not written anywhere.
        Raises StoreUnavailable when nothing of the batch was written.
        """
        versions = (await self._stage.now()).writes
        if not self._is_on():
            versions = versions[:1]
        answers: list[Written | ColloquyError | None] = [None] * len(messages)
        items: dict[Key, _Item] = {}
        places: dict[Key, list[int]] = {}
        for place, message in enumerate(messages):
            try:
                item = self._item(message, versions)
            except ColloquyError as error:
                answers[place] = error
                continue
            items[item.key] = item  # of the same message twice the later one counts
            places.setdefault(item.key, []).append(place)
        if items:
            written = await self._write(list(items.values()), versions)
            for key, its in places.items():
                for place in its:
                    answers[place] = written[key]
        return [answer for answer in answers if answer is not None]

    def _item(self, message: Any, versions: tuple[int, ...]) -> _Item:
        """Raises InvalidInput for what the primary cannot hold."""
        legacy, current, formats = self.tables.legacy, self.tables.current, self.tables.formats
        make: dict[int, Callable[[], tuple[Any, ...]]]
        if isinstance(message, dict) and "role" in message:
            v1 = self._v1(message)
            key = legacy.key(v1.get("id"))
            make = {1: lambda: legacy.row(v1), 2: lambda: current.row(key, formats.v2(v1))}
        else:
            v2 = self._v2(message)
            key = legacy.key(v2.id)
            make = {1: lambda: legacy.row(formats.v1(v2)), 2: lambda: current.row(key, v2)}
        rows: dict[int, tuple[Any, ...]] = {}
        reason = ""
        for version in versions:
            try:
                rows[version] = make[version]()
            except ColloquyError as error:
                if version == versions[0]:
                    raise
                reason = told(error)
        return _Item(key, rows.get(1), rows.get(2), reason)

    def _v2(self, message: Any) -> Message:
        """A V2 message with a time, for the same reason."""
        formats = self.tables.formats
        found = message_of(message, formats.place)
        if isinstance(message, Message):
            check_message(found, max_text=None)
        if found.sent_at is None:
            found = replace(found, sent_at=to_datetime(self.tables.clock()))
        return formats.settled(found)

    def _v1(self, message: V1Message) -> V1Message:
        """A V1 message as the old table keeps it, with a time: the tables are to agree on it, and
        neither is to make one up."""
        check_json(message)
        check_v1(message)
        if message.get("timestamp") is None:
            message = {**message, "timestamp": rfc3339(self.tables.clock())}
        return self.tables.legacy.as_kept(message)

    async def _write(
        self, items: Sequence[_Item], versions: tuple[int, ...]
    ) -> dict[Key, Written | ColloquyError]:
        tables = self.tables
        primary, secondary = versions[0], versions[1] if len(versions) > 1 else None
        try:
            failed = await Side(tables, primary).database.transact(
                lambda: self._steps(items, primary, secondary)
            )
        except Unavailable:
            raise
        except ColloquyError as error:
            if len(items) == 1:
                return {items[0].key: error}
            half = len(items) // 2  # one row of the primary is refused: the others are written
            found = await self._write(items[:half], versions)
            return found | await self._write(items[half:], versions)
        if secondary is not None and not tables.is_shared:
            failed |= await self._empty_outbox(items, primary)
        both = secondary is not None
        return {one.key: Written(one.key, both and one.key not in failed) for one in items}

    def _steps(
        self, items: Sequence[_Item], primary: int, secondary: int | None
    ) -> Operations[set[Key]]:
        """Returns the keys that the secondary did not take."""
        tables = self.tables
        yield Side(tables, primary).write([row for one in items if (row := one.row(primary))])
        if secondary is None:
            return set()
        if not tables.is_shared:
            yield Side(tables, primary).outbox.put([one.key for one in items])
            return set()
        failed = {one.key: one.reason for one in items if one.row(secondary) is None}
        rows = {one.key: row for one in items if (row := one.row(secondary))}
        failed |= yield from put_each(Side(tables, secondary).write, rows)
        for key, reason in failed.items():
            yield tables.mismatches.record([Found(key, "", "failed_write")], reason)
        return set(failed)

    async def _empty_outbox(self, items: Sequence[_Item], primary: int) -> set[Key]:
        """Tries at once; what does not work stays in the outbox and is no error of the write."""
        keys = [one.key for one in items]
        try:
            await drain(self.tables, primary, max(len(keys), BATCH))
            return await Side(self.tables, primary).outbox.among(keys)
        except ColloquyError as error:
            log.warning("migration_outbox_waits", detail=error.detail)
            return set(keys)
