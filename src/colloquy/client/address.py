"""Where a server is: the one that holds a database file says so in its lock."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from ..model.errors import StoreLocked
from ..storage.file_lock import FileLock

ANNOUNCE_WAIT_S = 3.0
"""A server that has just taken the lock tells its address a moment later."""
LOOK_AGAIN_S = 0.02


class Address(NamedTuple):
    """Where a server is, and a key for it."""

    url: str
    key: str | None = None


async def server_of(database: Path) -> Address | None:
    """The server that holds this SQLite file; None when nobody does.

    Raises StoreLocked when a process holds it that is no server.
    """
    lock = FileLock(database.absolute())
    loop = asyncio.get_running_loop()
    patience = loop.time() + ANNOUNCE_WAIT_S
    while lock.is_held():
        holder = lock.read()
        if holder.get("url"):
            return Address(str(holder["url"]), holder.get("token"))
        if loop.time() > patience:
            raise StoreLocked(
                f"process {holder.get('pid', 'unknown')} holds {lock.path.name} and serves no "
                "HTTP; wait for it or stop it"
            )
        await asyncio.sleep(LOOK_AGAIN_S)
    return None
