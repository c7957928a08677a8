"""The scheduler against a model of its own rules, under arbitrary arrivals and interleavings."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from colloquy.pipeline.scheduler import BURST_SPAN, FIRST_SEQUENCE, Bundle, Scheduler
from colloquy.storage.store import InboxHeader
from colloquy.storage.write_set import KIND_MESSAGE, KIND_TIMER
from support.inbox import START, header

MS = 1000
GAP = 200 * MS
QUIET = 60 * MS
LIMIT = 4


def quiet(number: int, at: int = START, **fields: Any) -> InboxHeader:
    return header(number, at=at, state="quiet", due_at=at + QUIET, **fields)


def numbered(number: int, sequence: int, at: int = START, **fields: Any) -> InboxHeader:
    return header(number, at=at, stream="s", sequence=sequence, **fields)


def scheduler(streams: dict[str, int] | None = None, **options: Any) -> Scheduler:
    known = {} if streams is None else streams
    return Scheduler(
        gap_timeout_us=GAP, bundle_limit=LIMIT, streams=lambda conversation: known, **options
    )


def ids(bundles: list[Bundle]) -> list[tuple[int, ...]]:
    return [tuple(item.id for item in bundle.headers) for bundle in bundles]


# -- the rules one by one -----------------------------------------------------------------------


def test_a_conversation_is_in_one_batch_at_a_time_and_goes_on_after_it() -> None:
    made = scheduler(turns_per_lane=1)
    made.add([header(1), header(2), header(3, b"b")], START)
    assert ids(made.take(10, START)) == [(1,), (3,)]
    assert made.take(10, START) == []
    made.finish(b"a", [1], START)
    assert ids(made.take(10, START)) == [(2,)]


def test_what_is_done_again_goes_first_and_each_turn_by_itself() -> None:
    made = scheduler()
    made.add([header(8), header(9)], START)
    again = {"state": "again", "due_at": START}
    made.add([header(number, note=b"1", recorded=1, **again) for number in (2, 3)], START)
    made.add([header(number, note=b"2", recorded=1, **again) for number in (5, 6)], START)
    assert ids(made.take(10, START)) == [(2, 3), (5, 6), (8,), (9,)]


def test_what_is_done_again_takes_no_burst_with_it() -> None:
    made = scheduler()
    made.add([header(2, state="again", note=b"1"), quiet(3), quiet(4)], START)
    assert ids(made.take(10, START)) == [(2,)]
    made.finish(b"a", [2], START)
    assert ids(made.take(10, START + QUIET)) == [(3, 4)]


def test_one_lane_gives_several_turns_and_those_over_the_limit_stay() -> None:
    made = scheduler()
    made.add([header(number) for number in range(1, 6)], START)
    assert ids(made.take(3, START)) == [(1,), (2,), (3,)]
    made.finish(b"a", [1, 2], START)
    assert ids(made.take(3, START)) == [(3,), (4,), (5,)]


def test_the_missing_number_overtakes_and_a_gap_holds_no_longer_than_its_time_out() -> None:
    made = scheduler()
    made.add([numbered(1, 2), header(2)], START)
    assert made.take(9, START) == []
    assert made.next_due() == START + GAP
    made.add([numbered(3, 1, START + 5)], START + 5)
    assert ids(made.take(9, START + 5)) == [(3,), (1,), (2,)]
    made.finish(b"a", [1, 2, 3], START + 5)
    made.add([numbered(4, 9, START + 10)], START + 10)
    assert not made.has_ready(START + 9 + GAP)
    (bundle,) = made.take(9, START + 10 + GAP)
    assert (ids([bundle]), bundle.gaps) == ([(4,)], (4,))


def test_what_comes_after_its_place_is_late_but_not_what_was_counted_when_it_was_parked() -> None:
    made = scheduler({"s": 5})
    made.add([numbered(1, 3)], START)
    (bundle,) = made.take(9, START)
    assert bundle.late == (1,)
    made.finish(b"a", [1], START)
    made.add([numbered(2, 4, state="parked", recorded=1)], START)
    (bundle,) = made.take(9, START)
    assert (bundle.late, bundle.gaps) == ((), ())


def test_a_retry_keeps_its_gap_and_the_number_that_fills_it_goes_first() -> None:
    made = scheduler()
    failed = numbered(1, 2, state="retry", due_at=START + 50)
    made.add([failed], START)
    assert made.take(9, START + 49) == []
    (bundle,) = made.take(9, START + 50)
    assert bundle.gaps == (1,)
    made.finish(b"a", [], START + 50)
    made.replace(failed._replace(due_at=START + 90))
    made.finish(b"a", [], START + 50)
    made.add([numbered(2, 1, START + 60)], START + 60)
    assert ids(made.take(9, START + 60)) == [(2,)]


def test_a_burst_that_failed_is_tried_one_by_one_in_the_order_of_its_sequence() -> None:
    made = scheduler()
    made.add([numbered(n, s, state="retry", due_at=START) for n, s in ((1, 2), (2, 1))], START)
    bundles = made.take(9, START)
    assert ids(bundles) == [(2,), (1,)]
    assert not any(bundle.gaps or bundle.late for bundle in bundles)


def test_a_burst_waits_for_quiet_at_most_five_periods() -> None:
    made = scheduler()
    step = QUIET // 2
    for index in range(3):
        made.add([quiet(index + 1, START + index * step)], START + index * step)
    assert not made.has_ready(START + 2 * step + QUIET - 1)
    assert ids(made.take(9, START + 2 * step + QUIET)) == [(1, 2, 3)]
    many = Scheduler(bundle_limit=100)
    for index in range(10):
        many.add([quiet(index + 1, START + index * step)], START + index * step)
    end = START + BURST_SPAN * QUIET
    assert not many.has_ready(end - 1)
    assert ids(many.take(9, end))[0][0] == 1


def test_urgent_ends_the_burst_in_order_and_a_full_bundle_waits_no_longer() -> None:
    made = scheduler()
    made.add([quiet(1), quiet(2), header(3, at=START + 1)], START + 1)
    assert ids(made.take(9, START + 1)) == [(1, 2, 3)]
    made.finish(b"a", [1, 2, 3], START + 1)
    made.add([quiet(number, START + 2) for number in range(4, 4 + LIMIT)], START + 2)
    assert ids(made.take(9, START + 2)) == [(4, 5, 6, 7)]


def test_a_burst_that_was_parked_is_one_turn_again() -> None:
    made = scheduler({"s": 3})
    parked = [numbered(n, s, state="parked", recorded=1) for n, s in ((1, 2), (2, 1))]
    made.add([*parked, quiet(3)], START + QUIET)
    assert ids(made.take(9, START + QUIET)) == [(2, 1), (3,)]


def test_what_waits_is_counted_by_its_reason() -> None:
    lanes = scheduler()
    lanes.add([quiet(1, conversation=b"q" * 16)], START)
    lanes.add([header(2, conversation=b"r" * 16, state="retry", due_at=START + GAP)], START)
    lanes.add([numbered(3, 5, conversation=b"h" * 16), header(4, conversation=b"n" * 16)], START)
    assert lanes.waiting() == {"quiet": 1, "retry": 1, "held": 1}
    assert lanes.waiting(most=0) == {}
    lanes.take(9, START + GAP)
    assert lanes.waiting() == {}


def test_a_timer_comes_behind_what_had_arrived_when_it_was_due() -> None:
    made = scheduler()
    timer = header(1, kind=KIND_TIMER, due_at=START + 50)
    made.add([timer, header(2, at=START + 10, state="retry", due_at=START + 80)], START + 10)
    assert not made.has_ready(START + 60)
    made.add([header(3, at=START + 70)], START + 70)
    assert ids(made.take(9, START + 80)) == [(2,), (1,), (3,)]
    again = scheduler()
    again.add([timer, header(2, at=START + 10), header(3, at=START + 70)], START + 90)
    assert ids(again.take(9, START + 90)) == [(2,), (1,), (3,)]


def test_timers_that_are_not_due_do_not_fill_the_scheduler() -> None:
    made = scheduler(capacity=2)
    made.add([header(n, kind=KIND_TIMER, due_at=START + 50) for n in range(1, 9)], START)
    assert not made.is_full
    made.add([header(10), header(11)], START)
    assert made.is_full


def test_a_suspect_is_alone_in_its_batch_and_one_that_is_gone_holds_nobody_up() -> None:
    made = scheduler()
    made.mark_solo({2, 3, 99})
    made.add([header(1), quiet(2, conversation=b"b"), quiet(3, conversation=b"b")], START)
    now = START + QUIET
    assert ids(made.take(9, now)) == [(1,)]
    assert ids(made.take(9, now)) == [(2,)]
    made.finish(b"a", [1], now)
    made.finish(b"b", [2], now)
    assert ids(made.take(9, now)) == [(3,)]
    made.finish(b"b", [3], now)
    assert made.solo == set()
    made.add([header(4), header(5), header(6, b"b")], now)
    assert ids(made.take(9, now)) == [(4,), (5,), (6,)]


def test_unknown_stream_positions_are_learnt_before_anything_is_judged_by_them() -> None:
    made = Scheduler(gap_timeout_us=GAP, bundle_limit=LIMIT, streams=lambda conversation: None)
    made.add([quiet(1), numbered(2, 7), numbered(3, 6)], START)
    bundles = made.take(9, START + QUIET)
    assert ids(bundles) == [(1,)]
    made.finish(b"a", [1], START + QUIET)
    assert ids(made.take(9, START + QUIET)) == [(2,)]
    assert not made.knows_streams(b"a")
    made.learn(b"a", {"s": 6})
    made.finish(b"a", [], START + QUIET)
    bundles = made.take(9, START + QUIET)
    assert ids(bundles) == [(3,), (2,)]
    assert not any(bundle.gaps or bundle.late for bundle in bundles)


def test_forgotten_partitions_leave_and_come_back() -> None:
    made = scheduler()
    rows = [header(1), header(2, b"b"), header(3, kind=KIND_TIMER, due_at=START + 9)]
    made.add(rows, START)
    made.forget({b"a"[0] % 4})
    assert (len(made), ids(made.take(9, START + 20))) == (1, [(2,)])
    made.add(rows, START + 20)
    assert ids(made.take(9, START + 20)) == [(1,), (3,)]


# -- all rules at once --------------------------------------------------------------------------

CONVERSATIONS = (b"a", b"b", b"c")


class Interleavings(RuleBasedStateMachine):
    """Arrivals, batches, failures, parking and time in any order."""

    @initialize(known=st.booleans(), solo=st.frozensets(st.integers(1, 6), max_size=2))
    def begin(self, known: bool, solo: frozenset[int]) -> None:
        self.now = START
        self.numbers = count(1)
        self.positions: dict[bytes, dict[str, int]] = {key: {} for key in CONVERSATIONS}
        self.scheduler = Scheduler(
            gap_timeout_us=GAP,
            bundle_limit=LIMIT,
            turns_per_lane=3,
            streams=lambda conversation: dict(self.positions[conversation]) if known else None,
        )
        self.suspects = solo
        self.scheduler.mark_solo(solo)
        self.open: dict[int, InboxHeader] = {}
        self.busy: dict[bytes, list[Bundle]] = {}
        self.parked: set[bytes] = set()
        self.handled: list[InboxHeader] = []
        self.counted: set[int] = set()
        self.gaps: set[int] = set()
        self.late: set[int] = set()

    # -- what happens ---------------------------------------------------------------------------

    def arrive(self, row: InboxHeader) -> None:
        self.open[row.id] = row
        self.scheduler.add([row], self.now)

    @rule(key=st.sampled_from(CONVERSATIONS), burst=st.integers(1, 6), urgent=st.booleans())
    def burst(self, key: bytes, burst: int, urgent: bool) -> None:
        for _ in range(burst):
            self.arrive(quiet(next(self.numbers), self.now, conversation=key))
        if urgent:
            self.arrive(header(next(self.numbers), key, self.now))

    @rule(
        key=st.sampled_from(CONVERSATIONS),
        stream=st.sampled_from("st"),
        sequences=st.lists(st.integers(0, 6), min_size=1, max_size=4),
        is_quiet=st.booleans(),
    )
    def sequenced(self, key: bytes, stream: str, sequences: list[int], is_quiet: bool) -> None:
        make = quiet if is_quiet else header
        for sequence in sequences:
            number = next(self.numbers)
            self.arrive(
                make(number, at=self.now, conversation=key, stream=stream, sequence=sequence)
            )

    @rule(key=st.sampled_from(CONVERSATIONS), delay=st.integers(0, 400 * MS))
    def timer(self, key: bytes, delay: int) -> None:
        number = next(self.numbers)
        self.arrive(header(number, key, self.now, kind=KIND_TIMER, due_at=self.now + delay))

    @rule()
    def shown_again(self) -> None:
        self.scheduler.add(list(self.open.values()), self.now)

    @rule(passed=st.integers(1, 300 * MS))
    def time_passes(self, passed: int) -> None:
        was_ready = self.scheduler.has_ready(self.now)
        due = self.scheduler.next_due()
        self.now += passed
        if not was_ready and (due is None or due > self.now):
            assert not self.scheduler.has_ready(self.now), "ready before `next_due`"

    @rule(limit=st.integers(1, 6))
    def take(self, limit: int) -> None:
        bundles = self.scheduler.take(limit, self.now)
        assert len(bundles) <= limit
        alone = [bundle for bundle in bundles if self.scheduler.is_solo(bundle)]
        assert not alone or (len(bundles) == 1 and len(bundles[0].headers) == 1)
        assert not {bundle.conversation for bundle in bundles} & self.busy.keys()
        for bundle in bundles:
            self.check(bundle)
            self.busy.setdefault(bundle.conversation, []).append(bundle)
        for key in {bundle.conversation for bundle in bundles}:
            numbers = [item.id for bundle in self.busy[key] for item in bundle.headers]
            assert len(numbers) == len(set(numbers))
            first = self.busy[key][0].headers[0]
            if first.sequence is not None and not self.scheduler.knows_streams(key):
                self.scheduler.learn(key, self.positions[key])
                self.end(key, 0)

    def check(self, bundle: Bundle) -> None:
        for item in bundle.headers:
            assert self.open[item.id] == item, "handed out twice, or not as it is"
            if item.state == "retry":
                assert item.due_at <= self.now
                assert len(bundle.headers) == 1
            if item.kind == KIND_TIMER:
                assert item.due_at <= self.now
                assert len(bundle.headers) == 1
        for number in bundle.gaps:
            item = self.open[number]
            earliest = min(
                row.received_at for row in self.open.values() if row.stream == item.stream
            )
            assert item.state == "retry" or earliest + GAP <= self.now, "a gap was not waited for"
        self.late |= set(bundle.late)
        self.gaps |= set(bundle.gaps)
        if len(bundle.headers) > 1:
            assert len(bundle.headers) <= LIMIT
            assert len({item.state == "parked" for item in bundle.headers}) == 1
        last = bundle.headers[-1]
        if last.state == "quiet" and len(bundle.headers) < LIMIT:
            unread = last.sequence is not None and not self.scheduler.knows_streams(
                bundle.conversation
            )
            if not unread and not self.suspects & self.open.keys():
                closed = min(last.due_at, bundle.headers[0].received_at + BURST_SPAN * QUIET)
                assert closed <= self.now, "the burst was not over"

    @rule(data=st.data(), done=st.integers(0, 3), fails=st.booleans(), parks=st.booleans())
    def finish(self, data: st.DataObject, done: int, fails: bool, parks: bool) -> None:
        if self.busy:
            key = data.draw(st.sampled_from(sorted(self.busy)))
            self.end(key, done, fails=fails, parks=parks and key not in self.parked)

    def end(self, key: bytes, done: int, *, fails: bool = False, parks: bool = False) -> None:
        bundles = self.busy[key]
        completed: list[int] = []
        for bundle in bundles[:done]:
            for item in bundle.headers:
                completed.append(item.id)
                self.handled.append(item)
                del self.open[item.id]
                if item.sequence is not None and item.stream is not None:
                    self.scheduler.advance(key, item.stream, item.sequence)
                    self.count(key, item)
        rest = bundles[done:]
        if rest and parks:
            self.busy[key] = rest[:1]
            self.parked.add(key)
            for item in rest[0].headers:
                self.change(item, state="parked", recorded=1)
                self.count(key, item)
            self.busy[key] = [
                rest[0]._replace(headers=tuple(self.open[i.id] for i in rest[0].headers))
            ]
            self.scheduler.complete(key, completed)
            self.scheduler.park(key, self.now + 1000 * MS)
            return
        if rest and fails:
            for item in rest[0].headers:
                self.change(item, state="retry", due_at=self.now + 30 * MS)
        del self.busy[key]
        self.parked.discard(key)
        self.scheduler.finish(key, completed, self.now)

    def count(self, key: bytes, item: InboxHeader) -> None:
        """A number is handled: in its place, or it says why not."""
        if item.sequence is None or item.stream is None or item.id in self.counted:
            return
        self.counted.add(item.id)
        known = self.positions[key]
        wanted = known.get(item.stream, FIRST_SEQUENCE)
        if item.sequence > wanted:
            assert item.id in self.gaps
        elif item.stream in known and item.sequence < wanted:
            assert item.id in self.late
        else:
            assert item.id not in self.gaps
        known[item.stream] = max(wanted if item.stream in known else 0, item.sequence + 1)

    def change(self, item: InboxHeader, **fields: Any) -> None:
        changed = item._replace(**fields)
        self.open[item.id] = changed
        self.scheduler.replace(changed)

    # -- what must hold -------------------------------------------------------------------------

    @invariant()
    def knows_what_is_open(self) -> None:
        if hasattr(self, "scheduler"):
            assert len(self.scheduler) == len(self.open)
            assert all(number in self.scheduler for number in self.open)

    def teardown(self) -> None:
        """After enough time everything was handed out, in order, and nothing is kept."""
        if not hasattr(self, "scheduler"):
            return
        for _ in range(20 * (len(self.open) + len(self.busy)) + 20):
            for key in list(self.busy):
                self.end(key, 99)
            if not self.open:
                break
            if not self.scheduler.has_ready(self.now):
                due = self.scheduler.next_due()
                assert due is not None, f"forgotten: {sorted(self.open)}"
                self.now = max(self.now, due)
            self.take(6)
        assert not self.open, f"never handed out: {sorted(self.open)}"
        self.now += 10_000 * MS
        assert self.scheduler.take(99, self.now) == []
        for name in ("_lanes", "_ids", "_ready", "_waiting", "_timers", "_taken_since"):
            assert not getattr(self.scheduler, name), name
        assert self.scheduler.oldest_ready() is None


class Ordered(Interleavings):
    """The same without clients that number their messages: arrival order is the order."""

    sequenced = None  # type: ignore[assignment]

    def teardown(self) -> None:
        super().teardown()
        for key in CONVERSATIONS if hasattr(self, "handled") else ():
            here = [item for item in self.handled if item.conversation == key]
            messages = [item.id for item in here if item.kind == KIND_MESSAGE]
            assert messages == sorted(messages)


Interleavings.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
Ordered.TestCase.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
TestInterleavings = Interleavings.TestCase
TestOrdered = Ordered.TestCase
