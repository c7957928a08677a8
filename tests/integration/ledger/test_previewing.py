"""Previews: what they count and show is what an operation would do, however the rows are read."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from colloquy.ledger.ledger import Ledger
from colloquy.ledger.restoring import gathering
from colloquy.ledger.restoring.planning import Effect
from colloquy.ledger.restoring.previewing import Place, Preview
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.scope import Scope
from colloquy.model.errors import InvalidInput
from colloquy.storage.store import Store
from support.ledger import changed_at_random, filled, ledger_on, rolled_back

SCOPES = [
    Scope(),
    Scope(collections=("notes",)),
    Scope(include=("*/k1*",), exclude=("notes/**",)),
    Scope(actors=("ben",)),
    Scope(keys=("prices/k1", "notes/k2"), allow_unmatched=True),
    Scope(actors=("ben",), include=("prices/*",)),
]


@pytest.fixture(params=["sorted", "walked"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few changes, and many in pages that end in the middle of records."""
    if request.param == "walked":
        monkeypatch.setattr(gathering, "FEW", 0)
        monkeypatch.setattr(gathering.Gathering.pages, "__defaults__", (None, 3))


async def changed(ledger: Ledger, chance: random.Random, count: int) -> None:
    """By several people, in turns."""
    await changed_at_random(ledger, count, chance, keys=15)
    rows: list[Any] = [
        ("prices", f"k{chance.randrange(15)}", {"amount": chance.randrange(9)}, None)
        for _ in range(count)
    ]
    await ledger.put_many(rows, "ben")
    await changed_at_random(ledger, count // 3, chance, keys=15)


async def pages_of(
    ledger: Ledger, request: Request, limit: int
) -> tuple[list[Preview], list[Effect]]:
    pages: list[Preview] = []
    place: Place | None = None
    while not pages or place is not None:
        pages.append(await ledger.preview(request, place, limit))
        place = pages[-1].cursor
    return pages, [effect for page in pages for effect in page.effects]


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("policy", ["abort", "merge"])
async def test_figures_and_effects_agree_with_the_operation(
    store: Store, scope: Scope, policy: Any
) -> None:
    ledger = ledger_on(store)
    await filled(ledger)
    await filled(ledger, "notes", count=5)
    position = await ledger.history.head()
    await changed(ledger, random.Random(7), 30)
    request = Request(position=position, scope=scope, on_conflict=policy)
    pages, effects = await pages_of(ledger, request, 4)
    first = pages[0]
    assert all(page.actions == first.actions and page.risk == first.risk for page in pages)
    assert [len(page.effects) for page in pages[:-1]] == [4] * (len(pages) - 1)
    assert first.total == len(effects) > 0
    assert [one.item.name for one in effects] == sorted(one.item.name for one in effects)
    assert first.actions == Counter(one.action for one in effects)
    assert first.collections == Counter(one.item.collection for one in effects)
    assert first.conflicts == Counter(one.clash.kind.value for one in effects if one.clash)
    chosen = [
        row for row in await store.changes(position, 1000)
        if scope.has_record(row.collection, row.key, ledger.collections)
        and scope.has_change(row, frozenset(), 0)
    ]  # fmt: skip
    assert first.actors == Counter(row.actor for row in chosen)
    assert {one.item.name for one in effects} == {(row.collection, row.key) for row in chosen}
    done = await rolled_back(ledger, request)
    assert done.total == first.total
    items = (await ledger.operations.items(done, None, 1000)).rows
    assert {(item.name, item.rank, item.runs) for item in items} == {
        (one.item.name, one.item.rank, one.item.runs) for one in effects
    }
    if first.conflicts:
        assert done.status == ("failed" if policy == "abort" else "waiting")
        return
    assert done.status == "completed"
    heads = await store.read("change_heads", [one.item.name for one in effects])
    assert {(row[0], row[1]): row[3] for row in heads} == {
        one.item.name: one.then for one in effects
    }


@pytest.mark.usefixtures("reading")
async def test_pages_show_one_moment_though_others_write(store: Store) -> None:
    ledger = ledger_on(store)
    position = await ledger.history.head()
    await filled(ledger, count=10)
    request = Request(position=position)
    first = await ledger.preview(request, None, 4)
    await ledger.put("prices", "k31", 1, "ben")
    await ledger.put("prices", "k9", {"amount": 99}, "ben")
    assert first.cursor is not None
    second = await ledger.preview(request, first.cursor, 100)
    assert (second.head, second.total, second.cursor) == (first.head, 10, None)
    assert [one.item.key for one in second.effects] == [f"k{index}" for index in range(4, 10)]
    assert [one.action for one in second.effects] == ["remove"] * 5 + ["conflict"]
    # Another process counts anew, of the same moment.
    other = await ledger_on(store).preview(request, first.cursor, 100)
    assert (other.total, other.actions) == (10, {"remove": 9, "conflict": 1})
    with pytest.raises(InvalidInput):
        await ledger.preview(request, Place("prices", "k1", 10**6), 4)


async def test_a_later_page_reads_no_more_than_it_shows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "FEW", 100)
    ledger = ledger_on(store)
    await filled(ledger, count=2000)
    request = Request(position=0)
    first = await ledger.preview(request, None, 10)
    read = 0
    scan, statement = store.scan, store.read

    async def counting_scan(name: str, *parameters: Any) -> Any:
        nonlocal read
        rows = await scan(name, *parameters)
        read += len(rows)
        return rows

    async def counting_read(name: str, rows: Any) -> Any:
        nonlocal read
        found = await statement(name, rows)
        read += len(found)
        return found

    monkeypatch.setattr(store, "scan", counting_scan)
    monkeypatch.setattr(store, "read", counting_read)
    second = await ledger.preview(request, first.cursor, 10)
    assert second.total == 2000
    assert 10 < read < 100
