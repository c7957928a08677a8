"""Reading the ledger: its log, records as they were, differences, the audit trail, its figures."""

from __future__ import annotations

from datetime import datetime

from ...ledger.collections import check_key
from ...ledger.history import COMPACTED, Difference, Filter
from ...ledger.merge import MISSING
from ...ledger.pinned import read_pinned
from ...ledger.rows import AuditRow
from ...ledger.scope import Scope, check_scope
from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import InvalidInput
from ...model.ledger import (
    AuditPage,
    ChangeDetail,
    ChangePage,
    DifferencePage,
    DifferenceView,
    Format,
    LedgerStatus,
    RecordView,
)
from ...model.times import rfc3339, to_us
from ...storage.store import ChangeRow
from .cursors import decode_place, encode_place
from .part import LARGEST, Part
from .views import audit_view, change_view, conversations_of, decoded, rendered, value_view


class Reading(Part):
    """Everything here writes nothing. All methods may raise StoreUnavailable."""

    async def changes(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        collection: str = "",
        key: str = "",
        actor: str = "",
        conversation_id: str | None = None,
        origin: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> ChangePage:
        """Changes, newest first. Raises InvalidInput, NotFound (the conversation)."""
        if key and not collection:
            raise InvalidInput("a key goes with its collection", field="key")
        wanted = Filter(
            collection=collection,
            key=key,
            actor=actor,
            session=None if conversation_id is None else await self._session(conversation_id),
            origin=origin,
            since=_us(since, "since", 0),
            until=_us(until, "until", LARGEST),
        )
        before = None if cursor is None else decode_cursor(cursor, 1)[0]
        found: list[ChangeRow] = []
        while len(found) < limit:
            page = await self.ledger.history.log(wanted, before, limit)
            found += [row for row in page.rows if _fits(row, wanted)]
            before = page.cursor
            if before is None:
                break
        if len(found) > limit:
            found = found[:limit]
            before = found[-1].position
        conversations = await conversations_of(self._store, (row.session for row in found))
        return ChangePage(
            [change_view(row, conversations) for row in found],
            None if before is None else encode_cursor(before),
        )

    async def change(self, position: int, format: Format = "line") -> ChangeDetail:
        """One change with what it did. Raises NotFound."""
        row = await self.ledger.history.change(position)
        name = (row.collection, row.key)
        former = await self._store.read("change_values_at", [(*name, position - 1)])
        before = former[0][3] if former else None
        conversations = await conversations_of(self._store, [row.session])
        return ChangeDetail(
            change=change_view(row, conversations),
            diff=rendered(decoded(before), decoded(row.after), format),
            before=value_view(before),
            after=value_view(row.after),
        )

    async def differences(
        self,
        start: str,
        end: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        scope: Scope | None = None,
        format: Format = "line",
    ) -> DifferencePage:
        """What differs between two moments (see `position_of`); without `end` until now.

        Only what a scope says of records counts, not of changes. Raises as `position_of`.
        """
        low = await self.position_of(start, "from")
        high = (
            await self.ledger.history.head() if end is None else await self.position_of(end, "to")
        )
        after = None if cursor is None else decode_place(cursor, tuple[str, str])
        page = await self.ledger.history.differences(
            low, high, check_scope(scope or Scope()), after, limit
        )
        return DifferencePage(
            start=low,
            end=high,
            differences=[_difference(one, format) for one in page.rows],
            next=None if page.cursor is None else encode_place(page.cursor),
        )

    async def record(self, collection: str, key: str, at: str | None = None) -> RecordView:
        """A record now, or at a moment. Raises as `position_of`."""
        name = check_key(collection, key)
        if at is None:
            position = await self.ledger.history.head()
        else:
            position = await self.position_of(at, "at")
        rows = await self._store.read("change_values_at", [(*name, position)])
        return RecordView(
            collection=collection,
            key=key,
            at=position,
            value=value_view(rows[0][3] if rows else None),
        )

    async def audit(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        event: str = "",
        severity: str = "",
        actor: str = "",
        conversation_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AuditPage:
        """The trail, newest first. Raises InvalidInput, NotFound (the conversation)."""
        page = await self.ledger.audit.page(
            None if cursor is None else decode_cursor(cursor, 1)[0],
            limit,
            event=event,
            severity=severity,
            actor=actor,
            session=None if conversation_id is None else await self._session(conversation_id),
            since=_us(since, "since", 0),
            until=_us(until, "until", LARGEST),
        )
        rows: list[AuditRow] = page.rows
        conversations = await conversations_of(self._store, (row.session for row in rows))
        return AuditPage(
            [audit_view(row, conversations) for row in rows],
            None if page.cursor is None else encode_cursor(page.cursor),
        )

    async def status(self) -> LedgerStatus:
        points, oldest = await self.ledger.points.figures()
        pinned = await read_pinned(self._store)
        ((operations,),) = await self._store.query("ledger_operations_open_count")
        ((conflicts,),) = await self._store.query("ledger_conflicts_open")
        return LedgerStatus(
            head=await self.ledger.history.head(),
            horizon=int(await self._store.meta(COMPACTED) or 0),
            points_live=points,
            oldest_point=oldest,
            pinned_rows=pinned.rows,
            pinned_bytes=pinned.bytes,
            pinned_counted_at=rfc3339(pinned.counted_at) if pinned.counted_at else None,
            operations_open=operations,
            conflicts_open=conflicts,
            collections=self.ledger.collections.names(),
        )


def _difference(one: Difference, format: Format) -> DifferenceView:
    action = "changed"
    if one.before is MISSING:
        action = "added"
    elif one.after is MISSING:
        action = "removed"
    return DifferenceView(
        collection=one.collection,
        key=one.key,
        action=action,
        position=one.position,
        changes=one.changes,
        diff=rendered(one.before, one.after, format),
    )


def _fits(row: ChangeRow, wanted: Filter) -> bool:
    """The log of one key is read by that key alone."""
    return (
        (not wanted.actor or row.actor == wanted.actor)
        and (wanted.session is None or row.session == wanted.session)
        and (not wanted.origin or row.origin == wanted.origin)
        and wanted.since <= row.at < wanted.until
    )


def _us(moment: datetime | None, field: str, default: int) -> int:
    if moment is None:
        return default
    if moment.tzinfo is None:
        raise InvalidInput("a time needs a zone (RFC 3339)", field=field)
    return to_us(moment)
