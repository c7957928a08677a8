"""Harm to the tables: writes that fail on either side, and rows spoilt behind everybody's back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import msgspec

from ...evolution.migration import Tables
from ...evolution.migration.database import Ask, Database
from ...evolution.stage import Stage
from ...model.message import Message
from .table import TABLE, Trigger, execute, sample

LIVE_SHARE, LIVE_REST = 11, 5
OLD_SHARE, OLD_REST = 499, 5
REFUSED_SHARE, REFUSED_REST = 13, 3
FALLING_BACK = (Stage.DUAL_V1, Stage.DUAL_V2)
"""Stages on which a read asks the other side; what they say of themselves is what is tested."""
SPOILT = 6
"""Rows of each kind of damage at one stage."""


class Damage:
    """`injected` says of which side: what `verify` must find of messages by their ids."""

    def __init__(self, tables: Tables, first_live: int, olds: Sequence[int], seed: int) -> None:
        """`olds`: messages of the old table that nobody writes any more."""
        self._tables = tables
        self._first = first_live
        # A row that the fault is on cannot be spoilt either.
        self._free = [id for id in olds if not self.is_faulty(id)]
        self._chance = random.Random(f"damage {seed}")
        self._chance.shuffle(self._free)
        self._faults: dict[str, tuple[Database, Trigger]] = {}
        self.open: dict[int, str] = {}
        """Injected, and not yet repaired: id → side and kind."""
        self.counts: Counter[str] = Counter()

    def is_faulty(self, id: int) -> bool:
        """Whether the secondary refuses this message while the fault is set."""
        if id >= self._first:
            return id % LIVE_SHARE == LIVE_REST
        return id % OLD_SHARE == OLD_REST

    def is_refused(self, id: int) -> bool:
        """The same of the primary; only new messages are."""
        return id >= self._first and id % REFUSED_SHARE == REFUSED_REST

    async def set_faults(self, stage: Stage) -> None:
        await self._set(
            "primary",
            stage.primary,
            f"NEW.id >= {self._first} AND NEW.id % {REFUSED_SHARE} = {REFUSED_REST}",
        )
        if len(stage.writes) > 1:
            await self._set(
                "secondary",
                stage.writes[1],
                f"(NEW.id >= {self._first} AND NEW.id % {LIVE_SHARE} = {LIVE_REST}) "
                f"OR (NEW.id < {self._first} AND NEW.id % {OLD_SHARE} = {OLD_REST})",
            )

    async def lift(self, which: str) -> None:
        if which in self._faults:
            database, trigger = self._faults.pop(which)
            await trigger.lift(database)

    def inject(self, id: int, side: int, kind: str) -> None:
        if id not in self.open:
            self.counts[f"V{side}"] += 1
        self.open[id] = f"V{side} {kind}"

    async def spoil(self, stage: Stage) -> list[int]:
        """Edits and deletes on the side that is not read; on the other one only deletes, and only
        where a read falls back. Returns the ids."""
        tables = self._tables
        secondary = stage.writes[1]
        groups = {kind: self._take() for kind in ("edited", "deleted", "garbled")}
        if secondary == 2:
            await self._edit_v2(groups["edited"])
            await self._delete(2, groups["deleted"])
            await execute(
                tables.new,
                [
                    f"UPDATE {self._table(2)} SET body = {self._garbage()} WHERE id = {id}"
                    for id in groups["garbled"]
                ],
            )
        else:
            await execute(
                tables.old,
                [
                    f"UPDATE {TABLE} SET content = 'by hand', role = 'system' "
                    f"WHERE id IN ({_list(groups['edited'])})",
                    f"UPDATE {TABLE} SET role = 'tool', metadata = NULL "
                    f"WHERE id IN ({_list(groups['garbled'])})",
                ],
            )
            await self._delete(1, groups["deleted"])
        for kind, ids in groups.items():
            for id in ids:
                self.inject(id, secondary, kind)
        if stage in FALLING_BACK:
            groups["fallen back"] = ids = self._take()
            await self._delete(stage.primary, ids)
            for id in ids:
                self.inject(id, stage.primary, "deleted")
        return [id for ids in groups.values() for id in ids]

    async def _set(self, which: str, version: int, condition: str) -> None:
        database = self._tables.old if version == 1 else self._tables.new
        trigger = Trigger(f"fault_of_{which}", self._table(version), condition)
        await trigger.set(database)
        self._faults[which] = database, trigger

    async def _edit_v2(self, ids: Sequence[int]) -> None:
        current = self._tables.current
        ask = current.by_key(ids)
        rows = []
        for id, body in await self._tables.new.ask(ask.sql, *ask.parameters):
            message = msgspec.json.decode(body, type=Message)
            rows.append(current.row(id, msgspec.structs.replace(message, text="by hand")))
        await self._tables.new.run(current.write(rows))

    async def _delete(self, version: int, ids: Sequence[int]) -> None:
        database = self._tables.old if version == 1 else self._tables.new
        await database.run(Ask(f"DELETE FROM {self._table(version)} WHERE id IN ({_list(ids)})"))

    def _table(self, version: int) -> str:
        return TABLE if version == 1 else self._tables.current.label

    def _garbage(self) -> str:
        return "x'6e6f'" if self._tables.new.dialect == "sqlite" else "'\\x6e6f'::bytea"

    def _take(self) -> list[int]:
        """Some that were not harmed before, as long as there are such."""
        if len(self._free) < SPOILT:
            return sample(self._chance, self._free, SPOILT)
        taken, self._free = self._free[:SPOILT], self._free[SPOILT:]
        return taken


def _list(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids)) or "NULL"
