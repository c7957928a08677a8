"""Signals through PostgreSQL: LISTEN and NOTIFY on one channel of the database itself."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from ...model.errors import SignalsUnavailable
from ..postgres_connections import OUTAGES
from ..queries import QUERIES
from .carrier import CARRIER_S, GOODBYE_S
from .envelope import Identity

_SECRET = "secret:signals"
_PLACE = """SELECT oid || ' ' || datname AS name, current_schema() AS schema,
        has_function_privilege('pg_control_system()', 'EXECUTE') AS may_ask
    FROM pg_database WHERE datname = current_database()"""
_CLUSTER = "SELECT system_identifier FROM pg_control_system()"
_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest(CAST($2 AS text[])) payload"


async def identity_of(connection: Any) -> Identity:
    """A secret that the database keeps (made here at first), and which database that is: one that
    was restored from a backup has the same secret, in another place."""
    await connection.fetch(QUERIES["meta_new"], _SECRET, secrets.token_hex(32))
    secret = await connection.fetchval(QUERIES["meta_get"], _SECRET)
    place = await connection.fetchrow(_PLACE)
    cluster = await connection.fetchval(_CLUSTER) if place["may_ask"] else ""
    return Identity.of(bytes.fromhex(secret), place["name"], place["schema"], str(cluster))


class PostgresCarrier:
    """A connection of its own. See `Carrier`."""

    place = "the database"

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        """`connect` raises StoreUnavailable or SettingsError."""
        self._connect = connect
        self._connection: Any = None

    async def open(
        self, channel: str, heard: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        await self.close()
        self._channel = channel
        connection = await self._connect()

        def hear(_: Any, sender: int, name: str, payload: str) -> None:
            heard(payload.encode())

        def fall(gone: Any) -> None:
            if gone is self._connection:
                lost("the connection was closed")

        try:
            connection.add_termination_listener(fall)
            await connection.add_listener(channel, hear)
        except OUTAGES as error:
            connection.terminate()
            raise SignalsUnavailable(f"cannot listen for signals: {error}") from error
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    async def send(self, payloads: Sequence[bytes]) -> None:
        texts = [payload.decode() for payload in payloads]
        try:
            await self._connection.fetch(_NOTIFY, self._channel, texts, timeout=CARRIER_S)
        except (asyncpg.PostgresError, *OUTAGES) as error:
            reason = str(error) or type(error).__name__
            raise SignalsUnavailable(f"the database takes no signals: {reason}") from error

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*OUTAGES):
                await connection.close(timeout=GOODBYE_S)
