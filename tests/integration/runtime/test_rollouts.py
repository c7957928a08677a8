"""A bad release under the guard: rolled out by its plan, taken back by itself, and undone."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Message, Turn
from colloquy.flags import FlagState, FlagSubject
from colloquy.model.errors import Conflict, NotFound
from colloquy.model.flags import Rollout
from colloquy.model.rollouts import LevelRequest, RolloutNote, RolloutRequest, RolloutStep
from support.engine import Talk, running
from support.waiting import until

FLAG = "enable_tools"
OFF = FlagState(value=False)


def release(failing: float = 0.2) -> Colloquy:
    """Answers; with the flag on it fails for one attempt in five."""
    app = Colloquy()
    rng = random.Random(17)

    @app.on_message
    def answer(turn: Turn) -> str:
        rate = failing if turn.flags.enabled(FLAG) else 0.01
        if rng.random() < rate:
            raise RuntimeError("the new tools are broken")
        return "done"

    return app


def request(*shares: float, **more: Any) -> RolloutRequest:
    steps = tuple(RolloutStep(percentage=one, hold_s=0.0, minimum=30) for one in shares)
    return RolloutRequest(flag=FLAG, steps=steps, reason="better tools", **more)


async def traffic(talk: Talk, first: int, count: int) -> None:
    """Messages of as many people, all done."""
    for number in range(first, first + count, 100):
        await talk.runtime.accept(
            [_message(f"person-{one}") for one in range(number, min(number + 100, first + count))]
        )
        await talk.settled()
        await talk.runtime.rollouts.look()


def _message(who: str) -> Message:
    return Message(conversation=who, channel="api", text="hello", id="1")


async def begun(talk: Talk, *shares: float, **more: Any) -> None:
    talk.runtime.rollouts.memory = lambda: 0.5
    await talk.runtime.flag_desk.change(FLAG, OFF, "ann")
    await talk.runtime.rollouts.begin(request(*shares, **more), "ann")


async def test_a_bad_release_is_taken_back_by_itself(tmp_path: Path) -> None:
    async with running(release(), tmp_path / "a.db", tmp_path) as talk:
        runtime = talk.runtime
        desk = runtime.rollouts
        await begun(talk, 25, 100)
        assert runtime.flag_desk.show(FLAG).state["rollout"] == {"percentage": 25.0}
        sent = 0
        while desk.show(FLAG).state == "running" and sent < 3000:
            await traffic(talk, sent, 200)
            sent += 200
        plan = desk.show(FLAG)
        assert (plan.state, plan.percentage) == ("rolled_back", 0.0)
        assert runtime.flag_desk.show(FLAG).state == {"value": False}
        assert not runtime.flags.enabled(FLAG)
        # Why is with the plan, with the rollback, and with who was told.
        last = plan.moves[-1]
        assert (last.what, last.by) == ("rolled_back", "guard")
        assert "turns failed (bound 10%)" in last.why
        await until(lambda: bool(_told(talk, "feature_rolled_back")))
        (notice,) = _told(talk, "feature_rolled_back")
        assert notice.severity == "warning"
        (finding, *_) = notice.data["verdict"]["findings"]
        assert finding["what"] == "error_rate" and finding["evidence"] >= 1000
        rows = (await runtime.ledger.changes(collection="flags", key=FLAG)).changes
        assert (rows[0].actor, rows[0].origin) == ("guard", plan.rollback)
        assert {row.actor for row in rows[1:]} <= {"ann", "guard"}
        # Undo: the flag is what the rollback found, and nothing else.
        assert plan.rollback is not None
        back = await desk.levels.get(plan.rollback)
        assert (back.status, back.level, back.flag) == ("done", "feature", FLAG)
        assert back.seconds > 0 and back.point
        undone = await desk.levels.undo(plan.rollback, "bo")
        assert (undone.status, undone.left) == ("undone", [])
        assert runtime.flag_desk.show(FLAG).state["rollout"]["percentage"] in (25.0, 100.0)
        assert desk.show(FLAG).state == "rolled_back"
        with pytest.raises(Conflict):
            await desk.levels.undo(plan.rollback, "bo")


def _told(talk: Talk, name: str) -> list[Any]:
    return [one for one in talk.runtime.alerts.notices().notices if one.name == name]


async def test_a_good_release_reaches_everybody_over_a_restart(tmp_path: Path) -> None:
    async with running(release(0.01), tmp_path / "a.db", tmp_path) as talk:
        await begun(talk, 50, 100)
        await traffic(talk, 0, 100)
        plan = talk.runtime.rollouts.show(FLAG)
        assert (plan.state, plan.step, plan.percentage) == ("running", 1, 100.0)
    async with running(release(0.01), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.rollouts
        desk.memory = lambda: 0.5
        assert (desk.show(FLAG).step, desk.show(FLAG).seen) == (1, 0)
        await traffic(talk, 1000, 200)
        await desk.look()
        plan = desk.show(FLAG)
        assert [move.what for move in plan.moves] == ["started", "advanced", "completed"]
        assert talk.runtime.flag_desk.show(FLAG).state == {"value": True}
        await until(lambda: bool(_told(talk, "rollout_completed")))
        assert desk.page().versions["v2"].count >= 200
        # What is complete can still be taken back, to what was said before.
        await desk.levels.back(LevelRequest(level="feature", flag=FLAG), "ann")
        assert talk.runtime.flag_desk.show(FLAG).state == {"value": False}


async def test_it_is_paused_resumed_and_cancelled(tmp_path: Path) -> None:
    async with running(release(0.0), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.rollouts
        await begun(talk, 50, 100)
        paused = await desk.pause(FLAG, RolloutNote("lunch"), "bo")
        await traffic(talk, 0, 200)
        assert desk.show(FLAG).step == 0
        with pytest.raises(Conflict):
            await desk.resume(FLAG, RolloutNote("", paused.revision - 1), "bo")
        with pytest.raises(Conflict):
            await desk.pause(FLAG, RolloutNote(), "bo")
        await desk.resume(FLAG, RolloutNote("", paused.revision), "bo")
        assert desk.show(FLAG).seen == 0  # the step is held anew
        # What is said besides the percentage stays.
        said = FlagState(value=False, people=("ann",), rollout=Rollout(50.0))
        await talk.runtime.flag_desk.change(FLAG, said, "cy")
        cancelled = await desk.cancel(FLAG, RolloutNote("never mind"), "bo")
        assert (cancelled.state, cancelled.moves[-1].why) == ("cancelled", "never mind")
        assert talk.runtime.flag_desk.show(FLAG).state == {"value": False, "people": ["ann"]}
        with pytest.raises(Conflict):
            await desk.cancel(FLAG, RolloutNote(), "bo")
        with pytest.raises(NotFound):
            await desk.pause("enable_apology", RolloutNote(), "bo")


async def test_what_cannot_be_rolled_out_is_refused(tmp_path: Path) -> None:
    async with running(release(), tmp_path / "a.db", tmp_path) as talk:
        runtime, desk = talk.runtime, talk.runtime.rollouts
        with pytest.raises(Conflict) as wrong:
            await desk.begin(request(5), "ann")
        assert wrong.value.field == "value"
        with pytest.raises(NotFound):
            await desk.begin(RolloutRequest(flag="no_such_flag"), "ann")
        await runtime.flag_desk.change(FLAG, OFF, "ann")
        await runtime.flag_desk.throw("disable_new_tools", "", "ann")
        with pytest.raises(Conflict):
            await desk.begin(request(5), "ann")
        await runtime.flag_desk.revive("disable_new_tools", "ann")
        await desk.begin(request(5), "ann")
        with pytest.raises(Conflict):
            await desk.begin(request(5), "ann")
        assert len(desk.page().rollouts) == 1


async def test_memory_that_is_full_takes_it_back(tmp_path: Path) -> None:
    async with running(release(), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.rollouts
        time = [0.0]
        desk.guard._clock = lambda: time[0]
        await begun(talk, 5)
        desk.memory = lambda: 0.97
        await desk.look()
        assert desk.show(FLAG).moves[-1].what in ("warned", "started")
        time[0] = 31.0
        await desk.look()
        assert desk.show(FLAG).state == "rolled_back"
        assert "97% of the memory" in desk.show(FLAG).moves[-1].why


async def test_each_level_is_previewed_done_and_undone(tmp_path: Path) -> None:
    app = release()
    ran: list[str] = []
    for name in ("first", "second"):

        @app.on_rollback(name)
        def step(context: Any, name: str = name) -> None:
            ran.append(f"{name}:{context.data['level']}")

    async with running(app, tmp_path / "a.db", tmp_path) as talk:
        runtime, levels = talk.runtime, talk.runtime.rollouts.levels
        await runtime.flag_desk.change("enable_responder", FlagState(rollout=Rollout(5.0)), "ann")
        await begun(talk, 5)
        head = await runtime.ledger.ledger.history.head()
        request = LevelRequest(level="partial", flag=FLAG, reason="it pays twice")
        plan = await levels.preview(request)
        assert [one.name for one in plan.changes] == [
            *("enable_responder", FLAG, "disable_new_tools", FLAG)
        ]
        assert (plan.steps, plan.clears_caches) == (["second", "first"], True)
        assert await runtime.ledger.ledger.history.head() == head
        back = await levels.back(request, "bo")
        assert ran == ["second:partial", "first:partial"]
        assert [(one.name, one.ok) for one in back.steps] == [("second", True), ("first", True)]
        assert runtime.flag_desk.switch("disable_new_tools").reason == "rollback: partial"
        assert not runtime.flags.enabled(FLAG)
        # Somebody says something else of one flag meanwhile: undo leaves that alone.
        await runtime.flag_desk.change("enable_responder", FlagState(value=True), "cy")
        undone = await levels.undo(back.id, "bo")
        assert undone.left == ["enable_responder"]
        assert runtime.flag_desk.switch("disable_new_tools").thrown is None
        assert runtime.flag_desk.show(FLAG).state["rollout"] == {"percentage": 5.0}
        assert runtime.flag_desk.show("enable_responder").state == {"value": True}
        emergency = await levels.back(LevelRequest(level="emergency"), "bo")
        assert not runtime.flags.enabled(FLAG, FlagSubject(person="dee"))
        await levels.undo(emergency.id, "bo")
        assert runtime.flag_desk.switch("emergency_rollback").thrown is None
        found = await levels.page(limit=1)
        assert [one.id for one in found.rollbacks] == [back.id]
        rest = await levels.page(found.next)
        assert [one.id for one in rest.rollbacks] == [emergency.id]
        with pytest.raises(NotFound):
            await levels.get("0" * 32)


async def test_a_step_that_fails_stops_the_others_and_keeps_the_flags_back(tmp_path: Path) -> None:
    app = release()
    ran: list[str] = []

    @app.on_rollback("older")
    def older(context: Any) -> None:
        ran.append("older")

    @app.on_rollback("newer")
    def newer(context: Any) -> None:
        raise RuntimeError("the cache does not answer")

    async with running(app, tmp_path / "a.db", tmp_path) as talk:
        await begun(talk, 5)
        levels = talk.runtime.rollouts.levels
        back = await levels.back(LevelRequest(level="feature", flag=FLAG), "bo")
        assert (back.status, ran) == ("incomplete", [])
        (result,) = back.steps
        assert (result.name, result.ok) == ("newer", False)
        assert "the cache does not answer" in result.error
        assert talk.runtime.flag_desk.show(FLAG).state == {"value": False}


async def test_the_data_go_back_to_where_the_roll_out_began(tmp_path: Path) -> None:
    async with running(release(0.0), tmp_path / "a.db", tmp_path) as talk:
        runtime = talk.runtime
        ledger = runtime.ledger.ledger
        await ledger.put("prices", "flat-12", {"amount": 1}, "ann")
        with pytest.raises(Conflict) as wrong:
            await runtime.rollouts.levels.back(LevelRequest(level="complete", keep_data=False), "b")
        assert wrong.value.field == "keep_data"
        await begun(talk, 5)
        await ledger.put("prices", "flat-12", {"amount": 2}, "new tools")
        request = LevelRequest(level="feature", flag=FLAG, keep_data=False)
        back = await runtime.rollouts.levels.back(request, "bo")
        assert back.operation is not None

        async def is_done() -> bool:
            operation = await runtime.ledger.operation(back.operation or "")
            return operation.status == "completed"

        await until(is_done)
        assert await ledger.get("prices", "flat-12") == {"amount": 1}
        assert runtime.flag_desk.show(FLAG).state == {"value": False}


async def test_a_rollback_that_a_crash_interrupted_says_so(tmp_path: Path) -> None:
    async with running(release(), tmp_path / "a.db", tmp_path) as talk:
        await begun(talk, 5)
        ledger = talk.runtime.ledger.ledger
        back = await talk.runtime.rollouts.levels.back(
            LevelRequest(level="feature", flag=FLAG), "bo"
        )
        record: Any = await ledger.get("rollbacks", back.id)
        await ledger.put("rollbacks", back.id, {**record, "status": "running"}, "bo")
    async with running(release(), tmp_path / "a.db", tmp_path) as talk:
        levels = talk.runtime.rollouts.levels
        assert (await levels.get(back.id)).status == "incomplete"
        assert talk.runtime.flag_desk.show(FLAG).state == {"value": False}
        assert (await levels.undo(back.id, "bo")).left == []


async def test_a_flag_that_is_killed_waits(tmp_path: Path) -> None:
    async with running(release(), tmp_path / "a.db", tmp_path) as talk:
        runtime = talk.runtime
        steps = tuple(RolloutStep(percentage=one, hold_s=0.0, minimum=0) for one in (5.0, 100.0))
        await runtime.flag_desk.change(FLAG, OFF, "ann")
        await runtime.flag_desk.throw("disable_new_tools", "", "ann")
        with pytest.raises(Conflict):
            await runtime.rollouts.begin(RolloutRequest(flag=FLAG, steps=steps), "ann")
        await runtime.flag_desk.revive("disable_new_tools", "ann")
        runtime.rollouts.memory = lambda: 0.5
        await runtime.rollouts.begin(RolloutRequest(flag=FLAG, steps=steps), "ann")
        await runtime.flag_desk.throw("disable_new_tools", "", "ann")
        step = runtime.rollouts.show(FLAG).step
        await runtime.rollouts.look()
        assert runtime.rollouts.show(FLAG).step == step
        await runtime.flag_desk.revive("disable_new_tools", "ann")
        await until(lambda: runtime.rollouts.show(FLAG).state == "completed")


async def test_timers_and_whoever_watches_badly(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_timer("later")
    def later(turn: Turn) -> str:
        turn.flags.enabled(FLAG)
        return "at last"

    @app.on_message
    def answer(turn: Turn) -> str:
        turn.later(0.0, "later")
        return "soon"

    async with running(app, tmp_path / "a.db", tmp_path) as talk:
        seen: list[tuple[bool, bool]] = []

        def watch(flags: Any, ok: bool, seconds: float) -> None:
            seen.append((FLAG in flags.asked, ok))
            assert 0 <= seconds < 60
            raise RuntimeError("this is no reason to fail a turn")

        talk.runtime.flags.ended = watch
        assert await talk.send("hello") == ["soon"]
        await until(lambda: len(seen) == 2)
        assert seen == [(False, True), (True, True)]


async def test_two_processes_share_a_plan(postgres_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(release(), postgres_url, tmp_path))
        other = await stack.enter_async_context(running(release(), postgres_url, tmp_path))
        await begun(one, 5)
        desk = other.runtime.rollouts
        await until(lambda: desk.page().rollouts != [])
        assert FLAG in desk.guard.watched
        await desk.cancel(FLAG, RolloutNote(), "bo")
        await until(lambda: one.runtime.rollouts.show(FLAG).state == "cancelled")
        assert one.runtime.rollouts.guard.watched == []
