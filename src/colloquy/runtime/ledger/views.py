"""Rows of the ledger as clients see them; conversations by their ids instead of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import UNSET

from ...ledger.collections import decode_value
from ...ledger.diff.render import Limits, as_html, as_text, brief, text_of
from ...ledger.merge import MISSING, Missing
from ...ledger.pinned import Pinned
from ...ledger.restoring.planning import Effect
from ...ledger.rows import AuditRow, ItemRow, LogRow, OperationRow, PointRow
from ...ledger.values import Value
from ...model.ledger import (
    AuditView,
    ChangeView,
    EffectView,
    FiguresView,
    Format,
    ItemView,
    LogLine,
    OperationView,
    PointView,
    RollbackRequest,
)
from ...model.ledger import Value as WireValue
from ...model.times import rfc3339
from ...storage.store import ChangeRow, Store

Conversations = Mapping[int, str]
"""Ids by the numbers of sessions."""

_LIMITS = Limits()
_texts = msgspec.json.Decoder(list[str])


async def conversations_of(store: Store, sessions: Iterable[int | None]) -> Conversations:
    """The ids of these sessions; None is passed over."""
    numbers = {number for number in sessions if number is not None}
    if not numbers:
        return {}
    found = await store.sessions_by_number(numbers)
    return {number: session.id.hex() for number, session in found.items()}


def value_view(body: bytes | None) -> WireValue:
    return UNSET if body is None else msgspec.Raw(body)


def rendered(before: Value | Missing, after: Value | Missing, format: Format) -> str:
    """The difference of two values as text or HTML; "" where nothing differs."""
    if before is MISSING and after is MISSING:
        return ""
    if before is MISSING or after is MISSING:
        return _whole(before, after, format)
    if format == "html":
        return as_html(before, after, "line", _LIMITS)
    return as_text(before, after, format, _LIMITS)


def _whole(before: Value | Missing, after: Value | Missing, format: Format) -> str:
    """A record that came or went: its text against none."""
    value, verb = (after, "added") if before is MISSING else (before, "removed")
    if format == "semantic":
        return f"the record was {verb}: {brief(value, _LIMITS)}"
    if format == "json":
        rest = f', "value": {brief(value, _LIMITS)}' if verb == "added" else ""
        return f'{{"op": "{"add" if verb == "added" else "remove"}", "path": ""{rest}}}'
    old, new = ("", text_of(value)) if verb == "added" else (text_of(value), "")
    if format == "html":
        return as_html(old, new, "line", _LIMITS)
    return as_text(old, new, format, _LIMITS)


def change_view(row: ChangeRow, conversations: Conversations) -> ChangeView:
    return ChangeView(
        position=row.position,
        at=rfc3339(row.at),
        actor=row.actor,
        operation=row.operation,
        collection=row.collection,
        key=row.key,
        size=None if row.after is None else len(row.after),
        previous=row.previous,
        origin=row.origin,
        conversation_id=None if row.session is None else conversations.get(row.session),
    )


def point_view(row: PointRow, conversations: Conversations, pinned: Pinned) -> PointView:
    rows, size = pinned.points.get(row.id, (0, 0))
    return PointView(
        id=row.id,
        position=row.position,
        name=row.name,
        description=row.description,
        actor=row.actor,
        automatic=row.automatic,
        tags=_texts.decode(row.tags),
        metadata=msgspec.Raw(row.metadata),
        created_at=rfc3339(row.created_at),
        expires_at=_time(row.expires_at),
        pinned_rows=rows,
        pinned_bytes=size,
        conversation_id=None if row.session is None else conversations.get(row.session),
    )


def operation_view(row: OperationRow) -> OperationView:
    request = msgspec.json.decode(row.request)
    request.pop("execute", None)  # of a dry run, which is no operation
    figures = row.figures()
    return OperationView(
        id=row.id,
        number=row.number,
        kind=row.kind,
        status=row.status,  # type: ignore[arg-type]  # the column has no other
        phase=row.phase,
        target=row.target,
        head=row.head,
        point=row.point,
        request=msgspec.convert(request, RollbackRequest),
        strategy=row.strategy,
        total=row.total,
        progress=round(row.progress, 1),
        figures=FiguresView(
            applied=figures.applied,
            unchanged=figures.unchanged,
            skipped=figures.skipped,
            conflicts=figures.conflicts,
            undone=figures.undone,
            kept=figures.kept,
            removed=figures.removed,
            recreated=figures.recreated,
            forced=figures.forced,
            seconds=round(figures.seconds, 6),
        ),
        actor=row.actor,
        reason=row.reason,
        is_cancelled=bool(row.cancelled),
        created_at=rfc3339(row.created_at),
        updated_at=rfc3339(row.updated_at),
        started_at=_time(row.started_at),
        finished_at=_time(row.finished_at),
        error_code=row.error_code,
        error=row.error,
        checksum_before=figures.checksum_before,
        checksum_after=figures.checksum_after,
    )


def log_line(row: LogRow) -> LogLine:
    return LogLine(
        number=row.number,
        at=rfc3339(row.at),
        level=row.level,
        message=row.message,
        data=None if row.data is None else msgspec.Raw(row.data),
    )


def item_view(row: ItemRow) -> ItemView:
    return ItemView(
        collection=row.collection,
        key=row.key,
        state=row.state,  # type: ignore[arg-type]  # the column has no other
        before=row.before,
        written=row.written,
        note=row.note,
    )


def effect_view(effect: Effect, format: Format) -> EffectView:
    clash = effect.clash
    then = effect.then if clash is None else clash.theirs
    return EffectView(
        collection=effect.item.collection,
        key=effect.item.key,
        action=effect.action,
        diff=rendered(decoded(effect.now), decoded(then), format),
        conflict=None if clash is None else clash.kind.value,
        severity=None if clash is None else clash.severity.value,
        note="" if clash is None else clash.note,
    )


def audit_view(row: AuditRow, conversations: Conversations) -> AuditView:
    return AuditView(
        number=row.number,
        at=rfc3339(row.at),
        actor=row.actor,
        event=row.event,
        severity=row.severity,
        message=row.message,
        reason=row.reason,
        data=msgspec.Raw(row.data),
        operation_id=row.operation,
        point_id=row.point,
        conversation_id=None if row.session is None else conversations.get(row.session),
    )


def decoded(body: bytes | None) -> Value | Missing:
    return MISSING if body is None else decode_value(body)


def _time(us: int | None) -> str | None:
    return None if us is None else rfc3339(us)
