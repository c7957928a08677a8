"""The flow of a conversation: what is open, what was said again, what changed, what escalates."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.model.understanding import ACTS, EMOTIONS, Cues, Emotion, Entity, Flow, Understanding
from colloquy.understanding.flow.cues import cues_of, cues_of_text
from colloquy.understanding.flow.flow import FlowState, step
from colloquy.understanding.intent import tokens_of

MINUTE = 60_000_000

Line = tuple[str, str] | tuple[str, str, Understanding]


def told(*lines: Line, gap_us: int = MINUTE) -> list[Flow]:
    """The flow of each line: ("a" or "b", text, what was understood); "a" is the peer."""
    state, flows = FlowState(), []
    for number, (side, text, *understood) in enumerate(lines):
        found = understood[0] if understood else Understanding()
        state, flow = step(
            state, cues_of(tokens_of(text), found), f"m{number}", number * gap_us, side == "a"
        )
        flows.append(flow)
    return flows


def test_a_question_is_open_until_the_other_side_answers() -> None:
    asked, waited, answered = told(
        ("a", "Is the flat in Rosenweg available?"),
        ("a", "I am in a meeting"),
        ("b", "The flat is available from May"),
    )
    assert asked.open_questions == ["m0"]
    assert waited.open_questions == ["m0"]
    assert waited.answers is None
    assert (answered.open_questions, answered.answers) == ([], "m0")


def test_our_questions_are_open_too() -> None:
    flows = told(("b", "When do you want to come?"), ("a", "On Friday afternoon"))
    assert flows[0].open_questions == ["m0"]
    assert (flows[1].open_questions, flows[1].answers) == ([], "m0")


def test_a_plain_yes_answers_the_newest_question() -> None:
    flows = told(
        ("b", "What is your surname?"), ("b", "Shall I book the room for Friday?"), ("a", "yes")
    )
    assert flows[2].answers == "m1"
    assert flows[2].open_questions == ["m0"]


def test_words_in_common_answer_an_older_question() -> None:
    flows = told(
        ("a", "How big is the garden?"),
        ("a", "And is parking included?"),
        ("b", "The garden has 200 square metres"),
    )
    assert flows[2].answers == "m0"
    assert flows[2].open_questions == ["m1"]


def test_an_entity_of_the_kind_that_was_asked_for_answers() -> None:
    phone = Understanding(entities=[Entity("phone", 0, 12, "030 1234567")])
    flows = told(
        ("b", "Which phone number can we call?"),
        ("b", "What is your name?"),
        ("a", "030 1234567", phone),
    )
    assert flows[2].answers == "m0"


def test_a_question_in_return_does_not_answer() -> None:
    flows = told(("a", "Can you correct my invoice?"), ("b", "Which order was that?"))
    assert flows[1].answers is None
    assert flows[1].open_questions == ["m0", "m1"]


def test_a_greeting_does_not_answer() -> None:
    assert told(("a", "Is there a lift?"), ("b", "Hello!"))[1].open_questions == ["m0"]


def test_a_reply_to_a_question_answers_it_whatever_it_says() -> None:
    state, _ = step(FlowState(), cues_of_text("Is there a lift?"), "q", 0, True)
    _, flow = step(state, cues_of_text("hm"), "r", MINUTE, False, reply_to="q")
    assert flow.answers == "q"


def test_the_same_wish_again_is_a_repeat_and_replaces_the_first() -> None:
    first, again, third = told(
        ("a", "Please send me the contract for the garage"),
        ("a", "please send the contract for the garage!"),
        ("a", "Where is the contract for the garage?"),
    )
    assert first.repeated is None
    assert again.repeated == "m0"
    assert third.repeated == "m1"
    assert third.open_questions == ["m2"]
    assert "repeat" in again.signals
    assert third.escalation > again.escalation > first.escalation


def test_the_same_wish_for_another_day_is_no_repeat() -> None:
    def on(day: str) -> Understanding:
        return Understanding(intent="book_table", entities=[Entity("date", 0, 1, day, value=day)])

    flows = told(
        ("a", "Book a table for Friday", on("2026-05-01")),
        ("a", "Book a table for Saturday", on("2026-05-02")),
    )
    assert flows[1].repeated is None


def test_a_new_subject_shifts_and_an_answer_does_not() -> None:
    flows = told(
        ("a", "Is the flat in Rosenweg available?"),
        ("b", "The flat is available, when would you come?"),
        ("a", "Tuesday morning suits"),
        ("a", "My invoice from last month shows a wrong amount, please correct it"),
        ("a", "ok"),
    )
    assert [flow.shift > 0.5 for flow in flows] == [False, False, False, True, False]


def test_pace_follows_the_pauses_of_the_peer() -> None:
    lines = [("a", "hello there")] * 4
    assert told(*lines, gap_us=2_000_000)[-1].pace == "fast"
    assert told(*lines)[-1].pace == "steady"
    assert told(*lines, gap_us=3600_000_000)[-1].pace == "slow"


def test_each_signal_of_escalation_has_a_name() -> None:
    angry = Understanding(polarity=-0.9, emotion=Emotion(label="anger", intensity=1.0))
    flow = told(("a", "this is a disgrace", angry))[0]
    assert flow.signals == ["negative_trend", "anger"]
    assert told(("a", "there is a leak", Understanding(urgent=True)))[0].signals == ["urgency"]
    assert told(("a", "I want to talk to a human"))[0].signals == ["asks_for_human"]
    questions = told(
        ("a", "Is there a lift?"), ("a", "Are pets allowed?"), ("a", "Where is the cellar?"),
        ("a", "Who cleans the stairs?"),
    )  # fmt: skip
    assert "unanswered" in questions[3].signals


def test_thanks_calm() -> None:
    angry = Understanding(emotion=Emotion(label="anger", intensity=1.0))
    upset, other = ("a", "this is a disgrace", angry), ("a", "the door is blue")
    assert told(upset, ("a", "thanks a lot"))[1].escalation < told(upset, other)[1].escalation


def test_our_own_words_do_not_escalate() -> None:
    angry = Understanding(polarity=-0.9, emotion=Emotion(label="anger", intensity=1.0))
    assert told(("b", "this is a disgrace", angry))[0].escalation == 0.0


WORDS = st.text("abcdefghijklmnopqrstuvwxyzäß漢", min_size=1, max_size=20)
CUES = st.builds(
    Cues,
    act=st.sampled_from(ACTS),
    asks=st.booleans(),
    topic=st.lists(WORDS.map(lambda word: word[:8]), max_size=12),
    entities=st.lists(st.builds("{}:{}".format, WORDS, WORDS), max_size=8),
    intent=st.none() | st.text(max_size=80),
    emotion=st.sampled_from(EMOTIONS),
    intensity=st.floats(0, 1),
    polarity=st.floats(-1, 1),
    urgent=st.booleans(),
    words=st.integers(0, 300),
)
STEPS = st.lists(
    st.tuples(CUES, st.integers(0, 2**50), st.booleans(), st.none() | st.text(max_size=40)),
    max_size=15,
)


@settings(max_examples=60)
@given(STEPS)
def test_whatever_is_said_the_state_is_small_and_the_flow_in_range(
    steps: Iterable[tuple[Cues, int, bool, str | None]],
) -> None:
    state = FlowState()
    for number, (cues, at, peer, reply_to) in enumerate(steps):
        before = msgspec.json.encode(state)
        again = step(state, cues, f"{number:032x}", at, peer, reply_to)
        state, flow = step(state, cues, f"{number:032x}", at, peer, reply_to)
        assert (state, flow) == again
        assert msgspec.json.encode(again[0]) != before or number == 0
        assert 0.0 <= flow.shift <= 1.0
        assert 0.0 <= flow.escalation <= 1.0
        encoded = msgspec.json.encode(state)
        assert len(encoded) < 4096
        assert msgspec.json.decode(encoded, type=FlowState) == state
