"""Checkpoints of the graph on both databases: by hand, daily, of a rollback that failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from colloquy.model.checkpoints import CheckpointRequest, CheckpointView
from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.graph import EntityRequest, LearnRequest, NewRelationship, RetractionRequest
from colloquy.model.ledger import LedgerScope, PointRequest, RollbackRequest
from colloquy.model.times import now_us
from colloquy.runtime.graph import GraphDesk
from colloquy.runtime.graph.checkpoints import HOUR_US, Checkpoints
from support.engine import Talk, echo, running
from support.waiting import until


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "colloquy.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def talk(database: Path | str, tmp_path: Path) -> AsyncIterator[Talk]:
    async with running(echo(), database, tmp_path) as talk:
        yield talk


async def knows(desk: GraphDesk, *pairs: str) -> None:
    joined = tuple(NewRelationship(source=a, type="KNOWS", target=b) for a, b in pairs)
    await desk.learn(LearnRequest(relationships=joined), "me")


async def describe(desk: GraphDesk, *ids: str, actor: str = "me") -> None:
    for id_ in ids:
        name = f"{id_} by {actor}"
        await desk.describe(id_, EntityRequest(kind="topic", attributes={"name": name}), actor)


async def listed(desk: GraphDesk) -> list[CheckpointView]:
    return (await desk.checkpoints.page()).checkpoints


async def test_a_checkpoint_shows_what_lay_around_its_seeds(talk: Talk) -> None:
    desk = talk.runtime.knowledge
    await knows(desk, "ab", "bc", "cd")
    made = await desk.checkpoints.create(CheckpointRequest(seeds=("a", "a"), name="then"), "me")
    assert (made.reason, made.hops, made.seeds, made.name) == ("manual", 2, ["a"], "then")
    await desk.retract(RetractionRequest(key="a|KNOWS|>b"), "me")
    found = await desk.checkpoints.show(made.id, limit=2)
    assert ([one.id for one in found.entities], found.total) == (["a", "b"], 3)
    rest = await desk.checkpoints.show(made.id, found.next, limit=2)
    assert ([one.id for one in rest.entities], rest.next) == (["c"], None)
    near = await desk.checkpoints.create(
        CheckpointRequest(seeds=("a",), hops=5, reason="incident"), "me"
    )
    assert (await desk.checkpoints.show(near.id)).total == 1
    assert [one.id for one in await listed(desk)] == [near.id, made.id]
    first = await desk.checkpoints.page(limit=1)
    assert (await desk.checkpoints.page(first.next, 1)).checkpoints == [made]


async def test_what_cannot_be_a_checkpoint_is_refused(talk: Talk) -> None:
    desk = talk.runtime.knowledge
    with pytest.raises(NotFound):
        await desk.checkpoints.create(CheckpointRequest(seeds=("nobody",)), "me")
    with pytest.raises(InvalidInput):
        long = tuple(f"{number:04}" * 250 for number in range(16))
        await desk.checkpoints.create(CheckpointRequest(seeds=long), "me")
    point = await talk.runtime.ledger.create_point(PointRequest(name="no checkpoint"), "me")
    with pytest.raises(NotFound):
        await desk.checkpoints.show(point.id)
    assert await listed(desk) == []


async def test_once_a_day_there_is_one_of_what_changed(talk: Talk) -> None:
    runtime, desk = talk.runtime, talk.runtime.knowledge
    await describe(desk, "a", "b")

    def of(hours: int, owns: bool = True) -> Checkpoints:
        return Checkpoints(
            runtime.settings.graph, runtime.graph, runtime.store, runtime.ledger.ledger,
            owns=lambda _: owns, clock=lambda: now_us() + hours * HOUR_US,
        )  # fmt: skip

    await of(23).make_due()
    await of(25, owns=False).make_due()
    assert await listed(desk) == []
    for _ in range(2):
        await of(25).make_due()
    await describe(desk, "c")
    await of(25).make_due()
    made = await listed(desk)
    assert [(one.reason, one.seeds) for one in made] == [("daily", ["c"]), ("daily", ["a", "b"])]


async def test_a_failed_rollback_of_knowledge_is_an_incident(talk: Talk) -> None:
    desk, ledger = talk.runtime.knowledge, talk.runtime.ledger
    await describe(desk, "a", actor="ann")
    await describe(desk, "a", actor="bob")
    scope = LedgerScope(actors=("ann",))
    request = RollbackRequest(position=0, scope=scope, on_conflict="abort")
    operation = await ledger.rollback(request, "me")

    async def found() -> bool:
        return bool(await listed(desk))

    await until(found)
    (made,) = await listed(desk)
    assert (made.reason, made.seeds) == ("incident", ["a"])
    assert operation.id in made.name
