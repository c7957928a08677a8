"""What processes know together of a roll-out: over a restart, and on one database of several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Turn
from colloquy.evolution.guard import Guard
from colloquy.flags import Decision, FlagState
from colloquy.model.errors import StoreUnavailable
from colloquy.model.rollouts import LevelRequest, RolloutRequest, RolloutStep
from colloquy.runtime import Runtime
from colloquy.runtime.rollouts.watching import VERSIONS_ROW
from support.engine import Talk, echo, running, settings_for
from support.waiting import until

FLAG = "enable_tools"
ON = {FLAG: Decision(True, "rollout", "50 %")}
OFF = {FLAG: Decision(False, "default")}
HALF = 40
"""Turns with the value, half of them failed: fewer than any guard judges by."""


def feed(guard: Guard, count: int = HALF, failing: int = 2) -> None:
    """As many turns of each side; with the value every so-manieth fails."""
    for number in range(count):
        guard.add("v2", ON, number % failing > 0, 0.1)
        guard.add("v2", OFF, True, 0.1)


async def begun(talk: Talk, *, hold_s: float = 3600.0, minimum: int = 60) -> None:
    talk.runtime.rollouts.memory = lambda: 0.5
    await talk.runtime.flag_desk.change(FLAG, FlagState(value=False), "ann")
    steps = tuple(
        RolloutStep(percentage=percentage, hold_s=hold_s, minimum=minimum)
        for percentage in (50.0, 100.0)
    )
    await talk.runtime.rollouts.begin(RolloutRequest(flag=FLAG, steps=steps), "ann")


@asynccontextmanager
async def two(postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[Talk, Talk]]:
    """Two processes; a plan that both know of."""
    async with (
        running(echo(), postgres_url, tmp_path / "one") as one,
        running(echo(), postgres_url, tmp_path / "other") as other,
    ):
        other.runtime.rollouts.memory = lambda: 0.5
        await begun(one)
        await until(lambda: FLAG in other.runtime.rollouts.guard.watched)
        yield one, other


def state(talk: Talk) -> str:
    return talk.runtime.rollouts.show(FLAG).state


def test_neither_half_alone_is_enough() -> None:
    alone = Guard()
    alone.watch(FLAG, True)
    feed(alone)
    alone.look()
    assert (alone.verdict(FLAG).judgement, alone.verdict(FLAG).enough) == ("ok", False)
    feed(alone)
    alone.look()
    assert alone.verdict(FLAG).judgement == "roll_back"


async def test_a_restart_goes_on_with_what_was_seen(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        await begun(talk)
        feed(talk.runtime.rollouts.guard)
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.rollouts
        desk.memory = lambda: 0.5
        view = desk.show(FLAG)
        assert (view.state, view.seen) == ("running", HALF)
        assert view.verdict is not None and view.verdict.on.failed == HALF // 2
        assert desk.page().versions["v2"].count == 2 * HALF
        feed(desk.guard)
        await until(lambda: state(talk) == "rolled_back")
        assert desk.show(FLAG).moves[-1].by == "guard"


async def test_a_step_that_a_restart_interrupts_keeps_its_turns(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        await begun(talk, hold_s=0.0)
        feed(talk.runtime.rollouts.guard, failing=1000)
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.rollouts
        desk.memory = lambda: 0.5
        assert desk.show(FLAG).seen == HALF
        feed(desk.guard, 60 - HALF, failing=1000)
        await until(lambda: desk.show(FLAG).step == 1)
        # The next one counts its own.
        assert desk.show(FLAG).seen == 0


async def test_a_new_plan_begins_with_nothing(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.rollouts
        await begun(talk)
        feed(desk.guard)
        feed(desk.guard)
        await until(lambda: state(talk) == "rolled_back")
        await begun(talk)
        await desk.look()
        view = desk.show(FLAG)
        assert (view.state, view.seen, view.verdict.on.count) == ("running", 0, 0)  # type: ignore[union-attr]


async def test_two_processes_take_back_together_what_neither_would(
    postgres_url: str, tmp_path: Path
) -> None:
    async with two(postgres_url, tmp_path) as (one, other):
        feed(one.runtime.rollouts.guard)
        # Both see the same, whoever saw it first.
        for talk in (one, other):
            await until(lambda talk=talk: talk.runtime.rollouts.show(FLAG).seen == HALF)
            assert state(talk) == "running"
        feed(other.runtime.rollouts.guard)
        for talk in (one, other):
            await until(lambda talk=talk: state(talk) == "rolled_back")
        moves = [move.what for move in one.runtime.rollouts.show(FLAG).moves]
        assert moves.count("rolled_back") == 1
        assert len((await one.runtime.rollouts.levels.page()).rollbacks) == 1


async def test_of_two_that_take_back_at_once_one_does(postgres_url: str, tmp_path: Path) -> None:
    async with two(postgres_url, tmp_path) as (one, other):
        desks = [one.runtime.rollouts, other.runtime.rollouts]
        for desk in desks:
            desk._is_mover = lambda: True
        feed(desks[0].guard)
        feed(desks[1].guard)
        await asyncio.gather(*(desk.look() for desk in desks))
        await until(lambda: state(one) == state(other) == "rolled_back")
        assert len((await desks[0].levels.page()).rollbacks) == 1


async def test_another_one_takes_back_where_the_first_does_not(
    postgres_url: str, tmp_path: Path
) -> None:
    async with two(postgres_url, tmp_path) as (one, other):
        for talk in (one, other):
            talk.runtime.rollouts._is_mover = lambda: False
        feed(one.runtime.rollouts.guard, 2 * HALF)
        await until(lambda: state(one) == "rolled_back")


async def test_a_process_without_turns_shows_what_the_others_see(
    postgres_url: str, tmp_path: Path
) -> None:
    async with running(echo(), postgres_url, tmp_path / "one") as one:
        await begun(one)
        feed(one.runtime.rollouts.guard)
        edge = Runtime(echo(), settings_for(postgres_url, tmp_path / "edge"), worker=False)
        await edge.start()
        try:
            await until(lambda: edge.rollouts.show(FLAG).seen == HALF)
            verdict = edge.rollouts.show(FLAG).verdict
            assert verdict is not None and verdict.on.failed == HALF // 2
            await until(lambda: edge.rollouts.page().versions.get("v2") is not None)
        finally:
            await edge.stop()


@pytest.mark.parametrize("arrived", [True, False])
async def test_what_nobody_knows_to_have_arrived_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        desk, store = talk.runtime.rollouts, talk.runtime.store
        await begun(talk)
        change, broken = store.change, [True]

        async def answer_lost(name: str, rows: Any) -> Any:
            if name != "rollout_watch_put" or rows[0][0] == VERSIONS_ROW or not broken:
                return await change(name, rows)
            if arrived:
                await change(name, rows)
            broken.clear()
            raise StoreUnavailable("the answer was lost")

        monkeypatch.setattr(store, "change", answer_lost)
        feed(desk.guard)
        await until(lambda: not broken)
        await until(lambda: desk.show(FLAG).seen >= HALF)
        feed(desk.guard, 1)
        await until(lambda: desk.show(FLAG).seen > HALF)
        assert desk.show(FLAG).seen == HALF + 1


async def test_what_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        await begun(talk)
        feed(talk.runtime.rollouts.guard)
        await talk.runtime.rollouts.look()
        ((_, started_at, revision, _),) = await talk.runtime.store.read(
            "rollout_watch_of", [(FLAG,)]
        )
        row = (FLAG, started_at, revision + 1, 0, b'{"of": "another version"}')
        assert await talk.runtime.store.change("rollout_watch_put", [row])
        feed(talk.runtime.rollouts.guard, 1)
        await talk.runtime.rollouts.look()
        assert talk.runtime.rollouts.show(FLAG).seen == 1


async def test_every_process_clears_what_it_keeps(postgres_url: str, tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> str:
        return "here"

    async with (
        running(app, postgres_url, tmp_path / "one") as one,
        running(echo(), postgres_url, tmp_path / "other") as other,
    ):
        # Only then each works on some of the conversations.
        await until(lambda: other.runtime.stats()["leases"] == 32)
        for number in range(20):
            await one.send("hello", who=f"person-{number}")
        for talk in (one, other):
            assert len(talk.runtime._engine.cache) > 0
        await one.runtime.rollouts.levels.back(LevelRequest(level="feature", flag=FLAG), "ann")
        await one.runtime.rollouts.levels.back(LevelRequest(level="partial", flag=FLAG), "ann")
        for talk in (one, other):
            await until(lambda talk=talk: len(talk.runtime._engine.cache) == 0)


async def test_pages_of_roll_backs_from_the_newest_on(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        levels = talk.runtime.rollouts.levels
        made = [
            (await levels.back(LevelRequest(level="feature", flag=FLAG), "ann")).id
            for _ in range(5)
        ]
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await levels.newest(cursor, 2)
            found += [one.id for one in page.rollbacks]
            cursor = page.next
            if cursor is None:
                break
        assert found == made[::-1]
