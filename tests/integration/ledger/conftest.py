"""Ledgers run on every engine: in memory too, beside the two that keep what they are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from colloquy.storage.store import Store
from support.storage import Place


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    # Not in the asynchronous fixture: the server is started outside of any event loop.
    if request.param == "postgres":
        return Place("postgres", request.getfixturevalue("postgres_url"))
    return Place(request.param, str(tmp_path / "colloquy.db"))


@pytest.fixture
async def store(any_place: Place) -> AsyncIterator[Store]:
    store = any_place.store()
    await store.open()
    yield store
    await store.close()
