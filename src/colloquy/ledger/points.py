"""Rollback points: a name for a position of the ledger. Making one costs the same at any size.

What a point needs is kept by compaction for as long as the point lives.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ..model.errors import Conflict, InvalidInput, NotFound, PointExpired
from ..model.ids import uuid7
from ..model.times import Clock, now_us, rfc3339
from ..storage.store import Store
from .rows import Page, PointRow

DAY_US = 86_400_000_000
EXPIRY_US = 90 * DAY_US
"""Points live 90 days unless kept (engine decision 32)."""
MAX_EXPIRY_US = 3650 * DAY_US

MAX_NAME = 200
MAX_DESCRIPTION = 4000
MAX_TAGS = 32
MAX_TAG = 64
MAX_METADATA = 16_384

OF_SESSION = "ledger_points_of_session"
"""The statement for a page of one conversation's points."""

KEEP = 0
"""As `lifetime_us`: until somebody deletes it."""


class NewPoint(Struct, frozen=True, kw_only=True):
    """`automatic` says on which occasion it was made by itself ("" by hand)."""

    name: str
    description: str = ""
    lifetime_us: int = EXPIRY_US
    session: int | None = None
    automatic: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}


def check_point(new: NewPoint) -> NewPoint:
    """Raises InvalidInput with the field."""
    if not 0 < len(new.name.strip()) <= MAX_NAME:
        raise InvalidInput(f"a name has 1 to {MAX_NAME} characters", field="name")
    if len(new.description) > MAX_DESCRIPTION:
        raise InvalidInput(
            f"a description has at most {MAX_DESCRIPTION:,} characters", field="description"
        )
    if not 0 <= new.lifetime_us <= MAX_EXPIRY_US:
        raise InvalidInput("a point lives at most 10 years, or is kept", field="expires_in_s")
    if len(new.tags) > MAX_TAGS:
        raise InvalidInput(f"at most {MAX_TAGS} tags", field="tags")
    for index, tag in enumerate(new.tags):
        if not 0 < len(tag) <= MAX_TAG:
            raise InvalidInput(f"a tag has 1 to {MAX_TAG} characters", field=f"tags[{index}]")
    if len(msgspec.json.encode(new.metadata)) > MAX_METADATA:
        raise InvalidInput(f"metadata has at most {MAX_METADATA:,} bytes", field="metadata")
    return new


class Points:
    """The points of one store. All methods may raise StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock = now_us) -> None:
        self._store = store
        self._clock = clock

    async def create(self, new: NewPoint, actor: str) -> PointRow:
        """A point at the newest position. Raises InvalidInput."""
        check_point(new)
        now = self._clock()
        row = PointRow(
            id=uuid7().hex(),
            position=0,
            name=new.name.strip(),
            description=new.description,
            actor=actor,
            session=new.session,
            automatic=new.automatic,
            tags=msgspec.json.encode(sorted(set(new.tags))).decode(),
            metadata=msgspec.json.encode(new.metadata, order="deterministic"),
            created_at=now,
            expires_at=now + new.lifetime_us if new.lifetime_us else None,
        )
        ((position,),) = await self._store.change_one(
            "ledger_point_insert", row.id, *row[2:]
        )  # fmt: skip
        return row._replace(position=position)

    async def get(self, point: str) -> PointRow:
        """Raises NotFound; PointExpired for one past its expiry, each time the same."""
        rows = await self._store.query("ledger_point", point)
        if not rows:
            raise NotFound(f"no rollback point {point!r:.80}", field="point")
        row = PointRow(*rows[0])
        if not row.is_live(self._clock()):
            raise PointExpired(
                f"rollback point {row.name!r} expired at {rfc3339(row.expires_at or 0)}",
                field="point",
            )
        return row

    async def page(
        self,
        place: tuple[int, str] | None,
        limit: int,
        *,
        session: int | None = None,
        automatic: str = "",
    ) -> Page:
        """Live ones, newest first. `place` is (created_at, id) of the last one seen."""
        at, id_ = place or (2**62, "")
        # One of a conversation is found by its index, however many points there are.
        query, of = ("ledger_points_page", []) if session is None else (OF_SESSION, [session])
        found = await self._store.query(query, at, id_, automatic, self._clock(), *of, limit)
        rows = [PointRow(*row) for row in found]
        last = (rows[-1].created_at, rows[-1].id) if len(rows) == limit else None
        return Page(rows, last)

    async def figures(self) -> tuple[int, int | None]:
        """How many live ones there are, and the lowest position of one."""
        ((count, oldest),) = await self._store.query("ledger_points_live_figures", self._clock())
        return count, oldest

    async def live(self) -> list[PointRow]:
        """All that have not expired, by position."""
        rows = await self._store.query("ledger_points_live", self._clock())
        return [PointRow(*row) for row in rows]

    async def set_expiry(self, point: str, lifetime_us: int) -> PointRow:
        """Counts from now; KEEP keeps it. Raises as `get`, InvalidInput."""
        row = await self.get(point)
        if not 0 <= lifetime_us <= MAX_EXPIRY_US:
            raise InvalidInput("a point lives at most 10 years, or is kept", field="expires_in_s")
        expires_at = self._clock() + lifetime_us if lifetime_us else None
        await self._store.change_one("ledger_point_expiry", expires_at, point)
        return row._replace(expires_at=expires_at)

    async def delete(self, point: str) -> None:
        """Raises NotFound; Conflict while an operation uses it."""
        if await self._store.query("ledger_point_in_use", point):
            raise Conflict(f"an operation that is not finished uses rollback point {point}")
        if not await self._store.change_one("ledger_point_delete", point):
            raise NotFound(f"no rollback point {point!r:.80}", field="point")

    async def sweep(self, limit: int = 500) -> list[str]:
        """Deletes expired ones that nothing uses; returns their ids."""
        gone: list[str] = []
        for (point,) in await self._store.query("ledger_points_expired", self._clock(), limit):
            if await self._store.query("ledger_point_in_use", point):
                continue
            if await self._store.change_one("ledger_point_delete", point):
                gone.append(point)
        return gone
