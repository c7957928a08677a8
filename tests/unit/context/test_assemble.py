"""One context out of many sources, within its budget, with everything that must be in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.context.assemble import PER_ITEM, Found, Known, Sources, Summary, assemble
from colloquy.context.lines import Line
from colloquy.model.context import ITEM_KINDS, record_of
from colloquy.model.errors import BudgetTooSmall, InvalidInput


class Words:
    """Counts words, so that figures in tests can be read."""

    name = "words"

    def count(self, text: str) -> int:
        return len(text.split())


def line(seq: int, words: int = 1, **fields: object) -> Line:
    return Line(seq, "visitor", " ".join(["word"] * words), seq * 1_000_000, **fields)  # type: ignore[arg-type]


MESSAGE = line(100, 5)


def test_all_kinds_in_the_order_of_reading() -> None:
    sources = Sources(
        MESSAGE,
        recent=[line(98), line(99)],
        questions=[line(90)],
        pinned=[Known("no cats", "message:3")],
        recalled=[Found(line(40), 2.0), Found(line(20), 1.0)],
        thread=[line(80), line(98)],
        summary=[Summary("They met.", (1, 2)), Summary("It is said here.", (98, 99))],
        profile=[Known("name: Ann", "fact:ann|name")],
        feeling="calm",
        facts=[Known("status: free", "fact:flat|status", 5)],
        commitments=[Known("call back on Friday", "fact:c|text")],
        off=["graph"],
    )
    found = assemble(sources, 200, Words())
    kinds = [item.kind for item in found.items]
    assert kinds == sorted(kinds, key=ITEM_KINDS.index) and set(kinds) == set(ITEM_KINDS)
    assert [item.source for item in found.of("recalled")] == ["event:20", "event:40"]
    assert [item.source for item in found.of("thread")] == ["event:80"], "98 is there already"
    assert [item.source for item in found.of("summary")] == ["event:1,event:2"]
    assert found.items[-1].source == "event:100" and found.position == 100
    assert found.tokens == sum(item.tokens for item in found.items)
    assert {item.kind for item in found.items if item.must} == {
        "pinned", "question", "commitment", "message",
    }  # fmt: skip
    assert (found.left_out, found.off) == ({}, ["graph"])
    record = record_of(found)
    assert [one.source for one in record.sources] == [item.source for item in found.items]
    assert not hasattr(record.sources[0], "text")


def test_recent_and_recalled_lines_share_what_is_left() -> None:
    sources = Sources(
        MESSAGE,
        recent=[line(seq) for seq in range(80, 100)],
        recalled=[Found(line(seq), float(seq)) for seq in range(30, 10, -1)],
    )
    budget = 5 + PER_ITEM + 10 * (1 + PER_ITEM)
    found = assemble(sources, budget, Words())
    assert [item.source for item in found.of("recent")] == [f"event:{n}" for n in range(93, 100)]
    assert [item.source for item in found.of("recalled")] == [f"event:{n}" for n in (28, 29, 30)]
    assert found.tokens == budget
    assert found.left_out == {"recent": 13, "recalled": 17}


def test_a_call_and_its_result_stay_together() -> None:
    call = line(97, 2, kind="call", pair="t1")
    result = line(98, 30, kind="result", pair="t1")
    recent = [call, result, line(99)]
    both = assemble(Sources(MESSAGE, recent=recent), 200, Words())
    assert [item.source for item in both.of("recent")] == ["event:97", "event:98", "event:99"]
    neither = assemble(Sources(MESSAGE, recent=recent), 30, Words())
    assert [item.source for item in neither.of("recent")] == ["event:99"]
    assert neither.left_out == {"recent": 2}
    asked = assemble(Sources(MESSAGE, recent=recent, questions=[result]), 200, Words())
    assert [item.source for item in asked.of("question")] == ["event:97", "event:98"]


def test_a_line_brings_its_partner_from_beside() -> None:
    call = line(60, 2, kind="call", pair="t1")
    result = line(61, 3, kind="result", pair="t1")
    stranger = line(50, kind="call", pair="t0")
    beside = [stranger, call, result]
    recent = assemble(Sources(MESSAGE, recent=[result, line(99)], beside=beside), 200, Words())
    assert [item.source for item in recent.of("recent")] == ["event:60", "event:61", "event:99"]
    found = Sources(MESSAGE, recalled=[Found(call, 1.0)], beside=beside)
    recalled = assemble(found, 200, Words())
    assert [item.source for item in recalled.of("recalled")] == ["event:60", "event:61"]
    assert (recalled.items[0].calls, recalled.items[1].answers) == ("t1", "t1")


def test_a_budget_that_is_too_small_says_by_how_much() -> None:
    sources = Sources(
        MESSAGE,
        pinned=[Known("word " * 20, "message:1")],
        commitments=[Known("three words here", "x")],
    )
    needed = 5 + 20 + 3 + 3 * PER_ITEM
    assert assemble(sources, needed, Words()).tokens == needed
    with pytest.raises(BudgetTooSmall) as caught:
        assemble(sources, needed - 7, Words())
    assert (caught.value.missing, caught.value.code) == (7, "context_budget")
    assert "7 too few" in caught.value.detail


def test_the_summary_stands_for_lines_that_did_not_fit() -> None:
    sources = Sources(MESSAGE, recent=[line(99, 50)], summary=[Summary("A long line.", (99,))])
    found = assemble(sources, 30, Words())
    assert ([item.kind for item in found.items], found.left_out) == (
        ["summary", "message"],
        {"recent": 1},
    )


@pytest.mark.parametrize("budget", [15, 0, -1, 1_000_001])
def test_a_budget_out_of_bounds_is_refused(budget: int) -> None:
    with pytest.raises(InvalidInput, match="tokens"):
        assemble(Sources(MESSAGE), budget, Words())


some_lines = st.lists(
    st.builds(
        lambda seq, words, pair: line(seq, words, pair=pair, kind="call" if pair else "said"),
        st.integers(1, 99),
        st.integers(0, 30),
        st.sampled_from(["", "", "", "a", "b"]),
    ),
    max_size=12,
    unique_by=lambda one: one.seq,
).map(lambda lines: sorted(lines, key=lambda one: one.seq))


@given(
    recent=some_lines,
    questions=some_lines,
    recalled=some_lines,
    budget=st.integers(16, 600),
)
def test_what_must_be_in_is_in_and_the_budget_holds(
    recent: list[Line],
    questions: list[Line],
    recalled: list[Line],
    budget: int,
) -> None:
    every: dict[int, Line] = {}
    for one in (*recalled, *recent, *questions):
        every[one.seq] = one
    pick = [[every[one.seq] for one in part] for part in (recent, questions, recalled)]
    sources = Sources(
        MESSAGE,
        recent=pick[0],
        questions=pick[1],
        pinned=[Known("pinned", "message:1")],
        recalled=[Found(one, 1.0) for one in pick[2]],
    )
    try:
        found = assemble(sources, budget, Words())
    except BudgetTooSmall as error:
        assert error.missing > 0
        assert assemble(sources, budget + error.missing, Words()).tokens == budget + error.missing
        return
    taken = [item.source for item in found.items]
    assert len(taken) == len(set(taken)), "nothing twice"
    assert found.tokens <= budget
    assert {"message:1", *(f"event:{one.seq}" for one in pick[1])} <= set(taken)
    for pair in ("a", "b"):
        group = {f"event:{one.seq}" for one in every.values() if one.pair == pair}
        assert group <= set(taken) or not group & set(taken)
    for kind in ("recent", "recalled"):
        seqs = [int(item.source.removeprefix("event:")) for item in found.of(kind)]
        assert seqs == sorted(seqs)


def test_secrets_stay_out() -> None:
    told = "my password is hunter2"
    said = line(99)._replace(text=told)
    sources = Sources(
        MESSAGE._replace(text=told), recent=[said], facts=[Known(f"note {told}", "fact:ann|note")]
    )
    found = assemble(sources, 200, Words())
    assert {item.text for item in found.of("recent", "message")} == {"my password is [password]"}
    assert "hunter2" not in str(found)
