"""Snapshots in and out, and forgetting, as operators ask for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from ...ledger.ledger import Ledger
from ...ledger.retention import Retention
from ...ledger.snapshots.importing import Policy
from ...ledger.snapshots.snapshots import Snapshots
from ...model.ledger import CompactionView, CompactRequest, ImportView, SnapshotView
from ...settings import LedgerSettings
from ...storage.store import Store
from .part import Part


class Keeping(Part):
    """All methods may raise StoreUnavailable."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        settings: LedgerSettings,
        forgotten: Callable[[int], Awaitable[object]] | None = None,
    ) -> None:
        super().__init__(ledger, store)
        self.retention = Retention(ledger, settings, forgotten=forgotten)
        self._snapshots = Snapshots(ledger, settings)
        self.max_snapshot_bytes = settings.max_snapshot_bytes

    async def export(self, to: Path | BinaryIO, actor: str, point_id: str | None) -> SnapshotView:
        """Writes the records as of a point, or as they are now.

        Raises NotFound, PointExpired, NotRestorable, InvalidInput (the file), SnapshotTooLarge.
        """
        found = await self._snapshots.export(to, actor, point=point_id)
        header, trailer = found
        return SnapshotView(
            position=header.position,
            point_id=header.point,
            created_at=header.created_at,
            records=trailer.records,
            bytes=trailer.bytes,
            collections=trailer.collections,
            checksum=trailer.checksum,
        )

    async def import_snapshot(
        self, path: Path, policy: Policy, actor: str, reason: str = ""
    ) -> ImportView:
        """Writes the records of a snapshot once all of it was verified.

        Raises SnapshotCorrupted, SnapshotVersion, SnapshotTooLarge, InvalidInput, LedgerConflict.
        """
        done = await self._snapshots.import_(path, policy, actor, reason=reason)
        return ImportView(
            id=done.id,
            point_id=done.point,
            written=done.written,
            unchanged=done.unchanged,
            skipped=done.skipped,
            refused=done.refused,
        )

    async def compact(self, request: CompactRequest) -> CompactionView:
        """Forgets what is older than the position, but for what live points need; without one
        everything that the settings call old."""
        if request.position is not None:
            done = await self.retention.compact(request.position)
            return CompactionView(horizon=done.upto, rows=done.rows, bytes=done.bytes)
        cleaned = await self.retention.clean()
        return CompactionView(
            horizon=cleaned.compaction.upto,
            rows=cleaned.compaction.rows,
            bytes=cleaned.compaction.bytes,
            points=len(cleaned.points),
            operations=cleaned.operations,
            audit=cleaned.audit,
        )
