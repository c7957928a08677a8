"""A language model's summary is held against its source, and the extractive one steps in."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from colloquy.context.compress import Compressed, Options, SummarySentence, compress
from colloquy.context.lines import Line

START = 1_795_255_200_000_000
LINES = [
    Line(1, "visitor", "The rent is €1,450 a month and I am not allergic to cats.", START),
    *(
        Line(seq, "visitor", "That sounds good to me, it is a lovely place.", START + seq)
        for seq in range(2, 120)
    ),
]
OPTIONS = Options(max_context=200, strategy="rolling_summary")


def summarised(text: str, seqs: tuple[int, ...] = (1,)) -> Compressed:
    def summarise(lines: Sequence[Line]) -> list[SummarySentence]:
        assert lines[0].seq == 1
        return [SummarySentence(text, seqs)]

    return compress(LINES, OPTIONS, summarise=summarise)


def test_a_true_summary_is_taken() -> None:
    form = summarised("The visitor pays €1,450 and is not allergic to cats.")
    assert form.by_model
    assert form.attempts[0].problem == ""
    assert form.summary[0].text == "The visitor pays €1,450 and is not allergic to cats."


@pytest.mark.parametrize(
    ("text", "seqs", "kind"),
    [
        ("The visitor pays €1,540.", (1,), "money"),
        ("The visitor is allergic to cats.", (1,), "negation"),
        ("The visitor comes on Friday.", (1,), "date"),
        ("The visitor met Maria Garcia.", (1,), "name"),
        ("The visitor does not like the place.", (2,), "negation"),
        ("The visitor pays €1,450.", (999,), "source"),
    ],
)
def test_a_summary_that_contradicts_is_not(text: str, seqs: tuple[int, ...], kind: str) -> None:
    form = summarised(text, seqs)
    assert not form.by_model
    assert form.strategy == "rolling_summary"
    assert f"({kind})" in form.attempts[0].problem
    assert form.validation.contradictions == ()


def test_a_summary_that_leaves_facts_out_gets_them_beside_it() -> None:
    form = summarised("It is a lovely place.", (2,))
    assert form.by_model
    assert form.validation.lost == ()
    assert any(one.facts and "1,450" in one.text for one in form.summary)


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_summary_is_none(text: str) -> None:
    form = summarised(text)
    assert not form.by_model
    assert form.attempts[0].problem == "the model gave no summary"


def test_a_model_that_raises_is_recorded_and_replaced() -> None:
    def summarise(lines: Sequence[Line]) -> list[SummarySentence]:
        raise RuntimeError("no answer")

    form = compress(LINES, OPTIONS, summarise=summarise)
    assert [attempt.by_model for attempt in form.attempts] == [True, False]
    assert form.validation.lost == ()


def test_a_form_that_lost_too_much_makes_way_for_gentler_ones() -> None:
    lines = [
        Line(seq, "visitor", f"Call Mr Miller{seq} about house {seq}.", START + seq)
        for seq in range(1, 60)
    ]
    form = compress(lines, Options(max_context=60, strategy="key_messages", strict=False))
    assert [attempt.strategy for attempt in form.attempts] == ["key_messages", "sliding_window"]
    assert all(attempt.problem.endswith("facts lost") for attempt in form.attempts)
    assert form.validation.score == max(attempt.score for attempt in form.attempts)
