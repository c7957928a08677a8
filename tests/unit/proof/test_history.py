"""The checker is fed bad histories and must complain; of good ones it must not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from colloquy.proof.history import Verdict, check
from colloquy.proof.records import Dead, Log, Logged, Receipted, Received, Record, Refused, Sent


class History:
    """Writes a history step by step: what the client does and what the server commits."""

    def __init__(self) -> None:
        self.journal: list[Record] = []
        self.events: list[Logged] = []
        self.dead: list[Dead] = []
        self.unfinished: list[str] = []
        self.effects: list[str] = []
        self._counts: dict[str, int] = {}

    def send(
        self, message: str, *, to: str = "c", stream: str | None = None, number: int | None = None
    ) -> int:
        n = len(self.journal) + 1
        self.journal.append(Sent(n, message, to, stream, number))
        return n

    def receipt(self, message: str, *, status: str = "stored") -> None:
        attempt = next(
            one for one in self.journal if isinstance(one, Sent) and one.message_id == message
        )
        self.journal.append(Receipted(len(self.journal) + 1, attempt.n, message, status))

    def sent(self, *messages: str) -> None:
        """Sent and receipted, one after the other."""
        for message in messages:
            self.send(message)
            self.receipt(message)

    def receive(self, reply: str, via: str = "stream") -> None:
        self.journal.append(Received(len(self.journal) + 1, reply, via))

    def event(self, kind: str, to: str = "c", **fields: object) -> None:
        seq = 1 + sum(1 for event in self.events if event.conversation_id == to)
        self.events.append(
            Logged(
                position=len(self.events) + 1,
                conversation_id=to,
                seq=seq,
                kind=kind,
                **fields,  # type: ignore[arg-type]
            )
        )

    def commit(self, *messages: str, to: str = "c", late: bool = False) -> None:
        """The turn of each message: its event and the one reply."""
        for message in messages:
            self.event("message", to, turn_id=f"t-{message}", message_id=message, late=late)
            self._counts[to] = self._counts.get(to, 0) + 1
            self.event(
                "reply",
                to,
                turn_id=f"t-{message}",
                reply_id=f"r-{message}",
                about=message,
                count=self._counts[to],
            )

    def problems(self) -> dict[str, int]:
        return self.verdict().problems

    def verdict(self) -> Verdict:
        log = Log(self.events, self.dead, self.unfinished, self.effects)
        return check(self.journal, log)


@pytest.fixture
def history() -> History:
    return History()


def test_a_plain_history_is_good(history: History) -> None:
    history.sent("a", "b")
    history.commit("a", "b")
    history.receive("r-a")
    assert history.problems() == {}


def test_an_empty_history_is_good(history: History) -> None:
    assert history.problems() == {}


# -- lost --------------------------------------------------------------------------------------


def test_a_receipt_without_event_is_lost(history: History) -> None:
    history.sent("a", "b")
    history.commit("a")
    verdict = history.verdict()
    assert verdict.problems == {"lost": 1}
    assert verdict.examples["lost"] == ["b: receipted, in no log"]


def test_a_spooled_message_can_be_lost_too(history: History) -> None:
    history.send("a")
    history.receipt("a", status="spooled")
    assert history.problems() == {"lost": 1}


def test_no_receipt_no_loss(history: History) -> None:
    history.send("a")
    assert history.problems() == {}


def test_no_receipt_but_committed_is_good(history: History) -> None:
    history.send("a")
    history.commit("a")
    assert history.problems() == {}


def test_a_dead_letter_is_not_lost(history: History) -> None:
    history.sent("a")
    history.dead.append(Dead("a", "c"))
    verdict = history.verdict()
    assert (verdict.problems, verdict.dead_lettered) == ({}, 1)


def test_a_retried_dead_letter_that_left_no_event_is_lost(history: History) -> None:
    history.sent("a")
    history.dead.append(Dead("a", "c", "retried"))
    assert history.problems() == {"lost": 1}


def test_a_message_still_in_the_inbox_is_unfinished_not_lost(history: History) -> None:
    history.sent("a")
    history.unfinished.append("a")
    assert history.problems() == {"unfinished": 1}


def test_a_receipt_for_another_id_is_a_loss(history: History) -> None:
    n = history.send("a")
    history.journal.append(Receipted(2, n, "z", "stored"))
    history.commit("a")
    assert history.problems() == {"lost": 1}


# -- doubled -----------------------------------------------------------------------------------


def test_two_events_of_one_message_are_doubled(history: History) -> None:
    history.sent("a")
    history.event("message", turn_id="t", message_id="a")
    history.event("message", turn_id="t", message_id="a")
    history.event("reply", turn_id="t", reply_id="r", about="a")
    assert history.problems() == {"doubled": 1}


def test_two_turns_of_one_message_are_doubled(history: History) -> None:
    history.sent("a")
    history.event("message", turn_id="t1", message_id="a")
    history.event("reply", turn_id="t2", reply_id="r", about="a")
    assert history.problems() == {"doubled": 1}


def test_a_retried_dead_letter_may_have_a_second_turn(history: History) -> None:
    history.sent("a")
    history.event("message", turn_id="t1", message_id="a")
    history.dead.append(Dead("a", "c", "retried"))
    history.event("reply", turn_id="t2", reply_id="r", about="a")
    assert history.problems() == {}


def test_an_effect_that_happened_twice(history: History) -> None:
    history.effects += ["x", "y", "x"]
    assert history.problems() == {"effects_doubled": 1}


# -- inverted ----------------------------------------------------------------------------------


def test_a_later_message_committed_first_is_inverted(history: History) -> None:
    history.sent("a", "b")
    history.commit("b", "a")
    assert history.problems() == {"inverted": 1}


def test_messages_under_way_at_once_have_no_order(history: History) -> None:
    history.send("a")
    history.send("b")
    history.receipt("a")
    history.receipt("b")
    history.commit("b", "a")
    assert history.problems() == {}


def test_the_first_attempt_counts_not_the_repeat(history: History) -> None:
    history.send("b")
    history.sent("a")
    history.sent("b")
    history.commit("b", "a")
    assert history.problems() == {}


def test_conversations_do_not_order_each_other(history: History) -> None:
    history.send("a", to="c")
    history.receipt("a")
    history.send("b", to="d")
    history.receipt("b")
    history.commit("b", to="d")
    history.commit("a", to="c")
    assert history.problems() == {}


def test_every_overtaken_message_is_counted_once(history: History) -> None:
    history.sent("a", "b", "c")
    history.commit("c", "a", "b")
    assert history.problems() == {"inverted": 2}


def test_a_retried_dead_letter_comes_late(history: History) -> None:
    history.sent("a", "b")
    history.commit("b")
    history.dead.append(Dead("a", "c", "retried"))
    history.commit("a", late=True)
    assert history.problems() == {}


def test_a_stream_is_ordered_by_its_numbers(history: History) -> None:
    for message, number in (("one", 1), ("three", 3), ("two", 2)):
        history.send(message, stream="s", number=number)
        history.receipt(message)
    history.commit("one", "two", "three")
    assert history.problems() == {}


def test_a_stream_out_of_sequence_is_inverted(history: History) -> None:
    for message, number in (("one", 1), ("three", 3), ("two", 2)):
        history.send(message, stream="s", number=number)
        history.receipt(message)
    history.commit("one", "three", "two")
    assert history.problems() == {"inverted": 1}


def test_a_gap_that_timed_out_is_legal_and_marked(history: History) -> None:
    for message, number in (("one", 1), ("three", 3), ("two", 2)):
        history.send(message, stream="s", number=number)
        history.receipt(message)
    history.commit("one", "three")
    history.commit("two", late=True)
    verdict = history.verdict()
    assert (verdict.problems, verdict.late) == ({}, 1)


def test_the_mark_excuses_nothing_when_there_was_no_gap(history: History) -> None:
    for message, number in (("one", 1), ("two", 2), ("three", 3)):
        history.send(message, stream="s", number=number)
        history.receipt(message)
    history.commit("one", "three")
    history.commit("two", late=True)
    assert history.problems() == {"inverted": 1}


def test_any_overtaker_without_a_gap_is_seen_behind_one_with_a_gap(history: History) -> None:
    history.send("one", stream="s", number=1)
    history.receipt("one")
    history.send("four", stream="s", number=4)
    history.receipt("four")
    history.send("two", stream="s", number=2)
    history.receipt("two")
    history.send("three", stream="s", number=3)
    history.receipt("three")
    history.commit("one", "four")
    history.commit("three", "two", late=True)
    assert history.problems() == {"inverted": 1}


def test_a_held_message_lets_others_pass(history: History) -> None:
    history.send("two", stream="s", number=2)
    history.send("one", stream="s", number=1)
    history.receipt("two")
    history.sent("b")  # "two" cannot be handled yet
    history.receipt("one")
    history.commit("b", "one", "two")
    assert history.problems() == {}


def test_a_message_held_for_nothing_must_not_be_overtaken(history: History) -> None:
    history.send("one", stream="s", number=1)
    history.receipt("one")
    history.send("two", stream="s", number=2)
    history.receipt("two")
    history.sent("b")
    history.commit("one", "b", "two")
    assert history.problems() == {"inverted": 1}


def test_what_fills_a_gap_takes_the_place_of_those_that_wait(history: History) -> None:
    history.send("two", stream="s", number=2)
    history.receipt("two")
    history.sent("b")
    history.send("one", stream="s", number=1)
    history.receipt("one")
    other = History()
    other.journal = history.journal
    history.commit("one", "two", "b")
    other.commit("b", "one", "two")
    assert (history.problems(), other.problems()) == ({}, {})


def test_what_fills_no_gap_overtakes_nobody(history: History) -> None:
    history.send("one", stream="s", number=1)
    history.receipt("one")
    history.sent("b")
    history.send("two", stream="s", number=2)
    history.receipt("two")
    history.commit("one", "two", "b")
    assert history.problems() == {"inverted": 1}


def test_two_streams_are_independent(history: History) -> None:
    history.send("a2", stream="a", number=2)
    history.receipt("a2")
    history.send("b1", stream="b", number=1)
    history.receipt("b1")
    history.commit("a2", "b1")
    assert history.problems() == {}
    other = History()
    other.journal = history.journal
    other.commit("b1", "a2")
    assert other.problems() == {"inverted": 1}


# -- replies -----------------------------------------------------------------------------------


def test_two_replies_of_one_turn_are_doubled(history: History) -> None:
    history.sent("a")
    history.commit("a")
    history.event("reply", turn_id="t-a", reply_id="r-2", about="a")
    assert history.problems() == {"replies_doubled": 1}


def test_one_reply_id_logged_twice_is_doubled(history: History) -> None:
    history.sent("a")
    history.commit("a")
    history.event("reply", turn_id="t-a", reply_id="r-a", about="a")
    assert history.problems() == {"replies_doubled": 1}


def test_two_turns_that_answer_one_message_are_doubled(history: History) -> None:
    history.sent("a")
    history.commit("a")
    history.event("reply", turn_id="other", reply_id="r-2", about="a")
    assert history.problems() == {"doubled": 1, "replies_doubled": 1}


def test_the_same_reply_received_again_is_a_redelivery(history: History) -> None:
    history.sent("a")
    history.commit("a")
    history.receive("r-a")
    history.receive("r-a")
    history.receive("r-a", via="another")
    verdict = history.verdict()
    assert (verdict.problems, verdict.redelivered) == ({}, 1)


def test_a_reply_that_is_not_in_the_log(history: History) -> None:
    history.receive("r-a")
    assert history.problems() == {"replies_unlogged": 1}


def test_a_message_without_its_answer(history: History) -> None:
    history.sent("a")
    history.event("message", turn_id="t", message_id="a")
    assert history.problems() == {"unanswered": 1}


def test_an_answer_without_its_message(history: History) -> None:
    history.event("reply", turn_id="t", reply_id="r", about="a")
    assert history.problems() == {"log_broken": 1}


# -- refusals ----------------------------------------------------------------------------------


def test_what_must_be_refused(history: History) -> None:
    history.journal += [Sent(1, "a", "c", must_refuse=True), Refused(2, 1, "invalid_input")]
    assert history.problems() == {}
    history.journal += [Sent(3, "b", "c", must_refuse=True), Receipted(4, 3, "b", "stored")]
    history.commit("b")
    assert history.problems() == {"wrongly_accepted": 1, "unasked": 1}


@pytest.mark.parametrize(("known", "problems"), [(True, {}), (False, {"wrongly_accepted": 1})])
def test_a_reused_id_cannot_be_told_in_the_spool(
    history: History, known: bool, problems: dict[str, int]
) -> None:
    if known:
        history.sent("a")
        history.commit("a")
    n = len(history.journal) + 1
    history.journal += [
        Sent(n, "a", "c", must_refuse=True),
        Receipted(n + 1, n, "a", "spooled"),
    ]
    assert history.problems() == problems


def test_a_good_message_refused(history: History) -> None:
    history.journal += [Sent(1, "a", "c"), Refused(2, 1, "invalid_input")]
    assert history.problems() == {"wrongly_refused": 1}


def test_a_refused_twin_does_not_touch_the_message_of_that_id(history: History) -> None:
    history.sent("a")
    history.journal += [Sent(3, "a", "c", must_refuse=True), Refused(4, 3, "message_id_reused")]
    history.commit("a")
    assert history.problems() == {}


# -- the log itself ----------------------------------------------------------------------------


def test_an_event_nobody_asked_for(history: History) -> None:
    history.commit("a")
    assert history.problems() == {"unasked": 1}


@pytest.mark.parametrize("seqs", [[1, 3], [1, 1], [2]])
def test_events_must_count_from_one_without_gaps(history: History, seqs: list[int]) -> None:
    history.events = [
        Logged(position=place, conversation_id="c", seq=seq, kind="note")
        for place, seq in enumerate(seqs, 1)
    ]
    assert history.problems() == {"log_broken": 1}


def test_positions_must_grow_with_the_events(history: History) -> None:
    history.events = [
        Logged(position=2, conversation_id="c", seq=1, kind="note"),
        Logged(position=1, conversation_id="c", seq=2, kind="note"),
    ]
    assert history.problems() == {"log_broken": 1}


def test_a_turn_whose_state_was_lost(history: History) -> None:
    history.sent("a", "b")
    history.commit("a", "b")
    history.events[-1] = replace(history.events[-1], count=1)
    assert history.problems() == {"state_broken": 1}


@pytest.mark.parametrize(("fired", "problems"), [(0, 1), (1, 0), (2, 1)])
def test_a_timer_fires_once(history: History, fired: int, problems: int) -> None:
    history.journal += [Sent(1, "a", "c", timers=1), Receipted(2, 1, "a", "stored")]
    history.commit("a")
    for _ in range(fired):
        history.event("timer_fired", timer_of="a")
    assert history.verdict().timers_broken == problems


def test_a_dead_letter_sets_no_timer(history: History) -> None:
    history.journal += [Sent(1, "a", "c", timers=1), Receipted(2, 1, "a", "stored")]
    history.dead.append(Dead("a", "c"))
    assert history.problems() == {}


def test_examples_are_few_and_counts_are_whole(history: History) -> None:
    history.sent(*(f"m{number}" for number in range(50)))
    verdict = history.verdict()
    assert verdict.lost == 50
    assert len(verdict.examples["lost"]) == 10


# -- any legal history is accepted, any damage to it is found ----------------------------------


def legal_history(seed: int) -> History:
    """A random client against a right server: repeats, streams, gaps, dead letters, silence.

    The server model takes messages in the order of their first storing; those of a stream wait
    for the numbers before them, or until their gap is given up.
    """
    chance = random.Random(seed)
    history = History()
    conversations = [f"c{number}" for number in range(chance.randint(1, 4))]
    numbers: dict[tuple[str, str], int] = {}
    unsent: list[tuple[str, str, str | None, int | None]] = []
    for index in range(chance.randint(1, 40)):
        to = chance.choice(conversations)
        if chance.random() < 0.5:
            stream = chance.choice("st")
            number = numbers.get((to, stream), -1) + 1
            numbers[to, stream] = number
            unsent.append((f"m{index}", to, stream, number))
        else:
            unsent.append((f"m{index}", to, None, None))
    stored: dict[str, tuple[str, str, str | None, int | None]] = {}
    waiting: list[tuple[str, str, str | None, int | None]] = []
    expected: dict[tuple[str, str], int] = {}
    under_way: list[str] = []

    def handle(give_up: bool) -> None:
        progress = True
        while progress:
            progress = False
            for message in list(waiting):
                name, to, stream, number = message
                late = False
                if stream is not None and number is not None:
                    wanted = expected.get((to, stream), 0)
                    if number > wanted and not give_up:
                        continue
                    late = number < wanted
                    if number > wanted:  # the gap of the lowest held number is given up
                        held = [one for one in waiting if one[1:3] == (to, stream)]
                        if min(one[3] or 0 for one in held) < number:
                            continue
                    if not late:
                        expected[to, stream] = number + 1
                waiting.remove(message)
                if chance.random() < 0.1:
                    history.dead.append(Dead(name, to))
                else:
                    history.commit(name, to=to, late=late)
                progress = True
                break

    while unsent or under_way:
        step = chance.random()
        if unsent and step < 0.5:
            place = chance.randrange(min(2, len(unsent)))
            message = unsent.pop(place)
            history.send(message[0], to=message[1], stream=message[2], number=message[3])
            if chance.random() < 0.9:
                stored[message[0]] = message
                waiting.append(message)
                under_way.append(message[0])
        elif under_way:
            name = chance.choice(under_way)
            if chance.random() < 0.2:
                _, to, stream, number = stored[name]
                history.send(name, to=to, stream=stream, number=number)
            else:
                under_way.remove(name)
                history.receipt(name, status=chance.choice(["stored", "spooled", "duplicate"]))
        if chance.random() < 0.4:
            handle(give_up=chance.random() < 0.3)
        if history.events and chance.random() < 0.2:
            replies = [event.reply_id for event in history.events if event.reply_id]
            if replies:
                history.receive(chance.choice(replies))
    handle(give_up=True)
    return history


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_a_legal_history_is_never_accused(seed: int) -> None:
    history = legal_history(seed)
    verdict = history.verdict()
    assert verdict.problems == {}, verdict.examples


def _lose(history: History, chance: random.Random) -> str | None:
    receipted = {one.message_id for one in history.journal if isinstance(one, Receipted)}
    found = [event.message_id for event in history.events if event.message_id in receipted]
    if not found:
        return None
    victim = chance.choice(found)
    history.events = [
        event for event in history.events if victim not in (event.message_id, event.about)
    ]
    return "lost"


def _double(history: History, chance: random.Random) -> str | None:
    found = [event for event in history.events if event.message_id]
    if not found:
        return None
    victim = chance.choice(found)
    history.event(
        "message", victim.conversation_id, turn_id=victim.turn_id, message_id=victim.message_id
    )
    return "doubled"


def _answer_again(history: History, chance: random.Random) -> str | None:
    found = [event for event in history.events if event.reply_id]
    if not found:
        return None
    victim = chance.choice(found)
    history.event(
        "reply",
        victim.conversation_id,
        turn_id=victim.turn_id,
        reply_id="another",
        about=victim.about,
    )
    return "replies_doubled"


def _swap(history: History, chance: random.Random) -> str | None:
    """Swaps two messages whose order the client could know."""
    first = {}
    receipted = {}
    for record in history.journal:
        if isinstance(record, Sent):
            first.setdefault(record.message_id, record)
        elif isinstance(record, Receipted):
            receipted.setdefault(record.message_id, record.n)
    messages = [place for place, event in enumerate(history.events) if event.message_id]
    pairs = [
        (one, two)
        for one in messages
        for two in messages
        if one < two
        and history.events[one].conversation_id == history.events[two].conversation_id
        and first[history.events[one].message_id].stream is None
        and first[history.events[two].message_id].stream is None
        and receipted.get(history.events[one].message_id, 10**9)
        < first[history.events[two].message_id].n
    ]
    if not pairs:
        return None
    one, two = chance.choice(pairs)
    a, b = history.events[one], history.events[two]
    history.events[one] = replace(a, message_id=b.message_id, turn_id=b.turn_id)
    history.events[two] = replace(b, message_id=a.message_id, turn_id=a.turn_id)
    return "inverted"


@pytest.mark.parametrize("damage", [_lose, _double, _answer_again, _swap])
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damage_is_found(damage: Callable[[History, random.Random], str | None], seed: int) -> None:
    history = legal_history(seed)
    expected = damage(history, random.Random(seed))
    if expected is not None:
        assert expected in history.problems()
