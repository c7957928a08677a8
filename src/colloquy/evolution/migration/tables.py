"""All tables of one migration, opened together: the old one, the new one, and their books."""

from __future__ import annotations

from collections.abc import Callable

from ...model.times import Clock, now_us
from ..adapting import Place
from .comparing import Formats
from .current import CurrentTable
from .database import Ask, Database, Operations, database_of
from .jobs import Jobs
from .legacy import LegacyTable
from .mismatches import Mismatches
from .outbox import Outbox
from .plan import Plan
from .progress import Journal


class Tables:
    """`old` and `new` are the two databases; one and the same where the plan is shared. `open`
    before anything else; it makes the tables that are not there yet, and never touches the old."""

    current: CurrentTable
    mismatches: Mismatches
    journal: Journal
    jobs: Jobs
    from_v1: Outbox
    """Written in the old table, still to be written in the new; only in two databases."""
    from_v2: Outbox
    formats: Formats

    def __init__(self, plan: Plan, clock: Clock = now_us) -> None:
        self.plan = plan
        self.clock = clock
        self.is_shared = plan.is_shared
        self.old: Database = database_of(plan.url)
        self.new = self.old
        if not self.is_shared:
            self.new = database_of(plan.v2_url or plan.url, "v2_url", creates=True)
        self.legacy = LegacyTable(plan, self.old)

    async def open(self) -> None:
        """Raises NotFound, InvalidInput, SettingsError, StoreUnavailable."""
        try:
            await self.old.open()
            if self.new is not self.old:
                await self.new.open()
            await self.legacy.open()
            await self._make()
        except BaseException:
            await self.close()
            raise

    async def _make(self) -> None:
        prefix, id_type = self.plan.prefix, self.legacy.id_type
        self.current = CurrentTable(prefix, self.new, id_type)
        self.mismatches = Mismatches(prefix, self.new, self.clock)
        self.journal = Journal(prefix, self.new, self.clock)
        self.jobs = Jobs(prefix, self.new, self.clock)
        self.from_v1 = Outbox(f"{prefix}v1_", self.old, id_type, self.clock)
        self.from_v2 = Outbox(f"{prefix}v2_", self.new, id_type, self.clock)
        place = Place(channel=self.plan.channel, account=self.plan.account)
        self.formats = Formats(self.legacy.as_kept, self.legacy.time, place)
        news = [
            *self.current.schema(),
            *self.mismatches.schema(),
            *self.journal.schema(),
            *self.jobs.schema(),
        ]
        if not self.is_shared:
            news += self.from_v2.schema()
            await self.old.transact(_making(self.from_v1.schema()))
        await self.new.transact(_making(news))

    async def waiting(self) -> int:
        """Messages that one database has and the other is still to get."""
        if self.is_shared:
            return 0
        return await self.from_v1.count() + await self.from_v2.count()

    async def close(self) -> None:
        await self.old.close()
        if self.new is not self.old:
            await self.new.close()

    async def __aenter__(self) -> Tables:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


def _making(statements: list[str]) -> Callable[[], Operations[None]]:
    def steps() -> Operations[None]:
        for statement in statements:
            yield Ask(statement)

    return steps
