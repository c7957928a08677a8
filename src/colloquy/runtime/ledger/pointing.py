"""Rollback points: made by people and at the checkpoints of conversations, kept, deleted."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from ...ledger.audit import Entry, audit_steps
from ...ledger.events import LedgerEvent
from ...ledger.files.files import NAME as FILES
from ...ledger.files.files import Files
from ...ledger.ledger import AUTOMATIC_US
from ...ledger.pinned import read_pinned
from ...ledger.points import KEEP, OF_SESSION, NewPoint, check_point
from ...ledger.rows import PointRow
from ...model.errors import Conflict, InvalidInput, NotFound
from ...model.ids import uuid7
from ...model.ledger import PointChange, PointPage, PointRequest, PointView
from ...settings import LedgerSettings
from ...storage.commit import Rows
from .cursors import decode_place, encode_place
from .part import LARGEST, Part
from .views import conversations_of, point_view

SESSION = "session"
"""The occasion of points that are made by themselves in a conversation."""
CHECKPOINT = "checkpoint"
"""The tag of every so many of them."""
NUMBER = "number"
"""In their metadata: how many there were of the conversation with this one. It only grows."""


class Pointing(Part):
    """All methods may raise StoreUnavailable."""

    _settings: LedgerSettings

    async def points(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        conversation_id: str | None = None,
        automatic: str = "",
    ) -> PointPage:
        """Live ones, newest first. Raises InvalidInput, NotFound (the conversation)."""
        page = await self.ledger.points.page(
            None if cursor is None else decode_place(cursor, tuple[int, str]),
            limit,
            session=None if conversation_id is None else await self._session(conversation_id),
            automatic=automatic,
        )
        rows: list[PointRow] = page.rows
        conversations = await conversations_of(self._store, (row.session for row in rows))
        pinned = await read_pinned(self._store)
        return PointPage(
            [point_view(row, conversations, pinned) for row in rows],
            None if page.cursor is None else encode_place(page.cursor),
        )

    async def point(self, point_id: str) -> PointView:
        """Raises NotFound, PointExpired."""
        return await self._view(await self.ledger.points.get(point_id))

    async def create_point(self, request: PointRequest, actor: str) -> PointView:
        """At the newest position, files read first.

        Raises InvalidInput, NotFound (the conversation, a file), TooLarge, Conflict.
        """
        session = None
        if request.conversation_id is not None:
            session = await self._session(request.conversation_id)
        new = NewPoint(
            name=request.name,
            description=request.description,
            lifetime_us=_lifetime(request.expires_in_s),
            session=session,
            tags=request.tags,
            metadata=request.metadata,
        )
        if request.files:
            files = self.ledger.collections[FILES]
            if not isinstance(files, Files):
                raise InvalidInput("no files are allowed: see `ledger.files`", field="files")
            check_point(new)
            await files.capture(self.ledger, request.files, actor)
        return await self._view(await self.ledger.create_point(new, actor))

    async def change_point(self, point_id: str, change: PointChange) -> PointView:
        """Moves its expiry, counted from now. Raises NotFound, PointExpired, InvalidInput."""
        row = await self.ledger.points.set_expiry(point_id, _lifetime(change.expires_in_s))
        return await self._view(row)

    async def delete_point(self, point_id: str, actor: str) -> None:
        """Raises NotFound; Conflict while an operation uses it."""
        entry = Entry(
            at=self.ledger.clock(),
            actor=actor,
            event="point_deleted",
            message=f"rollback point {point_id} was deleted",
            point=point_id,
        )

        def steps() -> Generator[tuple[str, Rows], Rows, None]:
            if (yield "ledger_point_in_use", [(point_id,)]):
                raise Conflict(f"an operation that is not finished uses point {point_id}")
            if not (yield "ledger_point_delete", [(point_id,)]):
                raise NotFound(f"no rollback point {point_id!r:.80}", field="point")
            yield from audit_steps([entry])

        await self._store.transact(steps)
        self.ledger.listeners.tell(LedgerEvent(name="rollback-point-deleted", point=point_id))

    async def checkpoint(self, conversation_id: str, actor: str, name: str = "") -> PointView:
        """A point bound to a conversation, made by itself. It lives 7 days.

        Every `ledger.checkpoint_every`-th of a conversation is tagged a checkpoint. Beyond
        `ledger.points_per_conversation` the oldest go, but for those that an operation uses. It is
        one transaction, so that points made at once neither share a number nor exceed the bound.
        Raises InvalidInput, NotFound.
        """
        session = await self._session(conversation_id)
        now = self.ledger.clock()
        new = check_point(
            NewPoint(
                name=name or "conversation",
                session=session,
                lifetime_us=AUTOMATIC_US,
                automatic=SESSION,
            )
        )
        id_ = uuid7().hex()

        def steps() -> Generator[tuple[str, Rows], Rows, PointRow]:
            # The counter's row makes those of other processes wait.
            yield "counter_add", [("ledger_operations", 0)]
            # Not by age: of two made at once the later may come first.
            page = [(LARGEST, "", SESSION, now, session, MAX_PER_CONVERSATION)]
            rows = [PointRow(*row) for row in (yield OF_SESSION, page)]
            held = sorted(rows, key=_number_of, reverse=True)
            number = _number_of(held[0]) + 1 if held else 1
            is_checkpoint = number % self._settings.checkpoint_every == 0
            row = PointRow(
                id=id_,
                position=0,
                name=new.name,
                description="",
                actor=actor,
                session=session,
                automatic=new.automatic,
                tags=msgspec.json.encode([CHECKPOINT] if is_checkpoint else []).decode(),
                metadata=msgspec.json.encode({NUMBER: number}),
                created_at=now,
                expires_at=now + new.lifetime_us,
            )
            ((position,),) = yield "ledger_point_insert", [(row.id, *row[2:])]
            for old in held[self._settings.points_per_conversation - 1 :]:
                if not (yield "ledger_point_in_use", [(old.id,)]):
                    yield "ledger_point_delete", [(old.id,)]
            return row._replace(position=position)

        row: PointRow = await self._store.transact(steps)
        self.ledger.listeners.tell(
            LedgerEvent(name="rollback-point-created", point=row.id, data={"automatic": SESSION})
        )
        return await self._view(row)

    async def _view(self, row: PointRow) -> PointView:
        conversations = await conversations_of(self._store, [row.session])
        return point_view(row, conversations, await read_pinned(self._store))


MAX_PER_CONVERSATION = 1000
"""Of automatic points, whatever the settings say."""


def _lifetime(seconds: float | None) -> int:
    return KEEP if seconds is None else max(1, int(seconds * 1e6))


def _number_of(row: PointRow) -> int:
    number: Any = msgspec.json.decode(row.metadata).get(NUMBER, 0)
    return int(number)
