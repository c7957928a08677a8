"""Which message goes next: order, client sequences, bursts, retries and timers, in memory.

The scheduler holds the headers of unfinished messages (never their payloads) and has no I/O and no
clock of its own. Each conversation is a *lane*; a lane that is being worked on is busy and is not
handed out again until `finish`. Everything that a lane can wait for is one due time in one heap.

Rules, in this order:
1. Within a lane, arrival order (the inbox number) is the order.
2. A message with a client sequence waits for the missing numbers before it, at most `gap_timeout`
   from its own arrival; whoever fills the gap overtakes. While it waits the lane waits.
3. A message whose row says retry waits for its due time.
4. Messages of a burst (state `quiet`) wait until the last of them has been quiet for long enough,
   and become one turn. An urgent one ends the wait for the whole burst; it never overtakes.
5. A timer joins its lane when it is due, behind what had arrived by then.
6. Messages whose turn is done again (state `again`) have their old numbers, and so go before what
   waits; those of one turn are one turn once more.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..model.session import InboxState
from ..storage.store import InboxHeader
from ..storage.write_set import KIND_TIMER

SECOND = 1_000_000
AGAIN = InboxState.AGAIN.value
FIRST_SEQUENCE = 1
"""A new client stream begins here (a client that counts from 0 is taken as it comes)."""
BURST_SPAN = 5
"""A burst is closed after this many quiet periods, however busy the sender is."""


class Bundle(NamedTuple):
    """The messages of one turn, in order: usually one."""

    conversation: bytes
    headers: tuple[InboxHeader, ...]
    gaps: tuple[int, ...] = ()
    """Inbox numbers before which a gap in the client's sequence timed out."""
    late: tuple[int, ...] = ()
    """Inbox numbers that came after a later number of their stream was handled."""


class Lane:
    """One conversation's unfinished messages."""

    __slots__ = ("busy", "due", "expected", "parked", "queue", "queued")

    def __init__(self) -> None:
        self.queue: list[InboxHeader] = []
        self.expected: dict[str, int] | None = None
        """Next sequence number per stream; None until the session has been read."""
        self.busy = False
        self.parked = False
        self.queued = False
        self.due = 0


class Scheduler:
    """See the module. Times are microseconds."""

    def __init__(
        self,
        *,
        gap_timeout_us: int = 2 * SECOND,
        bundle_limit: int = 20,
        turns_per_lane: int = 8,
        capacity: int = 100_000,
        streams: Callable[[bytes], dict[str, int] | None] = lambda conversation: None,
    ) -> None:
        """`streams`: the stream positions of a conversation, where they are known in memory."""
        self._streams = streams
        self._gap_timeout = gap_timeout_us
        self._bundle_limit = bundle_limit
        self._turns_per_lane = turns_per_lane
        self.capacity = capacity
        self._lanes: dict[bytes, Lane] = {}
        self._ids: set[int] = set()
        self._ready: deque[bytes] = deque()
        self._waiting: list[tuple[int, bytes]] = []
        self._timers: list[tuple[int, int, InboxHeader]] = []
        self._solo: set[int] = set()
        self._taken_since: dict[bytes, int] = {}

    # -- what there is ------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, inbox_id: int) -> bool:
        return inbox_id in self._ids

    @property
    def is_full(self) -> bool:
        # Timers that are not due yet are not counted: they must not keep messages out.
        return len(self._ids) - len(self._timers) >= self.capacity

    def ready_lanes(self) -> int:
        return len(self._ready)

    def has_ready(self, now: int) -> bool:
        self._wake(now)
        return bool(self._ready)

    def lane_length(self, conversation: bytes) -> int:
        lane = self._lanes.get(conversation)
        return len(lane.queue) if lane is not None else 0

    def oldest_ready(self) -> int | None:
        """When the message that has been ready for longest was received."""
        oldest: int | None = min(self._taken_since.values(), default=None)
        while self._ready:
            lane = self._lanes.get(self._ready[0])
            if lane is not None and lane.queue and lane.queued:
                received = max(lane.queue[0].received_at, lane.queue[0].due_at)
                return received if oldest is None else min(oldest, received)
            self._ready.popleft()
        return oldest

    def waiting(self, most: int = 5000) -> Counter[str]:
        """How many conversations wait, by reason: held, quiet, retry. Looks at `most` of them."""
        reasons: Counter[str] = Counter()
        for due, conversation in self._waiting[:most]:
            lane = self._lanes.get(conversation)
            if lane is not None and lane.queue and lane.due == due and not lane.busy:
                state = lane.queue[0].state
                reasons[state if state in ("quiet", "retry") else "held"] += 1
        return reasons

    def next_due(self) -> int | None:
        """The next moment at which something may become ready."""
        times = []
        if self._waiting:
            times.append(self._waiting[0][0])
        if self._timers:
            times.append(self._timers[0][0])
        return min(times, default=None)

    def waits_for(self, inbox_id: int, conversation: bytes) -> tuple[str, int] | None:
        """(reason, due time) of a message that waits in memory, for `trace`."""
        lane = self._lanes.get(conversation)
        if lane is None or inbox_id not in self._ids:
            return None
        if lane.parked and lane.queue and lane.queue[0].id == inbox_id:
            return "parked", lane.due
        if lane.due and not lane.busy:
            header = next((item for item in lane.queue if item.id == inbox_id), None)
            if header is not None and header.sequence is not None and header.state != "retry":
                return "held", lane.due
        return None

    # -- coming in ----------------------------------------------------------------------------

    def add(self, headers: Iterable[InboxHeader], now: int) -> None:
        """Takes unfinished messages in, in inbox order; those known already stay as they are."""
        for header in headers:
            if header.id in self._ids:
                continue
            self._ids.add(header.id)
            if header.kind == KIND_TIMER and header.due_at > now and header.state != "retry":
                heapq.heappush(self._timers, (header.due_at, header.id, header))
            else:
                self._append(header, now)

    def mark_solo(self, ids: Iterable[int]) -> None:
        """These were being worked on when the process died: each gets a batch of its own."""
        self._solo.update(ids)

    @property
    def solo(self) -> set[int]:
        """Those of them that are here: some were finished before the end, or lie elsewhere."""
        return self._solo & self._ids

    def learn(self, conversation: bytes, streams: dict[str, int]) -> None:
        """The session's stream positions, once it has been read."""
        lane = self._lanes.get(conversation)
        if lane is not None:
            lane.expected = dict(streams)

    def knows_streams(self, conversation: bytes) -> bool:
        lane = self._lanes.get(conversation)
        return lane is not None and lane.expected is not None

    def _append(self, header: InboxHeader, now: int) -> None:
        lane = self._lanes.get(header.conversation)
        if lane is None:
            lane = self._lanes[header.conversation] = Lane()
        if header.stream is not None and lane.expected is None:
            known = self._streams(header.conversation)
            lane.expected = None if known is None else dict(known)
        queue = lane.queue
        place = len(queue)
        while place and _comes_after(queue[place - 1], header):
            place -= 1
        queue.insert(place, header)
        if not lane.busy:
            self._place(header.conversation, lane, now)

    # -- going out ----------------------------------------------------------------------------

    def take(self, limit: int, now: int) -> list[Bundle]:
        """Up to `limit` turns. Their lanes are busy until `finish`.

        A lane gives several turns when they are ready one after the other, so that one busy
        conversation is not one turn per commit.
        """
        self._wake(now)
        taken: list[Bundle] = []
        solo = bool(self.solo)
        for _ in range(len(self._ready)):
            if len(taken) >= limit:
                break
            conversation = self._ready.popleft()
            lane = self._lanes.get(conversation)
            if lane is None or not lane.queued:
                continue
            lane.queued = False
            bundles, due = self._pick(conversation, lane, now)
            if not bundles:
                self._wait(conversation, lane, due)
                continue
            if solo and any(header.id in self._solo for header in bundles[0].headers):
                if taken:
                    self._ready.appendleft(conversation)
                    lane.queued = True
                    break
                lane.busy = True
                lane.due = 0
                self._taken_since[conversation] = bundles[0].headers[0].received_at
                return [_single(bundles[0])]
            lane.busy = True
            lane.due = 0
            self._taken_since[conversation] = _since(bundles[0])
            if solo:
                bundles = bundles[:1]
            taken += bundles[: limit - len(taken)]
        return taken

    def is_solo(self, bundle: Bundle) -> bool:
        return any(header.id in self._solo for header in bundle.headers)

    def park(self, conversation: bytes, due: int) -> None:
        """The lane's first turn left its batch and is still being worked on."""
        lane = self._lanes[conversation]
        lane.parked = True
        lane.due = due
        self._taken_since.pop(conversation, None)

    def complete(self, conversation: bytes, completed: Iterable[int]) -> None:
        """These messages are done, but the lane stays busy."""
        gone = set(completed)
        self._ids -= gone
        lane = self._lanes.get(conversation)
        if lane is not None:
            lane.queue = [header for header in lane.queue if header.id not in gone]

    def finish(self, conversation: bytes, completed: Iterable[int], now: int) -> None:
        """The lane's work is over; `completed` messages are gone from the inbox for good."""
        lane = self._lanes.get(conversation)
        gone = set(completed)
        self._ids -= gone
        if self._solo:
            self._solo -= gone
        self._taken_since.pop(conversation, None)
        if lane is None:
            return
        lane.busy = lane.parked = False
        lane.due = 0
        if gone:
            lane.queue = [header for header in lane.queue if header.id not in gone]
        if lane.queue:
            self._place(conversation, lane, now)
        else:
            del self._lanes[conversation]

    def replace(self, header: InboxHeader) -> None:
        """A row was changed (an attempt failed): its state and due time are new."""
        lane = self._lanes.get(header.conversation)
        if lane is not None:
            lane.queue = [header if item.id == header.id else item for item in lane.queue]

    def advance(self, conversation: bytes, stream: str, sequence: int) -> None:
        """This number of this stream is handled, or dead: the next one may go."""
        lane = self._lanes.get(conversation)
        if lane is not None and lane.expected is not None:
            lane.expected[stream] = max(lane.expected.get(stream, 0), sequence + 1)

    def drop(self, conversation: bytes) -> None:
        """Another worker has this conversation now."""
        lane = self._lanes.pop(conversation, None)
        self._taken_since.pop(conversation, None)
        if lane is not None:
            self._ids.difference_update(header.id for header in lane.queue)

    def forget(self, partitions: set[int]) -> None:
        """These partitions belong to another worker now; a busy lane goes when it is next taken."""
        for conversation, lane in list(self._lanes.items()):
            if lane.queue and lane.queue[0].partition in partitions and not lane.busy:
                self._ids.difference_update(header.id for header in lane.queue)
                del self._lanes[conversation]
        kept = [item for item in self._timers if item[2].partition not in partitions]
        self._ids.difference_update(
            item[1] for item in self._timers if item[2].partition in partitions
        )
        self._timers = kept
        heapq.heapify(self._timers)

    # -- order within a lane ------------------------------------------------------------------

    def _pick(self, conversation: bytes, lane: Lane, now: int) -> tuple[list[Bundle], int]:
        """The turns that are ready one after the other, and, if none is, when to look again."""
        head = lane.queue[0]
        if lane.expected is None and head.sequence is not None:
            # Nobody knows yet what is next in this stream: the worker reads the session, calls
            # `learn` and puts the turn back.
            return [Bundle(conversation, (head,))], 0
        bundles: list[Bundle] = []
        expected = dict(lane.expected) if lane.expected else {}
        rest = lane.queue
        due = 0
        while rest and len(bundles) < self._turns_per_lane:
            if lane.expected is None and rest[0].sequence is not None:
                break
            bundle, due, rest = self._next(conversation, rest, expected, lane, now)
            if bundle is None:
                break
            bundles.append(bundle)
        return bundles, due

    def _next(
        self,
        conversation: bytes,
        queue: list[InboxHeader],
        expected: dict[str, int],
        lane: Lane,
        now: int,
    ) -> tuple[Bundle | None, int, list[InboxHeader]]:
        """The next turn of a queue, or None and its due time; and the queue after it."""
        headers: list[InboxHeader] = []
        gaps: list[int] = []
        late: list[int] = []
        rest = list(queue)
        quiet_end = 0
        while rest and len(headers) < self._bundle_limit:
            if headers and lane.expected is None and rest[0].sequence is not None:
                break
            header, due, gap = self._first(rest, expected, now)
            if due > now:
                if headers:
                    break
                return None, due, queue
            if headers and not _goes_with(header, headers[0]):
                break
            rest.remove(header)
            if header.stream is not None and header.sequence is not None:
                if gap:
                    gaps.append(header.id)
                elif header.sequence < expected.get(header.stream, 0) and not header.recorded:
                    # A recorded one was counted when it was parked: it is no later than it was.
                    late.append(header.id)
                expected[header.stream] = max(expected.get(header.stream, 0), header.sequence + 1)
            headers.append(header)
            if header.state in ("parked", AGAIN):
                continue
            if header.state != "quiet":
                quiet_end = 0
                break
            span = header.due_at - header.received_at
            quiet_end = min(header.due_at, headers[0].received_at + BURST_SPAN * span)
        if quiet_end > now and len(headers) < self._bundle_limit:
            return None, quiet_end, queue
        return Bundle(conversation, tuple(headers), tuple(gaps), tuple(late)), 0, rest

    def _first(
        self, queue: list[InboxHeader], expected: dict[str, int], now: int
    ) -> tuple[InboxHeader, int, bool]:
        """(the header that is next, its due time or 0, whether a gap before it timed out)."""
        head = queue[0]
        if head.stream is None or head.sequence is None:
            return head, _retry_at(head), False
        wanted = expected.get(head.stream, FIRST_SEQUENCE)
        if head.sequence <= wanted and not head.recorded:
            return head, _retry_at(head), False
        siblings = [header for header in queue if header.stream == head.stream]
        if head.recorded:
            # A burst that was parked is one turn again only in the order that it had.
            head = min((item for item in siblings if item.recorded), key=_sequence)
            return head, _retry_at(head), False
        # A stream that is new may count from 0.
        least = wanted if head.stream in expected else 0
        fillers = [item for item in siblings if least <= _sequence(item) <= wanted]
        if fillers:
            filler = min(fillers, key=_sequence)
            return filler, _retry_at(filler), False
        head = min((item for item in siblings if _sequence(item) > wanted), key=_sequence)
        if head.state == "retry":
            # It waited for its gap before it was tried.
            return head, head.due_at, True
        return head, queue[0].received_at + self._gap_timeout, True

    def _place(self, conversation: bytes, lane: Lane, now: int) -> None:
        """Puts a lane that is not busy where it belongs: among the ready or the waiting."""
        head = lane.queue[0]
        sequenced = head.sequence is not None and lane.expected is not None
        if head.state == "retry" and head.due_at > now and not sequenced:
            self._wait(conversation, lane, head.due_at)
        elif head.state == "quiet" or sequenced:
            _, due, _ = self._next(conversation, lane.queue, dict(lane.expected or {}), lane, now)
            if due > now:
                self._wait(conversation, lane, due)
            else:
                self._queue(conversation, lane)
        else:
            self._queue(conversation, lane)

    def _queue(self, conversation: bytes, lane: Lane) -> None:
        if not lane.queued:
            lane.queued = True
            lane.due = 0
            self._ready.append(conversation)

    def _wait(self, conversation: bytes, lane: Lane, due: int) -> None:
        lane.queued = False
        lane.due = due
        heapq.heappush(self._waiting, (due, conversation))

    def _wake(self, now: int) -> None:
        while self._timers and self._timers[0][0] <= now:
            self._append(heapq.heappop(self._timers)[2], now)
        while self._waiting and self._waiting[0][0] <= now:
            due, conversation = heapq.heappop(self._waiting)
            lane = self._lanes.get(conversation)
            if lane is not None and lane.due == due and not lane.busy and not lane.queued:
                self._place(conversation, lane, now)


def _goes_with(header: InboxHeader, first: InboxHeader) -> bool:
    """Whether a message may be in one turn with the one before it: in a burst, because they were
    parked as one turn (a conversation has at most one of these), or were one that is done again."""
    if "parked" in (header.state, first.state):
        return header.state == first.state
    if AGAIN in (header.state, first.state):
        return header.state == first.state and header.note == first.note
    return header.state in ("quiet", "ready") and not header.kind


def _comes_after(one: InboxHeader, other: InboxHeader) -> bool:
    """Messages go by inbox number; a timer comes behind what had arrived when it was due."""
    if KIND_TIMER in (one.kind, other.kind):
        return _moment(one) > _moment(other)
    return one.id > other.id


def _sequence(header: InboxHeader) -> int:
    return header.sequence or 0


def _retry_at(header: InboxHeader) -> int:
    return header.due_at if header.state == "retry" else 0


def _moment(header: InboxHeader) -> int:
    return header.due_at if header.kind == KIND_TIMER else header.received_at


def _since(bundle: Bundle) -> int:
    return max(bundle.headers[0].received_at, bundle.headers[0].due_at)


def _single(bundle: Bundle) -> Bundle:
    first = bundle.headers[:1]
    ids = {header.id for header in first}
    return Bundle(
        bundle.conversation,
        first,
        tuple(number for number in bundle.gaps if number in ids),
        tuple(number for number in bundle.late if number in ids),
    )
