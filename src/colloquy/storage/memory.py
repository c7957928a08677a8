"""The embedded engine without a file: for tests, demos and trials. What is in it ends with it."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from .sqlite import SqliteStore

_numbers = count(1)


class MemoryStore(SqliteStore):
    """A database of SQLite's own in-memory file system, shared by the connections of this store
    alone. Everything is as on a file but for durability, and that writers and readers take turns.
    """

    keeps_a_file = False

    def __init__(self, *, lock_wait_s: float = 5.0) -> None:
        super().__init__(Path(f"/colloquy-{next(_numbers)}"), lock_wait_s=lock_wait_s, vfs="memdb")
