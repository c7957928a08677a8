"""Runs as a process of its own: carries one rollback out, slowly, until it is killed.

`python -m support.rollback_child ENGINE WHERE OPERATION` writes a line at each committed batch.
"""

from __future__ import annotations

import asyncio
import sys

from colloquy.ledger.collections import Collections
from colloquy.ledger.ledger import Ledger
from support.storage import Place


async def main(engine: str, where: str, operation: str) -> None:
    store = Place(engine, where).store()
    await store.open()
    ledger = Ledger(store, Collections())
    ledger.listeners.add(lambda event: print(event.name, flush=True))
    await ledger.run(operation)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
