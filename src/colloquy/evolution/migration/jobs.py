"""Long work that a server was asked for: what, by whom, how far, and how it ended.

One job of a migration is open at a time, which the database itself holds: `under_way` is unique,
and NULL once a job is over.
"""

from __future__ import annotations

import msgspec

from ...model.errors import Conflict, NotFound, RowRefused
from ...model.migrations import MigrationJob, MigrationJobRequest
from ...model.times import Clock, rfc3339
from .database import Ask, Database, Operations

__all__ = ["Jobs"]


class Jobs:
    """In the database of the V2 table, beside its other books."""

    def __init__(self, prefix: str, database: Database, clock: Clock) -> None:
        self.database = database
        self._table = database.quote(f"{prefix}jobs")
        self._clock = clock

    def schema(self) -> list[str]:
        return [
            f"CREATE TABLE IF NOT EXISTS {self._table} (number {self.database.numbered}, "
            "under_way BIGINT UNIQUE, body TEXT NOT NULL)"
        ]

    async def begin(self, request: MigrationJobRequest, actor: str) -> MigrationJob:
        """Raises Conflict while one is under way."""
        job = MigrationJob(
            number=0,
            kind=request.kind,
            rate=request.rate,
            restart=request.restart,
            by=actor,
            state="waiting",
            asked_at=rfc3339(self._clock()),
        )
        mark = self.database.mark(1)
        ask = Ask(
            f"INSERT INTO {self._table} (under_way, body) VALUES (1, {mark}) RETURNING number",
            (_text(job),),
        )
        try:
            ((number,),) = await self.database.run(ask)
        except RowRefused:
            raise Conflict("a job of this migration is under way") from None
        return msgspec.structs.replace(job, number=number)

    async def open(self) -> MigrationJob | None:
        """The one that is under way."""
        rows = await self.database.ask(
            f"SELECT number, body FROM {self._table} WHERE under_way = 1"
        )
        return _job(*rows[0]) if rows else None

    async def newest(self, limit: int) -> list[MigrationJob]:
        rows = await self.database.ask(
            f"SELECT number, body FROM {self._table} ORDER BY number DESC LIMIT {int(limit)}"
        )
        return [_job(*row) for row in rows]

    async def stop(self, number: int) -> MigrationJob:
        """Says that it is to end; one that nobody has begun ends at once. Raises NotFound, and
        Conflict for one that is over."""

        def steps() -> Operations[MigrationJob]:
            job = yield from self._read(number)
            if job is None:
                raise NotFound(f"no job {number}", field="job")
            if not job.is_open:
                raise Conflict(f"job {number} is over: {job.state}")
            job.state = "stopped" if job.state == "waiting" else "stopping"
            if job.state == "stopped":
                job.ended_at = rfc3339(self._clock())
            yield self._save(job)
            return job

        return await self.database.transact(steps)

    async def save(self, job: MigrationJob) -> MigrationJob:
        """Keeps how far it is, or how it ended. That somebody wants it to stop stays; returns it as
        it is now."""

        def steps() -> Operations[MigrationJob]:
            there = yield from self._read(job.number)
            if there is not None and there.state == "stopping" and job.is_open:
                job.state = "stopping"
            yield self._save(job)
            return job

        return await self.database.transact(steps)

    def _read(self, number: int) -> Operations[MigrationJob | None]:
        lock = " FOR UPDATE" if self.database.dialect == "postgresql" else ""
        rows = yield Ask(
            f"SELECT number, body FROM {self._table} "
            f"WHERE number = {self.database.mark(1, 'bigint')}{lock}",
            (self.database.value(number, "bigint"),),
        )
        return _job(*rows[0]) if rows else None

    def _save(self, job: MigrationJob) -> Ask:
        mark = self.database.mark
        under_way = "under_way" if job.is_open else "NULL"
        return Ask(
            f"UPDATE {self._table} SET body = {mark(1)}, under_way = {under_way} "
            f"WHERE number = {mark(2, 'bigint')}",
            (_text(job), self.database.value(job.number, "bigint")),
        )


def _job(number: int, body: str) -> MigrationJob:
    return msgspec.structs.replace(msgspec.json.decode(body, type=MigrationJob), number=number)


def _text(job: MigrationJob) -> str:
    return msgspec.json.encode(job).decode()
