"""An index that is kept in stretches and taken up again is the index that was kept."""

from __future__ import annotations

import pytest

from colloquy.context.lines import Line
from colloquy.context.recall import Filters, RecallIndex, Vocabulary
from colloquy.context.recall.stretches import LINES, decode_stretch
from colloquy.model.errors import InvalidInput
from colloquy.proof.conversations import made_up

NOW = 1_800_000_000_000_000
ASKED = (
    "What is the deposit?",
    "What did Ann say about the heating on Monday?",
    "and the reference",
)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    """As a log gives them: not each event is a line, and some have threads and names."""
    return [
        line._replace(
            seq=3 * line.seq,
            thread=f"t{line.seq // 50}" if line.seq % 3 else None,
            speaker="Ann Lee" if line.role == "visitor" else "",
        )
        for line in made_up(4 * LINES, seed=3)
    ]


def kept(index: RecallIndex, numbers: range) -> list[tuple[int, bytes]]:
    return [index.stretch(number) for number in numbers]


def same(one: RecallIndex, other: RecallIndex) -> None:
    assert (len(one), one.last_seq, one.stretches) == (len(other), other.last_seq, other.stretches)
    for text in ASKED:
        found = one.search(text, 50, now=NOW)
        assert found == other.search(text, 50, now=NOW)
        assert found
    bounded = Filters(thread="t2", roles=frozenset({"visitor"}))
    found = one.search(ASKED[0], 50, now=NOW, filters=bounded)
    assert found == other.search(ASKED[0], 50, now=NOW, filters=bounded)
    assert found


def test_what_was_kept_and_what_came_since_are_the_whole(
    vocabulary: Vocabulary, lines: list[Line]
) -> None:
    whole, again = RecallIndex(vocabulary), RecallIndex(vocabulary)
    whole.add(lines[:-40])
    assert whole.stretches == 3
    parts = kept(whole, range(1, 4))
    assert [position for position, _ in parts] == [3 * LINES * number for number in (1, 2, 3)]
    again.take(1, [decode_stretch(data) for _, data in parts])
    again.add(lines[:-40])
    same(whole, again)
    for line in lines[-40:]:
        whole.add([line])
    again.add(lines[-40:])
    same(whole, again)


def test_who_makes_a_stretch_makes_the_same(vocabulary: Vocabulary, lines: list[Line]) -> None:
    at_once, one_by_one = RecallIndex(vocabulary), RecallIndex(vocabulary)
    at_once.add(lines)
    for line in lines:
        one_by_one.add([line])
    again = RecallIndex(vocabulary)
    again.take(1, [decode_stretch(data) for _, data in kept(at_once, range(1, 5))])
    assert kept(at_once, range(1, 5)) == kept(one_by_one, range(1, 5)) == kept(again, range(1, 5))


def test_numbers_go_on_where_lines_were_forgotten(
    vocabulary: Vocabulary, lines: list[Line]
) -> None:
    whole, short = RecallIndex(vocabulary), RecallIndex(vocabulary, max_lines=3 * LINES)
    whole.add(lines)
    for start in range(0, len(lines), 100):
        short.add(lines[start : start + 100])
    assert len(short) < 3 * LINES
    assert short.stretches == whole.stretches == 4
    assert short.stretch(4)[0] == whole.stretch(4)[0]
    with pytest.raises(LookupError):
        short.stretch(1)
    with pytest.raises(LookupError):
        whole.stretch(5)


def test_the_newest_stretches_do_alone(vocabulary: Vocabulary, lines: list[Line]) -> None:
    whole, newest = RecallIndex(vocabulary), RecallIndex(vocabulary)
    whole.add(lines)
    newest.take(3, [decode_stretch(data) for _, data in kept(whole, range(3, 5))])
    assert (len(newest), newest.stretches) == (2 * LINES, 4)
    found = newest.search(lines[-1].text, 3, now=NOW)
    assert found[0].seq == whole.search(lines[-1].text, 1, now=NOW)[0].seq
    assert newest.stretch(4) == whole.stretch(4)


def test_it_takes_little(vocabulary: Vocabulary, lines: list[Line]) -> None:
    index = RecallIndex(vocabulary)
    index.add(lines)
    assert len(index.stretch(2)[1]) < 300 * LINES


@pytest.mark.parametrize("cut", [0, 1, 40, 5000, -1])
def test_what_is_damaged_is_refused(vocabulary: Vocabulary, lines: list[Line], cut: int) -> None:
    index = RecallIndex(vocabulary)
    index.add(lines)
    with pytest.raises(InvalidInput):
        decode_stretch(index.stretch(1)[1][:cut])


def test_columns_that_do_not_fit_are_refused(vocabulary: Vocabulary, lines: list[Line]) -> None:
    index = RecallIndex(vocabulary)
    index.add(lines)
    data = index.stretch(1)[1]
    found = decode_stretch(data)
    import msgspec

    for damaged in (
        msgspec.structs.replace(found, terms=found.terms[4:]),
        msgspec.structs.replace(found, names={**found.names, "role": []}),
        msgspec.structs.replace(found, codes={}),
        msgspec.structs.replace(found, sizes=found.sizes[4:]),
    ):
        with pytest.raises(InvalidInput, match="do not fit"):
            decode_stretch(msgspec.msgpack.encode(damaged))
