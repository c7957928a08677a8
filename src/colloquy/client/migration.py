"""Operations on the migration of a table of V1 messages: `/v2/migration`."""

from __future__ import annotations

from ..model.migrations import (
    IgnoreRequest,
    MigrationJob,
    MigrationJobList,
    MigrationJobRequest,
    MigrationMove,
    MigrationStart,
    MigrationView,
    Mismatch,
    MismatchPage,
    MismatchState,
)
from .operation import operation, paged
from .request import Ask, json

_START = MigrationStart()
_MOVE = MigrationMove()


class MigrationOperations:
    """`/v2/migration`. Raises NotFound where the server has no plan."""

    @operation("GET", "/v2/migration")
    def migration(self, limit: int | None = None) -> Ask[MigrationView]:
        """The report and the newest `limit` steps."""
        return Ask(json(MigrationView), query={"limit": limit})

    @operation("GET", "/v2/migration/mismatches")
    def mismatch_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        state: MismatchState | None = None,
    ) -> Ask[MismatchPage]:
        """One page of mismatches, oldest first."""
        query = {"cursor": cursor, "limit": limit, "state": state}
        return Ask(json(MismatchPage), query=query)

    mismatches = paged(
        mismatch_page,
        lambda page: page.mismatches,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/migration/mismatches/{mismatch}/ignore")
    def ignore_mismatch(self, mismatch: int, request: IgnoreRequest) -> Ask[Mismatch]:
        """It may stay, for as long as both values are what they are."""
        return Ask(json(Mismatch), path={"mismatch": mismatch}, body=request)

    @operation("POST", "/v2/migration/start")
    def start_migration(self, request: MigrationStart = _START) -> Ask[MigrationView]:
        """Begins: `shadow`."""
        return Ask(json(MigrationView), body=request)

    @operation("POST", "/v2/migration/advance")
    def advance_migration(self, request: MigrationMove = _MOVE) -> Ask[MigrationView]:
        """The next step, if the figures allow it."""
        return Ask(json(MigrationView), body=request)

    @operation("POST", "/v2/migration/back")
    def take_migration_back(self, request: MigrationMove = _MOVE) -> Ask[MigrationView]:
        """One step back."""
        return Ask(json(MigrationView), body=request)

    @operation("GET", "/v2/migration/jobs")
    def migration_jobs(self) -> Ask[MigrationJobList]:
        """The newest jobs, newest first."""
        return Ask(json(MigrationJobList))

    @operation("POST", "/v2/migration/jobs")
    def begin_migration_job(self, request: MigrationJobRequest) -> Ask[MigrationJob]:
        """Long work on the tables, done by the server. Raises Conflict while one is under way."""
        return Ask(json(MigrationJob), body=request)

    @operation("DELETE", "/v2/migration/jobs/{job}")
    def stop_migration_job(self, job: int) -> Ask[MigrationJob]:
        """It ends within a second, and what it has done stays."""
        return Ask(json(MigrationJob), path={"job": job})
