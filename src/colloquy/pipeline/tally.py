"""What a commit adds to the figures: collected turn by turn, published once."""

from __future__ import annotations

from ..storage.store import InboxHeader
from ..storage.write_set import KIND_RECORD, KIND_TIMER, Unit
from ..telemetry import Metrics
from .accept import ROW_OVERHEAD
from .admission import Admission
from .scheduler import AGAIN
from .work import Fate, Work


class Tally:
    """What one commit adds to the figures."""

    __slots__ = (
        *("_gap_timeout", "dead", "held", "messages"),
        *("quiet", "replies", "seconds", "size", "turns"),
    )

    def __init__(self, gap_timeout_us: int) -> None:
        self._gap_timeout = gap_timeout_us
        self.turns = self.messages = self.size = self.dead = 0
        self.seconds: list[float] = []
        self.quiet: list[float] = []
        self.held: list[float] = []
        self.replies: dict[str, int] = {}

    def add(self, work: Work, unit: Unit) -> None:
        """A turn that is done."""
        self.turns += 1
        size = messages = 0
        for header in work.headers:
            if header.kind != KIND_TIMER:
                messages += 1
                size += header.size + ROW_OVERHEAD
        if messages:
            self.messages += messages
            self.size += size
            last = work.headers[-1]
            declared = max(last.due_at - last.received_at, 0) if last.state == "quiet" else 0
            held = self._held(work, last)
            # What a kill took back is another answer, from when it was put back.
            since = last.due_at if last.state == AGAIN else last.received_at
            self.seconds.append(max(0, unit.at - since - declared - held) / 1e6)
            if declared:
                self.quiet.append(declared / 1e6)
            if held:
                self.held.append(held / 1e6)
        last = work.headers[-1]
        if work.fate is Fate.ANSWERED and last.kind != KIND_RECORD:
            # Of a timer; of one that is done again, since it was put back.
            due = last.received_at if last.state == AGAIN else last.due_at
            late = max(0, unit.at - due) / 1e6
            work.flags.end(True, self.seconds[-1] if messages else late)
        for row in unit.outbox:
            self.replies[row.channel] = self.replies.get(row.channel, 0) + 1
        if work.fate is Fate.DEAD:
            self.dead += len(work.headers)

    def _held(self, work: Work, header: InboxHeader) -> int:
        """How long a message had to wait for earlier numbers of its stream (decision 3)."""
        if header.stream is None:
            return 0
        arrivals = work.live.arrivals
        before = arrivals.get(header.stream, 0)
        arrivals[header.stream] = max(before, header.received_at)
        if header.id in work.bundle.gaps:
            return self._gap_timeout
        return max(0, before - header.received_at)

    def publish(self, metrics: Metrics, admission: Admission) -> None:
        """The batch's figures at once: a lock per batch, not per turn."""
        admission.remove(self.messages, self.size)
        metrics.committed_turns.inc(self.turns)
        metrics.end_to_end_seconds.observe_many(self.seconds)
        metrics.quiet_seconds.observe_many(self.quiet)
        metrics.held_seconds.observe_many(self.held)
        metrics.dead_letters.inc(self.dead)
        for channel, count in self.replies.items():
            metrics.replies.of(channel).inc(count)
