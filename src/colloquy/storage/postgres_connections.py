"""Connections to PostgreSQL: a bounded set that mends itself, and what its errors mean."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from asyncpg import exceptions

from ..model.errors import SettingsError, StoreUnavailable

REFUSALS: tuple[type[Exception], ...] = (
    exceptions.DataError,
    exceptions.IntegrityConstraintViolationError,
    exceptions.ProgramLimitExceededError,
    TypeError,
    ValueError,
    OverflowError,
)
"""A row can never be written as it is; the last three are what our own steps and codecs raise."""

COLLISIONS: tuple[type[Exception], ...] = (
    exceptions.TransactionRollbackError,  # serialization failure, deadlock
    exceptions.LockNotAvailableError,
)
"""Two transactions were in each other's way: this one did nothing and may run again."""

OUTAGES: tuple[type[Exception], ...] = (
    exceptions.PostgresConnectionError,
    exceptions.OperatorInterventionError,  # shutdown, starting up, terminated, statement timeout
    exceptions.InsufficientResourcesError,  # too many connections, disk full
    exceptions.IdleInTransactionSessionTimeoutError,
    exceptions.ReadOnlySQLTransactionError,  # a standby after a fail-over
    exceptions.PostgresSystemError,
    exceptions.InterfaceError,
    exceptions.InternalClientError,
    OSError,
    TimeoutError,
)

_WRONG_URL = (
    exceptions.InvalidCatalogNameError,
    exceptions.InvalidAuthorizationSpecificationError,
    exceptions.ClientConfigurationError,
)


async def connect(url: str, *, timeout_s: float, settings: dict[str, str]) -> Any:
    """One connection. Raises StoreUnavailable, or SettingsError when the URL itself is wrong."""
    try:
        return await asyncpg.connect(
            url,
            timeout=timeout_s,
            command_timeout=timeout_s,
            # All our statements stay prepared for as long as the connection lives.
            statement_cache_size=512,
            max_cached_statement_lifetime=0,
            server_settings=settings,
        )
    except _WRONG_URL as error:
        problem = f"database_url: {error}"
        raise SettingsError(problem, problems=[problem]) from error
    except OUTAGES as error:
        where = urlsplit(url)
        reason = str(error) or type(error).__name__
        raise StoreUnavailable(
            f"no connection to PostgreSQL at {where.hostname}:{where.port or 5432}: {reason}"
        ) from error


class Connections:
    """At most `size` connections, made when needed; the one used last is used next.

    asyncpg's own pool asks the server to reset a connection after each use, a round trip that our
    short transactions would feel; we leave nothing behind that needs one.
    """

    def __init__(self, url: str, size: int, *, timeout_s: float, settings: dict[str, str]) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._settings = settings
        self._free = asyncio.Semaphore(size)
        self._idle: list[Any] = []
        self.waiting = 0

    async def acquire(self) -> Any:
        """Raises StoreUnavailable when there is none in time."""
        self.waiting += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._free.acquire()
        except TimeoutError:
            raise StoreUnavailable("every connection to the database is busy") from None
        finally:
            self.waiting -= 1
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        try:
            return await connect(self._url, timeout_s=self._timeout_s, settings=self._settings)
        except BaseException:
            self._free.release()
            raise

    def release(self, connection: Any) -> None:
        """Takes it back for the next one; a closed one is forgotten."""
        if not connection.is_closed():
            self._idle.append(connection)
        self._free.release()

    async def close(self) -> None:
        """Closes the idle ones: call it when nothing is in use."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=self._timeout_s)
            except OUTAGES:
                connection.terminate()
