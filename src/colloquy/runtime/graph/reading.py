"""Reading the graph: entities, facts with their evidence, how they came about, figures."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ...graph.queries.timelines import changed_between, timeline
from ...graph.views import description, facts_with_evidence, representative
from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import InvalidInput
from ...model.graph import (
    ContradictionPage,
    EntityLine,
    EntityPage,
    EntityView,
    FactPage,
    GraphChangePage,
    GraphChangeView,
    GraphStatistics,
    HygieneView,
    TimelinePage,
)
from ...model.times import rfc3339
from ...storage.vectors import Keeper
from .part import Part, check_kinds
from .views import contradiction_view, fact_view, version_view


class Reading(Part):
    """Everything here writes nothing."""

    async def entities(
        self, kind: str = "", prefix: str = "", cursor: str | None = None, limit: int = 50
    ) -> EntityPage:
        """Those of which the kind is known; `prefix` is that of id or name. Raises InvalidInput."""
        check_kinds([kind] if kind else (), "kind")
        page = await self._graph.entities(kind, prefix, cursor or "", limit)
        return EntityPage([EntityLine(n.id, n.kind, n.name) for n in page.items], page.next)

    async def entity(
        self,
        id: str,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> EntityView:
        """Raises NotFound where nothing was known of it at that moment, InvalidInput."""
        moment = await self.moment(as_of, valid_at)
        view, truncated = await description(self._store, id, moment)
        return EntityView(
            id=view.id,
            kind=view.kind,
            attributes=view.attributes,
            merged=view.merged,
            truncated=truncated,
            until={name: rfc3339(end) for name, end in view.until.items()},
        )

    async def facts(
        self,
        id: str,
        predicate: str = "",
        cursor: str | None = None,
        limit: int = 50,
        *,
        as_of: int | datetime | None = None,
        valid_at: datetime | None = None,
    ) -> FactPage:
        """Facts of which it is the subject, by number. Raises NotFound, InvalidInput."""
        moment = await self.moment(as_of, valid_at)
        tests = [("subject", await representative(self._store, id, moment))]
        named = [*tests, ("predicate", predicate)] if predicate else tests
        after = 0 if cursor is None else decode_cursor(cursor, 1)[0]
        found = await facts_with_evidence(self._store, list(named), moment, after, limit + 1)
        more = len(found) > limit
        page = [fact_view(fact) for fact in found[:limit]]
        return FactPage(page, encode_cursor(page[-1].number) if more else None)

    async def timeline(
        self, id: str, predicate: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> TimelinePage:
        """Every version of its facts, oldest first. Raises NotFound, InvalidInput."""
        page = await timeline(self._store, id, predicate=predicate, cursor=cursor, limit=limit)
        return TimelinePage([version_view(one) for one in page.versions], page.next)

    async def changes(
        self,
        start: int | datetime = 0,
        end: int | datetime | None = None,
        entity: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> GraphChangePage:
        """What began and what ended after one moment up to another (by default: until now).

        Raises NotFound, InvalidInput.
        """
        after = await self.position_of(start, "from")
        if end is None:
            ((head,),) = await self._store.query("ledger_head")
            to = max(int(head), after)
        else:
            to = await self.position_of(end, "to")
        if after > to:
            raise InvalidInput("`from` must not lie behind `to`", field="from")
        page = await changed_between(
            self._store, after, to, entity=entity, cursor=cursor, limit=limit
        )
        return GraphChangePage(
            [GraphChangeView(c.position, c.opened, version_view(c.version)) for c in page.changes],
            page.next,
        )

    async def contradictions(self, cursor: str | None = None, limit: int = 50) -> ContradictionPage:
        page = await self._graph.contradictions(cursor or "", limit)
        return ContradictionPage([contradiction_view(one) for one in page.items], page.next)

    async def figures(self, stale_days: int, vectors: Keeper | None) -> GraphStatistics:
        """Reads every fact. Raises InvalidInput."""
        found = await self._graph.statistics()
        hygiene = await self._graph.hygiene(stale_days)
        return GraphStatistics(
            **msgspec.structs.asdict(found),
            vectors=vectors,
            hygiene=HygieneView(
                **msgspec.structs.asdict(hygiene),
                stale_days=stale_days,
                junk_rate=hygiene.junk_rate,
                duplicate_rate=hygiene.duplicate_rate,
                stale_rate=hygiene.stale_rate,
            ),
        )
