"""The walk: through every stage and back, with harm at each, and what must hold at each."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from ...evolution.migration import Tables
from ...evolution.migration.backfill import judged
from ...evolution.migration.database import Ask
from ...evolution.migration.sides import Side
from ...evolution.stage import Stage
from ...model.errors import Unavailable
from ...model.migrations import MismatchPage
from .. import show
from .answers import Answers
from .callers import Callers
from .child import PATIENCE_S, Child, Worker
from .damage import Damage
from .engine import Engine, moment
from .traffic import Traffic
from .truth import Truth

STEPS = (
    ("start", Stage.SHADOW),
    ("advance", Stage.DUAL_V1),
    ("advance", Stage.DUAL_V2),
    ("advance", Stage.V2_ONLY),
    ("back", Stage.DUAL_V2),
    ("back", Stage.DUAL_V1),
    ("back", Stage.SHADOW),
    ("back", Stage.OFF),
)
BACKFILL_KILLS = 3
STEP_KILLS = 1
ROUNDS = 12
"""Repairs and comparisons at most until the tables are the same, and a step is taken."""
LOUD_ROUNDS = 4
"""Of these, those that live traffic goes on during."""
WRITES = 60
"""Messages of live traffic to wait for, at the least, wherever it is waited for."""
FAULTS = 4
"""Failed writes of either kind to wait for."""
POLL_S = 0.05
PAGE = 1_000


class Walk:
    def __init__(
        self,
        *,
        tables: Tables,
        worker: Worker,
        engine: Engine,
        programs: Sequence[Child],
        traffic: Traffic,
        callers: Callers,
        answers: Answers,
        truth: Truth,
        damage: Damage,
        olds: int,
        kills: int,
        seed: int,
        stage: show.Stage,
    ) -> None:
        """`olds`: messages that the old table had before it began. `kills`: of a program at each
        stage; with more than one every program, and the server dies not only over each step."""
        self._tables = tables
        self._worker = worker
        self._engine = engine
        self._programs = programs
        self._traffic = traffic
        self._callers = callers
        self._answers = answers
        self._truth = truth
        self._damage = damage
        self._olds = olds
        self._kills = kills
        self._chance = random.Random(f"walk {seed}")
        self._bar = stage
        self._at = Stage.OFF
        self._where = "off"
        self.kills: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.counts: Counter[str] = Counter()
        self.steps: list[str] = []

    async def run(self) -> None:
        with self._bar("off: recording", len(self._truth.conversations)) as bar:
            await self._truth.record(self._programs[0], bar)
            await self._answers.record()
        self._traffic.start()
        self._callers.start()
        await self._visit(is_first=True)
        for action, target in STEPS:
            with self._bar(f"{action}: {target}", 1):
                await self._step(action, target)
            await self._visit(is_first=target not in self.steps[:-1])
        await self._traffic.pause()
        await self._callers.stop()
        with self._bar("judging", 1):
            await self._callers.judge()
            await self._check_history()

    # -- one stage ------------------------------------------------------------------------------

    async def _visit(self, *, is_first: bool) -> None:
        stage = self._at
        self._where = f"{stage}" if is_first else f"{stage} again"
        with self._bar(self._where, 6) as bar:
            await self._in_force(stage)
            await self._traffic.pause()
            await self._damage.set_faults(stage)
            self._traffic.forget()
            self._traffic.go_on()
            bar(0, "writes that fail, kills")
            await self._under_fire(stage)
            if stage is Stage.SHADOW and is_first:
                bar(1, "backfill")
                await self._backfill(1)
            elif stage is Stage.DUAL_V2 and not is_first:
                bar(1, "backfill to V1")
                await self._backfill(2)
            bar(2, "damage")
            if len(stage.writes) > 1:
                await self._without_dual_write(stage)
                spoilt = set(await self._damage.spoil(stage))
                await self._truth.sweep(
                    self._programs[1],
                    f"{self._where}, spoilt",
                    [one for one in self._truth.conversations if spoilt & set(one.ids)],
                )
            bar(3, "answers of the server")
            await self._answers.compare(self._where)
            bar(4, "compared and repaired")
            if len(stage.writes) > 1:
                await self._settle(stage)
            bar(5, "what is answered now")
            await self._check(stage)

    async def _in_force(self, stage: Stage) -> None:
        """Every program goes by it."""
        async with asyncio.timeout(PATIENCE_S):
            for program in self._programs:
                while True:
                    seen = (await program.ask("stage"))["stages"]
                    if set(seen.values()) == {str(stage)}:
                        break
                    await asyncio.sleep(POLL_S)

    async def _under_fire(self, stage: Stage) -> None:
        """Live traffic while writes fail and processes die."""
        traffic, damage = self._traffic, self._damage
        async with asyncio.TaskGroup() as harm:
            doomed = self._programs if self._kills > 1 else [self._chance.choice(self._programs)]
            for program in doomed:
                harm.create_task(self._kill_program(program))
            if self._kills > 1:
                harm.create_task(self._kill_server())
        await traffic.some(WRITES)
        await traffic.until(lambda: len(traffic.refused) >= FAULTS)
        if len(stage.writes) > 1:
            await traffic.until(lambda: sum(map(damage.is_faulty, traffic.half)) >= FAULTS)
        await traffic.pause()
        await self._check_refused(stage)
        await self._check_whole(stage)
        for id in traffic.half | traffic.whole:
            if len(stage.writes) > 1 and damage.is_faulty(id):
                self._noticed(id, stage.writes[1])
        await damage.lift("primary")
        traffic.go_on()
        await traffic.until(lambda: not traffic.refused)

    async def _check_refused(self, stage: Stage) -> None:
        """What the primary refuses is in neither table."""
        ids = sorted(self._traffic.refused)
        self.counts["refused"] += len(ids)
        for version in (1, 2):
            if there := sorted(await Side(self._tables, version).read(ids)):
                self._truth.complain("half_refused", f"{self._where}: {there}", len(there))
        wrong = [id for id in ids if not self._damage.is_refused(id)]
        if wrong:
            self._truth.complain("refused", f"{self._where}: {wrong}", len(wrong))

    async def _check_whole(self, stage: Stage) -> None:
        """What was told to be on both sides is there, and the same. Nobody writes meanwhile."""
        ids = sorted(self._traffic.whole)
        if len(stage.writes) == 1:
            if ids:
                self._truth.complain("unnoticed", f"{self._where}: {ids[:20]} on both", len(ids))
            return
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            one = await Side(self._tables, 1).read(page)
            other = await Side(self._tables, 2).read(page)
            for id in page:
                if judged(id, one.get(id), other.get(id))[0] or id not in one:
                    self._truth.complain("unnoticed", f"{self._where}: {id} is not the same")

    def _noticed(self, id: int, side: int) -> None:
        """A write that failed on the other side must not be told to be on both."""
        self._damage.inject(id, side, "write refused")
        if id in self._traffic.whole:
            self._truth.complain("unnoticed", f"{self._where}: {id}")

    async def _backfill(self, source: int) -> None:
        """Killed again and again, while the other side refuses some of it."""
        work = f"backfill_v{source}"
        there = await self._ids(3 - source)
        for id in await self._ids(source) - there:
            if self._damage.is_faulty(id):
                self._damage.inject(id, 3 - source, "backfill refused")
        reached = 0
        for _ in range(BACKFILL_KILLS * self._kills):
            told: list[int] = []
            done = await self._move(work, kill_after=self._chance.randint(1, 6), told=told)
            if source == 1 and told and told[0] <= reached:
                self._truth.complain("began_again", f"{work} at {told[0]}, was at {reached}")
            reached = told[-1] if told else reached
            if done is not None:
                break
        while await self._move(work) is None:
            pass

    async def _without_dual_write(self, stage: Stage) -> None:
        """The flag is off for a while: only the primary is written."""
        traffic = self._traffic
        await traffic.pause()
        before = set(self._truth.said)
        traffic.is_dual = False
        traffic.go_on()
        await traffic.some(WRITES)
        await traffic.pause()
        traffic.is_dual = True
        for id in self._truth.said.keys() - before:
            if id <= self._olds:
                continue  # a newer version of it may have been on both sides since
            self._damage.inject(id, stage.writes[1], "not written")
            if id not in traffic.half:
                self._truth.complain("unnoticed", f"{self._where}, one table: {id}")
        traffic.go_on()

    # -- comparing and repairing ------------------------------------------------------------------

    async def _settle(self, stage: Stage) -> None:
        """Everything that was injected is found while the fault still holds; then it is repaired,
        until both tables are the same."""
        damage = self._damage
        for id in self._traffic.half:
            if damage.is_faulty(id):
                self._noticed(id, stage.writes[1])
        wanted = dict(damage.open)
        await self._move("verify", kill_after=self._chance.randint(1, 5))
        await self._move("verify")
        found = await self._open()
        for id, what in wanted.items():
            if id not in found:
                self._truth.complain("unrepaired", f"{self._where}: {id}, {what}: not found")
        self.counts["found"] += len(wanted.keys() & found)
        self.counts["others"] += len(
            {id for id in found - wanted.keys() if not damage.is_faulty(id)}
        )
        await damage.lift("secondary")
        # Until the fault was lifted more have failed.
        for id in list(self._traffic.half):
            if damage.is_faulty(id):
                self._noticed(id, stage.writes[1])
        late = damage.open.keys() - wanted.keys()
        await self._move("reconcile", kill_after=0)
        await self._same(stage)
        ever, left = await self._open(None), await self._open() & damage.open.keys()
        for id in left:
            self._truth.complain("unrepaired", f"{self._where}: {id}, {damage.open[id]}")
        for id in late - ever:
            self._truth.complain("unrepaired", f"{self._where}: {id}, {damage.open[id]}: not found")
        self.counts["found"] += len(late & ever)
        self.counts["repaired"] += len(damage.open.keys() - left)
        damage.open.clear()
        self._traffic.forget()

    async def _same(self, stage: Stage) -> None:
        """Repairs until a comparison finds no difference."""
        for number in range(ROUNDS):
            if number == LOUD_ROUNDS:
                self.counts["quieted"] += 1
                await self._traffic.pause()
            await self._drained()
            await self._move("reconcile")
            found = await self._move("verify")
            if found is not None and found["mismatched"] == 0:
                break
        else:
            self._truth.complain("unrepaired", f"{self._where}: {found}, {await self._open()}")
        self._traffic.go_on()

    async def _drained(self) -> None:
        """The server has written what waited in the outboxes. Their pauses are cut short."""
        if self._tables.is_shared:
            return
        async with asyncio.timeout(PATIENCE_S):
            for version, side in ((1, Side(self._tables, 1)), (2, Side(self._tables, 2))):
                table = f"{self._tables.plan.prefix}v{version}_outbox"
                rows = await side.database.run(Ask(f"UPDATE {table} SET due_at = 0 RETURNING id"))
                waiting = {id for (id,) in rows}
                # One that is there again is another one.
                while waiting:
                    waiting &= await side.outbox.among(sorted(waiting))
                    await asyncio.sleep(POLL_S)

    async def _open(self, state: str | None = "open") -> set[int]:
        """Messages with an open row of the mismatch ledger, or with any."""
        found: set[int] = set()
        after = 0
        while True:
            page: MismatchPage = await self._tables.mismatches.page(state, after, PAGE)
            found |= {int(one.message) for one in page.mismatches}
            if page.next is None:
                return found
            after = int(page.next)

    async def _check(self, stage: Stage) -> None:
        """Every recorded answer is the same, every accepted message is read as it was written."""
        await self._traffic.pause()
        await self._drained()
        await self._truth.check_said(self._programs[0], self._where)
        await self._check_rows(stage)
        self._traffic.go_on()
        await self._truth.sweep(self._programs[1], self._where)
        self._callers.check()

    async def _check_rows(self, stage: Stage) -> None:
        """The tables that hold everything hold nothing else."""
        wanted = self._truth.said.keys() | set(range(1, self._olds + 1))
        for version in stage.writes:
            side = Side(self._tables, version)
            there = await side.count()
            if there == len(wanted):
                continue
            ids = await self._ids(version)
            if missing := sorted(wanted - ids):
                self._truth.complain(
                    "lost", f"{self._where}, V{version}: {missing[:20]}", len(missing)
                )
            if extra := sorted(ids - wanted):
                self._truth.complain(
                    "doubled", f"{self._where}, V{version}: {extra[:20]}", len(extra)
                )

    async def _ids(self, version: int) -> set[int]:
        tables = self._tables
        database = tables.old if version == 1 else tables.new
        label = tables.legacy.label if version == 1 else tables.current.label
        return {id for (id,) in await database.ask(f"SELECT id FROM {label}")}

    # -- steps, work and kills --------------------------------------------------------------------

    async def _step(self, action: str, target: Stage) -> None:
        """Taken once, though the server dies over it. Where its gates are not met, because live
        traffic goes on, the tables are compared again."""
        path = f"/v2/migration/{action}"
        body = {"reason": f"to {target}"}
        for _ in range(STEP_KILLS):
            await self._engine.kill_over("POST", path, body, moment(self._chance))
            self.kills[self._where]["step"] += 1
            if await self._stage() is target:
                break
        for number in range(ROUNDS):
            if await self._stage() is target:
                break
            answer = await self._engine.ask("POST", path, body)
            if answer.status == 200:
                break
            if number >= LOUD_ROUNDS:
                await self._traffic.pause()
            await self._same(self._at)
        else:
            raise Unavailable(f"no step to {target}: {answer.status} {answer.body!r}")
        self._traffic.go_on()
        self._at = target
        self.steps.append(str(target))

    async def _stage(self) -> Stage:
        found = await self._engine.tree("GET", "/v2/migration")
        return Stage(found["state"]["stage"])

    async def _check_history(self) -> None:
        """Each step is there once."""
        view = await self._engine.tree("GET", "/v2/migration")
        there = [one["stage"] for one in reversed(view["history"])]
        if there != self.steps:
            self._truth.complain("wrong_steps", f"{there}, not {self.steps}")

    async def _move(
        self, work: str, *, kill_after: int | None = None, told: list[int] | None = None
    ) -> dict[str, Any] | None:
        done = await self._worker.do(
            work,
            str(self._at),
            kill_after=kill_after,
            told=lambda reached: told.append(reached) if told is not None else None,
        )
        if done is None:
            self.kills[self._where][work] += 1
        return done

    async def _kill_program(self, program: Child) -> None:
        for _ in range(self._kills):
            await program.kill_over_a_write(moment(self._chance))
            self.kills[self._where]["program"] += 1

    async def _kill_server(self) -> None:
        await self._engine.kill()
        self.kills[self._where]["server"] += 1
