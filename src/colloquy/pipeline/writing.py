"""`Turn.write`: pieces of an answer on their way to the watchers, gathered, and stopped when
somebody takes the conversation over or the visitor has had enough."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from ..delivery.drafts import Draft, Drafts
from ..model.errors import NotFound, StoreUnavailable
from ..model.turn import Turn
from ..storage.store import Store
from .cache import SessionCache

FLUSH_S = 0.03
"""Pieces within this time go out together: faster than that nobody reads."""
FLUSH_CHARS = 256
"""So much text goes out at once."""
MAX_INTERRUPTED = 100
"""Interrupted turns that are remembered until they are committed."""


class _Flow:
    """What one run of a turn writes."""

    __slots__ = (
        "draft",
        "is_doubtful",
        "is_stopped",
        "next_at",
        "size",
        "timer",
        "turn",
        "waiting",
    )

    def __init__(self, turn: Turn, *, is_doubtful: bool) -> None:
        session = turn.session
        self.turn = turn
        self.draft = Draft(session.id, turn.id.hex(), turn.attempt, session.owner_epoch)
        self.is_doubtful = is_doubtful
        """The owner may be another one by now: the store is asked before more goes out."""
        self.is_stopped = False
        self.waiting: list[str] = []
        self.size = 0
        self.next_at = 0.0
        self.timer: asyncio.TimerHandle | None = None


class Writing:
    """The turns that are writing in this process, at most one of each conversation."""

    def __init__(self, store: Store, cache: SessionCache, drafts: Drafts) -> None:
        self._store = store
        self._cache = cache
        self._drafts = drafts
        self._flows: dict[bytes, _Flow] = {}
        self._checks: set[asyncio.Task[bool]] = set()
        self._interrupted: dict[bytes, Turn] = {}
        """The runs that were interrupted: one whose commit fails is not begun anew."""

    async def write(self, turn: Turn, text: str) -> None:
        """See `Turn.write`. Nothing is shown where the flag `enable_streaming_responses` is off:
        the whole reply comes as ever."""
        if not turn.flags.enabled("enable_streaming_responses"):
            return
        flow = self._flow(turn)
        if flow.is_stopped:
            return
        flow.waiting.append(text)
        flow.size += len(text)
        if flow.is_doubtful and not await self._is_still_ours(flow):
            return
        loop = asyncio.get_running_loop()
        left_s = flow.next_at - loop.time()
        if flow.size >= FLUSH_CHARS or left_s <= 0:
            self._flush(flow)
        elif flow.timer is None:
            flow.timer = loop.call_later(left_s, self._flush, flow)

    def announce(self, turn: Turn) -> None:
        """Tells the watchers that this turn is at work, though it has written nothing yet."""
        self._flow(turn)

    def interrupt(self, conversation: bytes, turn_id: str) -> bool:
        """The visitor wants no more of this answer. False when it is not being made here."""
        flow = self._flows.get(conversation)
        if flow is None or flow.is_stopped or flow.draft.turn_id != turn_id:
            return False
        if flow.turn.is_interrupted:
            return True
        if not flow.turn.interrupt():
            return False
        while len(self._interrupted) >= MAX_INTERRUPTED:
            del self._interrupted[next(iter(self._interrupted))]
        self._interrupted[flow.turn.id] = flow.turn
        return True

    def recall(self, turn: Turn) -> bool:
        """Whether this turn was interrupted in an earlier run: then it says what it wrote there."""
        former = self._interrupted.get(turn.id)
        if former is not None:
            turn.resume_interrupted(former)
        return former is not None

    def end(self, turn: Turn, *, answered: bool) -> None:
        """The turn is committed with a reply (`answered`), or comes to nothing."""
        turn.is_over = True
        if answered:
            self._interrupted.pop(turn.id, None)
        flow = self._flows.get(turn.session.id)
        if flow is None or flow.turn is not turn:
            return
        del self._flows[turn.session.id]
        _unset(flow)
        self._drafts.end(flow.draft, withdrawn=not answered)

    def doubt(self, conversation: bytes) -> None:
        """Somebody wrote to this conversation: its owner may be another one."""
        flow = self._flows.get(conversation)
        if flow is not None:
            self._doubt(flow)

    def doubt_sessions(self, numbers: Collection[int]) -> None:
        """Another process wrote to these sessions."""
        for flow in self._flows.values():
            if flow.turn.session.number in numbers:
                self._doubt(flow)

    def doubt_all(self) -> None:
        """Nobody knows which sessions other processes wrote to."""
        for flow in self._flows.values():
            self._doubt(flow)

    def _doubt(self, flow: _Flow) -> None:
        flow.is_doubtful = True
        if flow.turn.can_be_stopped:
            # It may say nothing for long, and what it does costs somebody money.
            check = asyncio.get_running_loop().create_task(self._is_still_ours(flow))
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    def _flow(self, turn: Turn) -> _Flow:
        session = turn.session
        flow = self._flows.get(session.id)
        if flow is not None and flow.turn is turn:
            return flow
        if flow is not None:
            _unset(flow)
        # The worker drops what it knows of a conversation that somebody else wrote to; of another
        # process's work it may not have heard.
        live = self._cache.get(session.id)
        stale = live is None or live.session is not session
        flow = _Flow(turn, is_doubtful=stale or self._store.shared)
        self._flows[session.id] = flow
        self._drafts.begin(flow.draft)
        return flow

    def _flush(self, flow: _Flow) -> None:
        _unset(flow)
        if flow.is_doubtful or flow.is_stopped:
            return
        flow.next_at = asyncio.get_running_loop().time() + FLUSH_S
        text = "".join(flow.waiting)
        flow.waiting.clear()
        flow.size = 0
        self._drafts.extend(flow.draft, text)

    async def _is_still_ours(self, flow: _Flow) -> bool:
        flow.is_doubtful = False
        try:
            session = await self._store.session(flow.turn.session.id)
        except NotFound:
            return True  # nobody but this first turn knows of it
        except StoreUnavailable:
            flow.is_doubtful = True
            return False
        if session.owner_epoch == flow.draft.epoch:
            return not flow.is_doubtful
        flow.is_stopped = True
        flow.turn.withdraw()
        self._drafts.end(flow.draft, withdrawn=True)
        return False


def _unset(flow: _Flow) -> None:
    if flow.timer is not None:
        flow.timer.cancel()
        flow.timer = None
