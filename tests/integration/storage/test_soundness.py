"""What a file that is sound may look like, and what is found in one that is not."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from colloquy.ledger.collections import Collections
from colloquy.ledger.ledger import Ledger
from colloquy.ledger.merge import MISSING
from colloquy.ledger.retention import Retention
from colloquy.settings import LedgerSettings
from colloquy.storage.soundness import problems_of
from colloquy.storage.sqlite import SqliteStore


async def filled(file: Path, upto: int) -> None:
    """A database with six ledger rows, compacted up to a position. The last row is a removal."""
    store = SqliteStore(file)
    await store.open()
    try:
        ledger = Ledger(store, Collections())
        for number in range(4):
            await ledger.put("c", "kept", number, "ann")
        await ledger.put("c", "gone", 1, "ann")
        await ledger.put("c", "gone", MISSING, "ann")
        await Retention(ledger, LedgerSettings()).compact(upto)
    finally:
        await store.close()


@pytest.mark.parametrize("upto", [0, 3, 6])
async def test_a_compacted_ledger_is_sound(tmp_path: Path, upto: int) -> None:
    await filled(tmp_path / "a.db", upto)
    assert problems_of(tmp_path / "a.db") == []


@pytest.mark.parametrize("lost", [2, 6])
async def test_a_row_that_is_missing_above_the_horizon_is_found(tmp_path: Path, lost: int) -> None:
    await filled(tmp_path / "a.db", 1)
    connection = apsw.Connection(str(tmp_path / "a.db"))
    connection.execute("DELETE FROM changes WHERE position = ?", (lost,))
    connection.close()
    assert any("its counter does not say" in one for one in problems_of(tmp_path / "a.db"))
