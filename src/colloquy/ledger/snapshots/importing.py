"""Bringing a snapshot's records into the ledger, a frame of them in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from typing import Literal

from msgspec import Struct

from ...model.counting import counted
from ...model.errors import Conflict, LedgerConflict
from ...storage.commit import Rows
from ...storage.write_set import Change
from ..collections import Refused, decode_value, encode_value
from ..ledger import Ledger
from ..merge import MISSING, ConflictPolicy
from ..restoring.folding import Name
from ..restoring.requests import Request
from ..scope import Scope
from .format import Record

Policy = Literal["overwrite", "skip", "abort"]

Steps = Generator[tuple[str, Rows], Rows, "Tallied"]


class Tallied(Struct):
    written: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: list[str] = []

    def __add__(self, other: Tallied) -> Tallied:
        return Tallied(
            self.written + other.written, self.unchanged + other.unchanged,
            self.skipped + other.skipped, [*self.refused, *other.refused],
        )  # fmt: skip


class Import(Struct, frozen=True):
    """One import. `scope` is that of the snapshot, `id` the origin of what is written."""

    ledger: Ledger
    scope: Scope
    policy: Policy
    actor: str
    id: str

    def ranks(self, records: list[Record]) -> set[int]:
        """What others build on has a lower one and must come before."""
        return {self._rank(record) for record in records}

    def _rank(self, record: Record) -> int:
        return self.ledger.collections[record[0]].rank(record[1])

    async def differing(self, records: list[Record]) -> list[str]:
        """Those that are there with another value, or are not let in."""
        heads = _heads(await self.ledger.store.read("change_heads", _names(records)))
        found: list[str] = []
        for record in records:
            name = record[:2]
            try:
                body = self._composed(record, heads.get(name))
            except Refused:
                found.append("/".join(name))
                continue
            now = heads.get(name)
            if now is not None and not _is(now, body):
                found.append("/".join(name))
        return found

    async def write(self, records: list[Record], rank: int) -> Tallied:
        """Those of this rank. Raises LedgerConflict where the policy is to abort and a record
        became otherwise since it was looked at; this frame is then not written."""
        part = [record for record in records if self._rank(record) == rank]
        if not part:
            return Tallied()
        done: Tallied = await self.ledger.store.transact(lambda: self._steps(part))
        # What was there already too: after a crash nobody may have done it.
        of: dict[str, list[str]] = defaultdict(list)
        for collection, key, _ in part:
            of[collection].append(key)
        for collection, keys in sorted(of.items()):
            await self.ledger.collections[collection].settle(keys)
        return done

    async def taken_back(self, conflict: LedgerConflict, point: str) -> LedgerConflict:
        """What to raise instead of the conflict, once all that this import wrote before it is
        rolled back to its point. What somebody changed since stays."""
        request = Request(
            point=point,
            scope=Scope(origin=self.id, allow_unmatched=True),
            strategy="immediate",
            on_conflict=ConflictPolicy.SKIP,
            undo_on_failure=False,
            reason=conflict.detail,
        )
        told = {**conflict.extra, "origin": self.id, "point": point}
        try:
            begun = await self.ledger.start(request, self.actor)
        except Conflict as error:
            text = f"{conflict.detail}; what it wrote before stays: {error.detail}"
            return LedgerConflict(text, **told)
        done = await self.ledger.run(begun.id)
        figures = done.figures()
        text = f"{conflict.detail}; operation {done.id} to roll it back: {done.status}"
        if done.status == "completed":
            text = f"{conflict.detail}; {counted(figures.applied, 'record')} rolled back"
            if figures.skipped:
                text += f", {counted(figures.skipped, 'record')} left that others changed since"
        return LedgerConflict(text, **told, operation=done.id)

    def _steps(self, records: list[Record]) -> Steps:
        collections = self.ledger.collections
        names = _names(records)
        yield from collections.lock(names)
        # From here no other process writes to the ledger until this transaction ends.
        yield "counter_add", [("ledger", 0)]
        heads = _heads((yield "change_heads", names))
        done = Tallied()
        changes: list[Change] = []
        at = self.ledger.clock()
        for record in records:
            name = record[:2]
            now = heads.get(name)
            try:
                body = self._composed(record, now)
                yield from self._check_needs(record, set(names))
            except Refused as refusal:
                done.refused.append(f"{'/'.join(name)}: {refusal}")
                continue
            if now is not None and _is(now, body):
                done.unchanged += 1
            elif now is not None and self.policy == "skip":
                done.skipped += 1
            elif now is not None and self.policy == "abort":
                raise LedgerConflict(f"{'/'.join(name)} was changed meanwhile; the import stopped")
            else:
                changes.append(Change(at, self.actor, None, "import", *name, body, self.id))
        yield from collections.write(changes)
        done.written = len(changes)
        return done

    def _composed(self, record: Record, now: bytes | None) -> bytes:
        """The value to write, or that is there already. Raises Refused."""
        collection, key, body = record
        kind = self.ledger.collections[collection]
        if kind.plain or body == now or (now is not None and self.policy == "skip"):
            return body
        present = MISSING if now is None else decode_value(now)
        named = self.scope.names(collection, key)
        then = kind.compose(key, present, decode_value(body), named)
        if then is MISSING:
            raise Refused("it may not be there")
        kind.check(key, present, then)
        return encode_value(then)

    def _check_needs(
        self, record: Record, beside: set[Name]
    ) -> Generator[tuple[str, Rows], Rows, None]:
        """Raises Refused where a record is missing that this one needs."""
        kind = self.ledger.collections[record[0]]
        if kind.plain:
            return
        asked = [name for name in kind.needs(record[1], decode_value(record[2]))
                 if name not in beside]  # fmt: skip
        if not asked:
            return
        there = _heads((yield "change_heads", asked))
        missing = ["/".join(name) for name in asked if there.get(name) is None]
        if missing:
            raise Refused(f"needs {', '.join(missing)}")


def _is(now: bytes, body: bytes) -> bool:
    return now == body or encode_value(decode_value(now)) == body


def _names(records: list[Record]) -> list[Name]:
    return sorted({record[:2] for record in records})


def _heads(rows: Rows) -> dict[Name, bytes | None]:
    return {(collection, key): after for collection, key, _, after in rows}
