"""Numbers under concurrent writers: chains of changes unbroken, positions a true cut, events
without gaps (engine decisions 28, 29)."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from colloquy.storage.store import ChangeRow, Store
from colloquy.storage.write_set import Unit, Verdict
from support.storage import Place, change, commit, events, reply, started, state

# A plan: for each writer its write sets, for each of those its units, for each of those the keys
# it changes. Few keys, so that they collide.
PLAN = st.lists(
    st.lists(
        st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    ),
    min_size=2,
    max_size=4,
)


def assert_chained(rows: list[ChangeRow], start: int = 0) -> None:
    """Positions have no gap, and each change knows the former one of its key."""
    assert [row.position for row in rows] == list(range(start + 1, start + 1 + len(rows)))
    last: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.collection, row.key)
        assert row.previous == last.get(key)
        last[key] = row.position


async def all_changes(store: Store) -> list[ChangeRow]:
    rows: list[ChangeRow] = []
    while page := await store.changes(rows[-1].position if rows else 0, 100):
        rows += page
    return rows


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=PLAN)
async def test_chains_are_unbroken_whatever_the_writers_do(store: Store, plan: list) -> None:
    collection = os.urandom(8).hex()  # the database is the same for all plans
    rows = [await started(store) for _ in range(2)]
    committed: dict[str, list[bytes]] = defaultdict(list)

    async def writer(name: int, sets: list) -> None:
        for turn, units in enumerate(sets):
            outcomes = await commit(
                store,
                *(
                    Unit(
                        session=rows[(name + place) % 2].number,
                        at=1,
                        # Every fifth unit finds its inbox row gone, so its changes must not appear.
                        done=(10**9,) if (name + turn + place) % 5 == 4 else (),
                        events=events("note"),
                        changes=[
                            change(f"k{key}", b"%d.%d.%d" % (name, turn, place), collection)
                            for key in keys
                        ],
                    )
                    for place, keys in enumerate(units)
                ),
            )
            for place, (outcome, keys) in enumerate(zip(outcomes, units, strict=True)):
                if outcome.verdict is Verdict.COMMITTED:
                    for key in keys:
                        committed[f"k{key}"].append(b"%d.%d.%d" % (name, turn, place))

    await asyncio.gather(*(writer(name, sets) for name, sets in enumerate(plan)))
    changes = await all_changes(store)
    assert_chained(changes)
    for key, values in committed.items():
        chain = await store.changes_of(collection, key)
        assert sorted(row.after or b"" for row in chain) == sorted(values)
    for row in rows:
        found = await store.events(row.number, 0, 1000)
        assert [event.seq for event in found] == list(range(1, len(found) + 1))


async def test_positions_are_a_true_cut_for_readers(place: Place) -> None:
    """While four writers commit from two stores, a reader never sees a gap, and one that goes up by
    position misses nothing."""
    stores = [place.store()]
    if place.engine == "postgres":
        stores.append(place.store())
    for store in stores:
        await store.open()
    reader = stores[0]
    rows = [await started(reader) for _ in range(4)]
    running = True

    async def writer(name: int) -> list[int]:
        store = stores[name % len(stores)]
        tops = []
        for turn in range(25):
            units = [
                Unit(session=rows[(name + step) % 4].number, at=1, events=events("a", "b"),
                     changes=[change(f"k{(turn + step) % 3}"), change(f"own {name}")])
                for step in range(2)
            ]  # fmt: skip
            assert {item.verdict for item in await commit(store, *units)} == {Verdict.COMMITTED}
            mine = await store.changes_of("sessions", f"own {name}")
            tops.append(mine[-1].position)
        return tops

    async def follower() -> list[int]:
        seen: list[int] = []
        while True:
            last_round = not running
            changes = await all_changes(reader)
            assert_chained(changes)
            page = await reader.query("events_feed", seen[-1] if seen else 0, 50)
            seen += [row[1] for row in page]
            if last_round and not page:
                return seen
            await asyncio.sleep(0)

    following = asyncio.create_task(follower())
    tops = await asyncio.gather(*(writer(name) for name in range(4)))
    running = False
    seen = await following
    assert seen == list(range(1, 401))
    for positions in tops:  # one writer's commits are numbered in their order
        assert positions == sorted(positions)
    for row in rows:
        found = await reader.events(row.number, 0, 1000)
        assert [event.seq for event in found] == list(range(1, 101))
    for store in stores:
        await store.close()


async def test_concurrent_state_changes_have_one_winner_each(place: Place) -> None:
    stores = [place.store()]
    if place.engine == "postgres":
        stores.append(place.store())
    for store in stores:
        await store.open()
    row = await started(stores[0])

    async def writer(name: int) -> int:
        store = stores[name % len(stores)]
        wins = 0
        while wins < 10:
            found = await store.session(row.id)
            unit = Unit(
                session=row.number, at=1, version=found.version, state=state(found.version + 1),
                events=events("note"), outbox=[reply()], changes=[change("state")],
            )  # fmt: skip
            (outcome,) = await commit(store, unit)
            wins += outcome.verdict is Verdict.COMMITTED
        return wins

    await asyncio.gather(*(writer(name) for name in range(4)))
    found = await stores[0].session(row.id)
    assert (found.version, found.last_seq) == (40, 40)
    assert_chained(await all_changes(stores[0]))
    assert [item.seq for item in await stores[0].outbox()] == list(range(1, 41))
    for store in stores:
        await store.close()
