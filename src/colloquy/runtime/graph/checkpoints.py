"""Checkpoints of the graph: rollback points that know what they are about.

A checkpoint copies nothing. It is a rollback point with entities (*seeds*) and a number of hops in
its metadata; what lay around the seeds is read as of its position, which the point keeps from being
forgotten. One is made by hand, one a day of what changed, and one of each failed rollback of
knowledge.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from ...graph.graph import Graph
from ...graph.slots import COLLECTION, parse_key
from ...ledger.events import LedgerEvent
from ...ledger.ledger import DAY_US, Ledger
from ...ledger.points import NewPoint
from ...ledger.rows import OperationRow, PointRow
from ...model.checkpoints import (
    MAX_SEEDS,
    CheckpointContent,
    CheckpointPage,
    CheckpointReason,
    CheckpointRequest,
    CheckpointView,
)
from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import ColloquyError, InvalidInput, NotFound
from ...model.graph import EntityLine
from ...model.times import Clock, rfc3339
from ...settings import GraphSettings
from ...storage.store import Store
from ...telemetry import get_logger
from ..ledger.cursors import decode_place, encode_place

log = get_logger(__name__)

AUTOMATIC = "graph"
"""The occasion of all points that are checkpoints of the graph."""
ACTOR = "colloquy"
LOOK_EVERY_S = 60.0
PAGE = 500
MAX_SEED_BYTES = 15_000
HOUR_US = 3_600_000_000
KEY = hashlib.sha256(b"colloquy.graph.checkpoints").digest()[:16]
"""On a shared database the process that holds this key's partition makes the daily ones."""


class About(Struct, frozen=True):
    """The metadata of the point."""

    reason: CheckpointReason
    hops: int
    seeds: list[str]


class _Daily(NamedTuple):
    """The newest daily checkpoint, or where the ledger begins."""

    at: int
    position: int


class Checkpoints:
    """All methods may raise StoreUnavailable. `owns` says whether this process makes daily ones."""

    def __init__(
        self,
        settings: GraphSettings,
        graph: Graph,
        store: Store,
        ledger: Ledger,
        *,
        owns: Callable[[bytes], bool],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._graph = graph
        self._store = store
        self._ledger = ledger
        self._owns = owns
        self._clock = clock
        self._failed: deque[OperationRow] = deque()
        self._wake = asyncio.Event()

    def heard(self, event: LedgerEvent) -> None:
        """A listener of the ledger: a rollback that failed is an incident."""
        if event.name == "rollback-failed" and event.operation is not None:
            self._failed.append(event.operation)
            self._wake.set()

    async def create(self, request: CheckpointRequest, actor: str) -> CheckpointView:
        """Raises NotFound for a seed that is not known, InvalidInput."""
        hops = self._settings.checkpoint_hops if request.hops is None else request.hops
        about = About(request.reason, hops, sorted(set(request.seeds)))
        if sum(len(seed.encode()) for seed in about.seeds) > MAX_SEED_BYTES:
            raise InvalidInput(
                f"the seeds have at most {MAX_SEED_BYTES:,} bytes together", field="seeds"
            )
        return await self._create(about, request.name, actor)

    async def page(self, cursor: str | None = None, limit: int = 50) -> CheckpointPage:
        """Those that have not expired, newest first. Raises InvalidInput."""
        place = None if cursor is None else decode_place(cursor, tuple[int, str])
        found = await self._ledger.points.page(place, limit, automatic=AUTOMATIC)
        following = None if found.cursor is None else encode_place(found.cursor)
        return CheckpointPage([_view(row) for row in found.rows], following)

    async def show(
        self, checkpoint_id: str, cursor: str | None = None, limit: int = 100
    ) -> CheckpointContent:
        """What lay around its seeds then. Raises NotFound, PointExpired, InvalidInput."""
        row = await self._ledger.points.get(checkpoint_id)
        if row.automatic != AUTOMATIC:
            raise NotFound(f"{row.name!r:.80} is no checkpoint of the graph", field="checkpoint_id")
        view = _view(row)
        around = await self._graph.around(view.seeds, view.hops, view.position)
        after = 0 if cursor is None else decode_cursor(cursor, 1)[0]
        rest = [node for node in around.nodes if node.number > after]
        return CheckpointContent(
            checkpoint=view,
            entities=[EntityLine(one.id, one.kind, one.name) for one in rest[:limit]],
            total=len(around.nodes),
            truncated=around.truncated,
            next=encode_cursor(rest[limit - 1].number) if len(rest) > limit else None,
        )

    async def run(self) -> None:
        """Makes what is due until cancelled: a task for the supervisor."""
        while True:
            try:
                await self.make_due()
            except ColloquyError as error:
                log.warning("graph_checkpoint_missing", code=error.code, detail=error.detail)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def make_due(self) -> None:
        """One for each failed rollback of knowledge, and the daily one where its time has come and
        something changed since the last."""
        self._wake.clear()
        while self._failed:
            row = self._failed.popleft()
            await self._of(await self._touched(row), "incident", f"{row.kind} {row.id} failed")
        every_us = self._settings.checkpoint_every_h * HOUR_US
        if not every_us or not self._owns(KEY):
            return
        last = await self._last_daily()
        if last is not None and self._clock() - last.at >= every_us:
            rows = await self._store.query("graph_entities_newest", last.position, MAX_SEEDS)
            await self._of((id_ for (id_,) in rows), "daily", "")

    async def _of(self, ids: Iterable[str], reason: CheckpointReason, name: str) -> None:
        """Nothing where there are none; of very long ids the first that find room."""
        seeds: list[str] = []
        room = MAX_SEED_BYTES
        for id_ in ids:
            room -= len(id_.encode())
            if room < 0 or len(seeds) == MAX_SEEDS:
                break
            seeds.append(id_)
        if seeds:
            about = About(reason, self._settings.checkpoint_hops, sorted(seeds))
            await self._create(about, name, ACTOR)

    async def _create(self, about: About, name: str, actor: str) -> CheckpointView:
        await self._graph.around(about.seeds, about.hops)
        new = NewPoint(
            name=name or f"{about.reason} checkpoint",
            lifetime_us=self._settings.checkpoint_days * DAY_US,
            automatic=AUTOMATIC,
            tags=(about.reason,),
            metadata=msgspec.structs.asdict(about),
        )
        return _view(await self._ledger.create_point(new, actor))

    async def _touched(self, row: OperationRow) -> list[str]:
        """The entities of the graph's records that an operation was about."""
        found: dict[str, None] = {}
        after: tuple[str, str] | None = (COLLECTION, "")
        while after is not None and len(found) < MAX_SEEDS:
            page = await self._ledger.operations.items(row, after, PAGE)
            for item in page.rows:
                if item.collection != COLLECTION:
                    return list(found)
                name = parse_key(item.key)
                if name is not None:
                    found.setdefault(name.subject)
            after = page.cursor
        return list(found)

    async def _last_daily(self) -> _Daily | None:
        """None in an empty ledger."""
        place: tuple[int, str] | None = None
        while True:
            page = await self._ledger.points.page(place, PAGE, automatic=AUTOMATIC)
            for row in page.rows:
                if _about(row).reason == "daily":
                    return _Daily(row.created_at, row.position)
            if page.cursor is None:
                break
            place = page.cursor
        first = await self._store.query("changes_page", 0, 1)
        return _Daily(first[0][1], 0) if first else None


def _about(row: PointRow) -> About:
    return msgspec.json.decode(row.metadata, type=About)


def _view(row: PointRow) -> CheckpointView:
    about = _about(row)
    return CheckpointView(
        id=row.id,
        position=row.position,
        name=row.name,
        reason=about.reason,
        hops=about.hops,
        seeds=about.seeds,
        actor=row.actor,
        created_at=rfc3339(row.created_at),
        expires_at=None if row.expires_at is None else rfc3339(row.expires_at),
    )
