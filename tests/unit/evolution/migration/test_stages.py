"""The stages of a migration: what is written and read in each, gates, and the record of steps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from colloquy.evolution.migration import Figures, Gates, Stage, Stages, State
from colloquy.evolution.migration.progress import Progress
from colloquy.evolution.migration.report import stalled_s
from colloquy.evolution.migration.stages import missing_for
from colloquy.evolution.stage import COLLECTION
from colloquy.ledger.restoring.requests import Request
from colloquy.model.errors import (
    Conflict,
    InvalidInput,
    MigrationNotReady,
    NotFound,
    PreconditionFailed,
)
from colloquy.storage.memory import MemoryStore

GOOD = Figures(backfilled=True, compared=50, total=50, parity=1.0, verified_at=10**18)
S = 1_000_000


class Ticking:
    now = 1_769_853_600 * S

    def __call__(self) -> int:
        self.now += S
        return self.now


@pytest.fixture
async def stages() -> AsyncIterator[Stages]:
    store = MemoryStore()
    await store.open()
    yield Stages.on(store, "chat", Gates(), clock=Ticking())
    await store.close()


def test_each_stage_writes_and_reads_what_it_says() -> None:
    assert [stage.writes for stage in Stage] == [(1,), (1, 2), (1, 2), (2, 1), (2,)]
    assert [stage.primary for stage in Stage] == [1, 1, 1, 2, 2]
    assert [stage.falls_back for stage in Stage] == [False, False, True, True, False]
    assert [stage.following for stage in Stage] == [*list(Stage)[1:], None]
    assert [stage.former for stage in Stage] == [None, *list(Stage)[:-1]]


async def test_the_way_there_and_back(stages: Stages) -> None:
    assert (await stages.state()).stage is Stage.OFF
    await stages.start("ann", "sqlite:///chat.db chat")
    for stage in (Stage.DUAL_V1, Stage.DUAL_V2, Stage.V2_ONLY):
        state = await stages.advance("ann", GOOD, reason="looks good")
        assert (state.stage, state.by, state.forced) == (stage, "ann", False)
        assert state.source == "sqlite:///chat.db chat"
    with pytest.raises(Conflict):
        await stages.advance("ann", GOOD)
    for stage in (Stage.DUAL_V2, Stage.DUAL_V1, Stage.SHADOW, Stage.OFF):
        assert (await stages.back("ben", GOOD)).stage is stage
    with pytest.raises(Conflict):
        await stages.back("ben", GOOD)
    history = await stages.history()
    assert [step.stage for step in history] == [
        "off", "shadow", "dual_v1", "dual_v2", "v2_only", "dual_v2", "dual_v1", "shadow",
    ]  # fmt: skip
    assert len(await stages.history(3)) == 3
    assert {step.by for step in history} == {"ann", "ben"}


def test_going_back_to_v1_a_comparison_begins_when_the_stage_is_in_force_everywhere() -> None:
    """A program that still writes V2 alone may do so behind one that begins before."""
    state = State(stage=Stage.DUAL_V2, since=100 * S)
    early, late = (replace(GOOD, verified_at=at) for at in (100 * S + S // 4, 101 * S))
    assert missing_for(Stage.DUAL_V1, state, early, Gates()) == [
        "the tables were not compared since this stage began"
    ]
    assert missing_for(Stage.DUAL_V1, state, late, Gates()) == []
    assert missing_for(Stage.V2_ONLY, state, early, Gates()) == []


async def test_a_step_needs_a_beginning(stages: Stages) -> None:
    with pytest.raises(NotFound):
        await stages.advance("ann", GOOD)
    await stages.start("ann", "here")
    with pytest.raises(Conflict):
        await stages.start("ann", "here")


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        (replace(GOOD, backfilled=False), "the backfill is not complete"),
        (replace(GOOD, verified_at=0), "the tables were not compared since this stage began"),
        (replace(GOOD, total=2000), "50 messages compared of 1000"),
        (replace(GOOD, parity=0.99), "parity 0.990000 is below 1"),
        (replace(GOOD, open_mismatches=3), "3 mismatches open, at most 0 allowed"),
        (replace(GOOD, waiting=2), "2 messages wait in the outbox"),
    ],
)
async def test_a_gate_says_what_is_missing(stages: Stages, figures: Figures, said: str) -> None:
    await stages.start("ann", "here")
    with pytest.raises(MigrationNotReady) as caught:
        await stages.advance("ann", figures)
    assert caught.value.extra["missing"] == [said]
    assert caught.value.code == "migration_not_ready" and said in caught.value.detail
    assert await stages.stage() is Stage.SHADOW


async def test_all_that_is_missing_is_listed(stages: Stages) -> None:
    await stages.start("ann", "here")
    with pytest.raises(MigrationNotReady) as caught:
        await stages.advance("ann", Figures(total=5, open_mismatches=1, waiting=1))
    assert len(caught.value.extra["missing"]) == 4


async def test_force_needs_a_reason_and_is_recorded(stages: Stages) -> None:
    await stages.start("ann", "here")
    with pytest.raises(InvalidInput) as caught:
        await stages.advance("ann", Figures(), reason="  ", force=True)
    assert caught.value.field == "reason"
    state = await stages.advance("ann", Figures(), reason="the  shop is closed", force=True)
    assert state.forced and state.reason == "the shop is closed" and len(state.missing) == 2
    assert (await stages.history())[0].forced
    # What would have been allowed anyway was not forced.
    allowed = await stages.advance("ann", GOOD, reason="again", force=True)
    assert not allowed.forced and allowed.missing == []


async def test_back_is_open_except_where_v2_has_what_v1_lacks(stages: Stages) -> None:
    nothing = Figures(open_mismatches=4)
    await stages.start("ann", "here")
    await stages.advance("ann", GOOD)
    assert (await stages.back("ann", nothing)).stage is Stage.SHADOW
    await stages.advance("ann", GOOD)
    await stages.advance("ann", GOOD)
    await stages.advance("ann", GOOD)
    assert (await stages.back("ann", nothing)).stage is Stage.DUAL_V2
    with pytest.raises(MigrationNotReady):
        await stages.back("ann", nothing)
    assert (await stages.back("ann", nothing, reason="fire", force=True)).stage is Stage.DUAL_V1


def test_gates_can_be_set() -> None:
    gates = Gates(compared=10, parity=0.9, open_mismatches=5)
    figures = Figures(
        backfilled=True, compared=10, total=99, parity=0.95, open_mismatches=5, verified_at=1
    )
    state = State(stage=Stage.SHADOW)
    assert missing_for(Stage.DUAL_V1, state, figures, gates) == []
    assert missing_for(Stage.DUAL_V1, state, figures, Gates())


async def test_two_at_once_take_one_step(stages: Stages) -> None:
    await stages.start("ann", "here")
    _, position = await stages._found()
    await stages.advance("ann", GOOD)
    with pytest.raises(PreconditionFailed):
        await stages._put(State(stage=Stage.OFF), "ben", position)
    assert await stages.stage() is Stage.DUAL_V1


async def test_a_step_can_be_rolled_back_when_it_is_named(stages: Stages) -> None:
    await stages.start("ann", "here")
    position = (await stages.history())[0].position
    await stages.advance("ann", GOOD)
    everything = await stages.ledger.start(Request(position=position), "ann")
    await stages.ledger.run(everything.id)
    assert await stages.stage() is Stage.DUAL_V1
    from colloquy.ledger.scope import Scope

    named = Request(position=position, scope=Scope(collections=(COLLECTION,)))
    await stages.ledger.run((await stages.ledger.start(named, "ann")).id)
    assert await stages.stage() is Stage.SHADOW
    assert (await stages.history())[0].operation == "rollback"


def test_standing_still_is_noticed_after_the_time_that_was_set() -> None:
    state = State(stage=Stage.DUAL_V1, since=1000 * S)
    work = {"backfill_v1": Progress(moved_at=2000 * S)}
    day = 86_400.0
    assert stalled_s(state, work, day, 2000 * S + 86_399 * S) is None
    assert stalled_s(state, work, day, 2000 * S + 86_400 * S) == day
    assert stalled_s(state, work, 10.0, 2020 * S) == 20.0
    assert stalled_s(replace(state, stage=Stage.OFF), work, 10.0, 2020 * S) is None
    assert stalled_s(replace(state, stage=Stage.V2_ONLY), work, 10.0, 2020 * S) is None
