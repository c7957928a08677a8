"""Holds the write lock of a database for some seconds: `python -m colloquy.proof.lock URL SECONDS`.

A process of its own, because locks of one process do not stop that process. Prints `locked` once
it has the lock; ends early, and lets go, when its standard input closes.
"""

from __future__ import annotations

import asyncio
import select
import sys
import time

WAIT_MS = 20_000
"""A busy server leaves gaps between its transactions: one is found long before."""


def hold_sqlite(file: str, seconds: float) -> None:
    """Raises apsw.BusyError when the lock cannot be had."""
    import apsw

    connection = apsw.Connection(file)
    connection.set_busy_timeout(WAIT_MS)
    connection.execute("BEGIN EXCLUSIVE")
    _hold(seconds)
    connection.execute("ROLLBACK")
    connection.close()


async def hold_postgres(url: str, seconds: float) -> None:
    """Locks the tables that every acceptance writes. Raises asyncpg's errors."""
    import asyncpg

    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE message_keys, inbox IN EXCLUSIVE MODE")
        await asyncio.to_thread(_hold, seconds)
    await connection.close()


def _hold(seconds: float) -> None:
    print("locked", flush=True)
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([sys.stdin], [], [], left)[0]:
            return


def main(url: str, seconds: float) -> None:
    if url.startswith("sqlite:///"):
        hold_sqlite(url.removeprefix("sqlite:///"), seconds)
    else:
        asyncio.run(hold_postgres(url, seconds))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
