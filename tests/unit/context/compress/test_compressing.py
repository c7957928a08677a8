"""Compression: what is kept, what is refused, and that nothing said is turned round."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.context.compress import (
    STRATEGIES,
    Compressed,
    Options,
    Rolling,
    Rule,
    Strategy,
    SummarySentence,
    advance,
    advance_read,
    compress,
    decode_rolling,
    encode_rolling,
    validate,
)
from colloquy.context.compress.reading import read
from colloquy.context.lines import Line
from colloquy.context.tokens import EstimatedTokens
from colloquy.model.errors import BudgetTooSmall, Conflict, InvalidInput
from support.told import START, conversations, talk

COUNTER = EstimatedTokens()
EXTRACTIVE = STRATEGIES[1:]


def tokens_of(lines: list[Line]) -> int:
    return sum(COUNTER.count(line.text) for line in lines)


def forced(lines: list[Line], strategy: Strategy, budget: int, **options: object) -> Compressed:
    return compress(lines, Options(strategy=strategy, max_context=budget, **options))


@settings(max_examples=40)
@given(conversations(), st.sampled_from(EXTRACTIVE), st.integers(1, 400))
def test_what_must_survive_does_or_the_budget_is_refused(
    lines: list[Line], strategy: Strategy, budget: int
) -> None:
    try:
        form = forced(lines, strategy, budget, min_score=0.0)
    except BudgetTooSmall as error:
        assert error.missing > 0
        # As much more is enough.
        assert forced(lines, strategy, budget + error.missing).tokens <= budget + error.missing
        return
    assert form.tokens <= budget
    found = validate(lines, form.kept, form.summary)
    assert not found.lost
    assert not found.contradictions
    assert {line.seq for line in lines if line.pinned} <= {line.seq for line in form.kept}


@settings(max_examples=40)
@given(conversations(), st.sampled_from(EXTRACTIVE), st.integers(1, 400))
def test_lines_keep_their_order_and_their_words(
    lines: list[Line], strategy: Strategy, budget: int
) -> None:
    try:
        form = forced(lines, strategy, budget, strict=False)
    except BudgetTooSmall:
        return
    seqs = [line.seq for line in form.kept]
    assert seqs == sorted(set(seqs))
    assert sorted(seqs + list(form.dropped)) == [line.seq for line in lines]
    firsts = [sentence.seqs[0] for sentence in form.summary]
    assert firsts == sorted(firsts)
    texts = {line.seq: line.text for line in lines}
    for sentence in form.summary:
        parts = sentence.text.split("; ") if sentence.facts else [sentence.text]
        assert all(part in texts[sentence.seqs[0]] for part in parts)
    assert not validate(lines, form.kept, form.summary).contradictions


@settings(max_examples=40)
@given(conversations(), st.integers(1, 400))
def test_a_call_and_its_result_stay_together(lines: list[Line], budget: int) -> None:
    try:
        form = compress(lines, Options(strict=False, max_context=budget))
    except BudgetTooSmall:
        return
    kept = {line.seq for line in form.kept}
    for line in lines:
        if line.pair:
            together = {other.seq for other in lines if other.pair == line.pair}
            assert together <= kept or not together & kept


@settings(max_examples=40)
@given(conversations(), st.integers(0, 40), st.sampled_from(EXTRACTIVE))
def test_line_by_line_is_the_same_as_all_at_once(
    lines: list[Line], cut: int, strategy: Strategy
) -> None:
    state = Rolling()
    for line in lines[:cut]:
        state = advance(state, line, COUNTER)
    state = decode_rolling(encode_rolling(state))
    state = advance_read(state, [read(line, COUNTER) for line in lines[cut:]], COUNTER)
    whole = advance_read(Rolling(), [read(line, COUNTER) for line in lines], COUNTER)
    assert state == whole
    options = Options(strategy=strategy, strict=False, max_context=5000)
    assert compress(lines, options, state=state) == compress(lines, options)


def test_a_conversation_that_fits_is_left_alone() -> None:
    lines = talk("Hello", "Hello, how can I help?")
    form = compress(lines)
    assert form.strategy == "none"
    assert (form.kept, form.summary, form.ratio) == (tuple(lines), (), 1.0)


def test_a_long_conversation_is_cut_to_its_budget() -> None:
    lines = talk(*["The flat has three bedrooms and a balcony."] * 200)
    form = compress(lines, Options(max_context=300))
    assert form.tokens <= 300
    assert form.source_tokens > 1500
    assert lines[-1] in form.kept
    assert form.attempts[-1].problem == ""


def test_an_old_fact_outlives_its_line() -> None:
    lines = talk("My reference is AB-12345.", *["That sounds good to me."] * 100)
    form = forced(lines, "sliding_window", 100)
    assert 1 in form.dropped
    assert SummarySentence("AB-12345", (1,), facts=True) in form.summary


def test_too_small_a_budget_says_by_how_much() -> None:
    lines = talk("My reference is AB-12345.", "The rent is €1,450 a month.")
    with pytest.raises(BudgetTooSmall) as raised:
        forced(lines, "sliding_window", 4)
    assert forced(lines, "sliding_window", 4 + raised.value.missing).validation.lost == ()


def test_facts_may_be_given_up_and_are_named() -> None:
    texts = [f"Call Mr Miller{number} about house {number}." for number in range(50)]
    lines = talk("We will repay €900.", *texts)
    form = forced(lines, "sliding_window", 60, strict=False)
    assert form.tokens <= 60
    assert form.validation.score < 0.7
    assert "name:miller3" in form.validation.lost
    assert not any(key.startswith("money") for key in form.validation.lost)


def test_an_open_question_is_kept_and_an_answered_one_is_not() -> None:
    question = "Is there a lift in the house?"
    chat = ["That sounds good to me."] * 60
    answered = talk(question, "Yes, there is.", *chat)
    assert question not in [one.text for one in forced(answered, "sliding_window", 60).summary]
    lines = talk(*["ok"] * 20)
    waiting = [Line(0, "visitor", question, START)]
    for seq in range(1, 21):
        waiting.append(lines[seq - 1]._replace(role="visitor"))
    waiting = [line._replace(seq=place) for place, line in enumerate(waiting, 1)]
    form = forced(waiting, "sliding_window", 14)
    assert question in [one.text for one in form.summary] + [one.text for one in form.kept]


def test_a_state_of_another_position_is_refused() -> None:
    lines = talk("Hello", "Hello, how can I help?", "ok")
    state = advance_read(Rolling(), [read(line, COUNTER) for line in lines[:2]], COUNTER)
    with pytest.raises(Conflict):
        compress(lines, state=state)


def test_a_line_twice_is_refused() -> None:
    lines = talk("Hello")
    state = advance(Rolling(), lines[0], COUNTER)
    with pytest.raises(Conflict):
        advance(state, lines[0], COUNTER)


def test_a_state_of_another_counter_is_refused() -> None:
    class Letters:
        name = "letters"

        def count(self, text: str) -> int:
            return len(text)

    lines = talk("Hello", "Hello, how can I help?")
    with pytest.raises(Conflict):
        advance(advance(Rolling(), lines[0], COUNTER), lines[1], Letters())


def test_a_damaged_state_is_refused_and_an_old_one_begins_anew() -> None:
    with pytest.raises(InvalidInput):
        decode_rolling(b"\x00\x01")
    assert decode_rolling(encode_rolling(Rolling(version=0, lines=7))) == Rolling()
    assert decode_rolling(None) == Rolling()


def test_a_state_is_bounded() -> None:
    texts = [f"Miss Parker{number} pays €{number} for house {number}." for number in range(3000)]
    reads = [read(line, COUNTER) for line in talk(*texts)]
    half = advance_read(Rolling(), reads[:2000], COUNTER)
    whole = advance_read(half, reads[2000:], COUNTER)
    assert whole.forgotten > half.forgotten > 0
    assert len(encode_rolling(whole)) < 1.1 * len(encode_rolling(half))


@pytest.mark.parametrize("budget", [0, -3])
def test_an_impossible_budget_is_refused(budget: int) -> None:
    with pytest.raises(InvalidInput):
        compress(talk("Hello"), budget=budget)


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no strategy"):
        Options(strategy="magic")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="no strategy"):
        Options(rules=(Rule("semantic", 0.5, "magic"),))  # type: ignore[arg-type]


def test_nothing_is_compressed_to_nothing() -> None:
    form = compress([])
    assert (form.kept, form.tokens, form.ratio, form.validation.score) == ((), 0, 1.0, 1.0)
