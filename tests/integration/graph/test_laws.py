"""Laws of the stored graph: neither order nor repeats nor batches matter, and the past stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from colloquy.graph.graph import Graph
from colloquy.graph.slots import entry_of
from colloquy.graph.statements import Assertion, Merge
from colloquy.ledger.collections import Collections
from colloquy.storage.sqlite import SqliteStore
from support.graph_statements import assertions, merges
from support.graphs import contested, described, head, known, renamed, ticking, values

STATEMENTS = st.lists(assertions() | merges(), min_size=1, max_size=14)
LAW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
_examples = count(1)

Two = tuple[Graph, Graph]
Statements = list[Assertion | Merge]


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two graphs, the same for all examples: each example has entities of its own."""
    stores = [SqliteStore(tmp_path / name) for name in ("one.db", "other.db")]
    for store in stores:
        await store.open()
    yield tuple(Graph(store, Collections(), ticking()) for store in stores)
    for store in stores:
        await store.close()


def new_mark() -> str:
    return f"e{next(_examples):06d}:"


async def assert_alike(one: Graph, other: Graph, mark: str) -> None:
    assert await values(one, mark) == await values(other, mark)
    assert await known(one, mark=mark) == await known(other, mark=mark)
    assert await contested(one, mark) == await contested(other, mark)


@LAW
@given(data=st.data(), statements=STATEMENTS)
async def test_order_repeats_and_batches_do_not_matter(
    two: Two, data: st.DataObject, statements: Statements
) -> None:
    one, other = two
    mark = new_mark()
    statements = renamed(statements, mark)
    repeated = statements + data.draw(st.lists(st.sampled_from(statements), max_size=5))
    shuffled = data.draw(st.permutations(repeated))
    await one.learn(statements, "test")
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        await other.learn(shuffled[:size], "test")
        shuffled = shuffled[size:]
    await assert_alike(one, other, mark)
    assert await described(one, mark) == await described(other, mark)


@LAW
@given(data=st.data(), statements=STATEMENTS)
async def test_every_position_shows_what_was_known_then(
    two: Two, data: st.DataObject, statements: Statements
) -> None:
    graph, _ = two
    mark = new_mark()
    snapshots = {}
    for statement in renamed(statements, mark):
        await graph.learn([statement], "test")
        keys = sorted(await values(graph, mark))
        if keys and data.draw(st.integers(0, 3)) == 0:
            await graph.retract(data.draw(st.sampled_from(keys)), "test")
        snapshots[await head(graph.store)] = await known(graph, mark=mark)
    for position, snapshot in snapshots.items():
        assert await known(graph, position, mark) == snapshot


@LAW
@given(data=st.data(), statements=STATEMENTS)
async def test_what_is_taken_back_leaves_no_trace_in_the_present(
    two: Two, data: st.DataObject, statements: Statements
) -> None:
    one, other = two
    mark = new_mark()
    statements = renamed(statements, mark)
    await one.learn(statements, "test")
    keys = sorted(await values(one, mark))
    gone = data.draw(st.lists(st.sampled_from(keys), unique=True))
    for key in gone:
        await one.retract(key, "test")
    await other.learn([each for each in statements if entry_of(each).key not in gone], "test")
    await assert_alike(one, other, mark)
