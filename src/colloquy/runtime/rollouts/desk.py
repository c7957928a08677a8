"""Roll-outs that go on by themselves under the guard, and what operators do to them.

Every move writes the flag and the plan in one transaction, through the flags' desk: both are in
the ledger, with who did it. On a database of several processes all judge by the turns of all of
them (`watching`). One goes on to the next step and takes back; where it does not, because the
feature holds it up, another one takes back. A move names what it moves, so there is one of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from ...evolution.guard import Guard
from ...evolution.guard.plan import Plan, What, begun, moved, next_move, served
from ...flags import REGISTRY, FlagState, PinnedFlags
from ...flags.state import NOTHING_SAID, check_state, check_value
from ...model.alerts import Severity
from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import Conflict, NotFound, PreconditionFailed, Unavailable
from ...model.flags import Rollout
from ...model.rollouts import (
    LevelRequest,
    RolloutNote,
    RolloutPage,
    RolloutRequest,
    RolloutView,
    Verdict,
)
from ...model.times import Clock
from ...ops.alerts import Alerts
from ...ops.tasks import Supervisor
from ...storage.store import Store
from ...telemetry import get_logger
from ..flags.desk import FlagDesk
from ..flags.records import FLAGS, value_of
from ..ledger import LedgerDesk
from .book import RolloutBook
from .levels import LevelDesk
from .memory import memory_share
from .records import ROLLOUTS
from .records import value_of as record_of
from .views import rollout_view
from .watching import Watch

log = get_logger(__name__)

LOOK_S = 1.0
PATIENCE = 3
"""Looks after which another process takes back what the one whose task it is has not."""
MAX_V1 = 10_000
"""Conversations of V1 clients that are remembered, the newest."""
ACTOR = "guard"
"""Who moves roll-outs that nobody moves by hand."""


class RolloutDesk:
    """`is_mover`: whether this is the process that goes on to next steps; `works`: whether turns
    end in this process; `caches`: what clears each; `name`: of this process."""

    def __init__(
        self,
        store: Store,
        flags: FlagDesk,
        ledger: LedgerDesk,
        alerts: Alerts,
        *,
        is_mover: Callable[[], bool],
        caches: Sequence[Callable[[], None]],
        works: bool,
        name: str,
        clock: Clock,
        memory: Callable[[], float | None] = memory_share,
    ) -> None:
        self._store = store
        self._flags = flags
        self._ledger = ledger
        self._alerts = alerts
        self._v1: OrderedDict[bytes, None] = OrderedDict()
        self._is_mover = is_mover
        self._clock = clock
        self._works = works
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()
        self._late: Counter[str] = Counter()
        """Looks at which a flag was to be taken back and this was not the process to do it."""
        self.guard = Guard(clock=lambda: clock() / 1e6)
        self.memory = memory
        self.book = RolloutBook(store, self.guard)
        self.watch = Watch(store, self.guard, name, clock)
        self.levels = LevelDesk(
            store, flags, ledger, alerts, self.book, caches=caches, works=works, clock=clock
        )  # fmt: skip

    # -- the task -----------------------------------------------------------------------------

    def ended(self, flags: PinnedFlags, ok: bool, seconds: float) -> None:
        """An attempt at a turn ended: for `Flags.ended`."""
        version = "v1" if flags.subject.conversation in self._v1 else "v2"
        self.guard.add(version, flags.asked, ok, seconds)

    def speaks_v1(self, conversation: bytes) -> None:
        """A V1 client asks about a conversation: its turns count as V1's from now on."""
        self._v1[conversation] = None
        self._v1.move_to_end(conversation)
        if len(self._v1) > MAX_V1:
            self._v1.popitem(last=False)

    async def load(self) -> None:
        """Takes up what the last process left. Raises StoreUnavailable."""
        await self.book.refresh()
        await self.watch.recall(self.book.open)
        await self.levels.settle()
        await self.levels.following.look()

    async def stop(self, timeout_s: float) -> None:
        """Hands in what was seen last, if it can be in this time."""
        if not self._works:
            return
        with contextlib.suppress(Unavailable, TimeoutError):
            # A look that is under way hands in, too.
            async with asyncio.timeout(timeout_s), self._looking:
                await self.watch.exchange(self.book.open)
                await self.watch.hand_in_versions()

    def start(self, tasks: Supervisor) -> None:
        """Goes on with roll-outs from now on, or where no turns end here keeps up with them."""
        self._flags.flags.ended = self.ended
        tasks.start("rollouts", self._run)

    def heard(self) -> None:
        """Some were changed elsewhere, or by a rollback or an import."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                if self._wake.is_set() or self._store.shared:
                    self._wake.clear()
                    await self.book.refresh()
                if self._store.shared:
                    await self.levels.following.look()
                if self._works:
                    await self.look()
                else:
                    await self.watch.recall(self.book.open)
            except Unavailable as error:
                log.warning("rollouts_wait", detail=error.detail)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """One look at every open roll-out, and what follows from it. Raises StoreUnavailable."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        plans = self.book.open
        await self.watch.exchange(plans)
        self.guard.remember(self.memory() if plans else None)
        for plan in plans:
            if self._flags.flags.held(plan.flag) is not None:
                continue  # nobody is served the value, so there is nothing to judge
            verdict = self.guard.verdict(plan.flag)
            what = next_move(plan, verdict, self.book.seen(plan.flag), self._clock())
            if what != "rolled_back":
                del self._late[plan.flag]
            if what is None or not self._may_act(plan, what, verdict):
                continue
            try:
                await self._act(plan, what, verdict)
            except Conflict:
                # Somebody was faster. What they made of it is looked at the next time.
                await self.book.refresh()

    def _may_act(self, plan: Plan, what: What, verdict: Verdict) -> bool:
        """Is it for this process to do?"""
        if self._is_mover():
            return True
        if what != "rolled_back":
            return False
        if verdict.findings[0].what == "memory":
            return True  # of this process, so nobody else will find it
        self._late[plan.flag] += 1
        return self._late[plan.flag] > PATIENCE

    async def _act(self, plan: Plan, what: What, verdict: Verdict) -> None:
        why = verdict.says() if what in ("warned", "rolled_back") else ""
        if what == "rolled_back":
            flag = plan.flag if plan.level in ("feature", "partial") else None
            request = LevelRequest(level=plan.level, flag=flag, reason=why[:500])
            await self.levels.back(request, ACTOR, found=verdict, plan=plan)
            return
        view = await self._move(plan, what, ACTOR, why, verdict=verdict)
        severity = Severity.WARNING if what == "warned" else Severity.INFO
        if what in ("warned", "completed"):
            self._tell(f"rollout_{what}", severity, view, why)

    def _tell(self, name: str, severity: Severity, view: RolloutView, why: str) -> None:
        verb = {"rollout_warned": "is held", "rollout_completed": "is complete"}[name]
        text = f"the roll-out of {view.flag} {verb} at {view.percentage:g} %"
        data: dict[str, Any] = {"flag": view.flag, "percentage": view.percentage}
        self._alerts.event(name, severity, f"{text}: {why}" if why else text, data)

    # -- what operators do --------------------------------------------------------------------

    async def begin(self, request: RolloutRequest, actor: str) -> RolloutView:
        """Serves the first step's percentage from now on.

        Raises NotFound (the flag), InvalidInput, Conflict (one is under way, or the flag cannot be
        rolled out now), StoreUnavailable.
        """
        flag = REGISTRY.get(request.flag)
        if flag is None:
            raise NotFound(f"there is no flag {request.flag!r}", field="flag")
        value = check_value(flag, request.value, "value")
        await self._flags.refresh()
        await self.book.refresh()
        before = self.book.plans.get(flag.name)
        if before is not None and before.is_open:
            raise Conflict(f"a roll-out of {flag.name} is {before.state} already", field="flag")
        flags = self._flags.flags
        held, override = flags.held(flag.name), flags.override(flag.name)
        if held is not None or override is not None:
            said = f"held by {held}" if override is None else f"{override[0]!r} by {override[1]}"
            raise Conflict(f"{flag.name} cannot be rolled out: it is {said}", field="flag")
        if flags.default(flag.name) == value:
            raise Conflict(
                f"everybody is served {value!r} already: give {flag.name} another value first",
                field="value",
            )
        state = flags.states.get(flag.name, NOTHING_SAID)
        position = await self._ledger.ledger.history.head()
        plan = begun(request, value, state, position, actor, self._clock())
        return await self._write(plan, actor, self.book.positions.get(flag.name, 0))

    async def pause(self, flag: str, note: RolloutNote, actor: str) -> RolloutView:
        """It stays at its percentage; the guard still looks. Raises NotFound, Conflict (it is in
        no state for that, or no longer has this revision),
        StoreUnavailable."""
        return await self._by_hand(flag, "paused", note, actor)

    async def resume(self, flag: str, note: RolloutNote, actor: str) -> RolloutView:
        """Its step is held anew. Raises as `pause`."""
        return await self._by_hand(flag, "resumed", note, actor)

    async def cancel(self, flag: str, note: RolloutNote, actor: str) -> RolloutView:
        """The flag is as it was before. Raises as `pause`."""
        return await self._by_hand(flag, "cancelled", note, actor)

    async def _by_hand(self, flag: str, what: What, note: RolloutNote, actor: str) -> RolloutView:
        await self._flags.refresh()
        await self.book.refresh()
        plan = self.book.get(flag)
        position = self.book.positions[flag]
        if note.revision not in (None, position):
            raise Conflict(f"the roll-out of {flag} was changed at position {position}")
        return await self._move(plan, what, actor, note.reason)

    async def _move(
        self, plan: Plan, what: What, by: str, why: str, *, verdict: Verdict | None = None
    ) -> RolloutView:
        judgement = None if verdict is None else verdict.judgement
        after = moved(plan, what, by, self._clock(), why=why, judgement=judgement)
        return await self._write(after, by, self.book.positions[plan.flag], plan)

    async def _write(
        self, plan: Plan, actor: str, revision: int, before: Plan | None = None
    ) -> RolloutView:
        """The plan and, where it says something else of it now, the flag."""
        records: list[tuple[str, str, object, int | None]] = [
            (ROLLOUTS, plan.flag, record_of(plan), revision)
        ]
        if before is None or _share(before) != _share(plan):
            view = self._flags.show(plan.flag)
            said = self._flags.flags.states.get(plan.flag, NOTHING_SAID)
            state = check_state(REGISTRY[plan.flag], served(plan, said))
            records.append((FLAGS, plan.flag, value_of(state), view.revision))
        try:
            await self._flags.write(records, actor)
        except PreconditionFailed as error:
            raise Conflict(error.detail) from None
        await self.book.refresh()
        log.warning(
            "rollout_moved",
            flag=plan.flag,
            what=plan.moves[-1].what,
            percentage=plan.percentage,
            by=actor,
        )
        return self.show(plan.flag)

    # -- what they see ------------------------------------------------------------------------

    @property
    def mark(self) -> object:
        """Another one whenever something else is to be seen."""
        seen = []
        for plan in self.book.open:
            release = self.guard.release(plan.flag)
            if release is not None:
                seen.append((plan.flag, release.on.all.count, release.off.all.count))
        return self._flags.mark, dict(self.book.positions), self.levels.following.version, seen

    def show(self, flag: str) -> RolloutView:
        """The newest roll-out of a flag. Raises NotFound."""
        plan = self.book.get(flag)
        verdict = self.guard.verdict(flag) if plan.is_open else None
        return rollout_view(plan, self.book.positions[flag], self.book.seen(flag), verdict)

    def page(self, cursor: str | None = None, limit: int = 50) -> RolloutPage:
        """By flag. Raises InvalidInput."""
        (start,) = (0,) if cursor is None else decode_cursor(cursor, 1)
        names = sorted(self.book.plans)
        shown = names[start : start + limit]
        end = start + len(shown)
        return RolloutPage(
            [self.show(name) for name in shown],
            self.guard.versions(),
            encode_cursor(end) if end < len(names) else None,
        )


def _share(plan: Plan) -> tuple[Rollout | None, FlagState | None]:
    """What the plan says of its flag: another one is another change of it."""
    state = served(plan, NOTHING_SAID)
    return state.rollout, None if plan.is_open else state
