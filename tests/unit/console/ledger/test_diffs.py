"""Differences as pages show them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw

from colloquy.console.ledger.diffs import Gap, Kind, editable, folded, pretty, sides
from colloquy.ledger.diff.side_by_side import Line, SideRow, side_by_side

texts = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30).map("\n".join)


def row(number: int, kind: str) -> Kind:
    return SideRow(kind, Line(number, "text"), None)  # type: ignore[arg-type]


@given(texts, texts)
def test_every_row_is_shown_or_counted_in_order(left: str, right: str) -> None:
    rows = list(side_by_side(left, right).rows)
    rest = rows
    for one in folded(rows):
        if isinstance(one, Gap):
            hidden, rest = rest[: one.count], rest[one.count :]
            assert one.count > 1
            assert all(found.kind == "equal" for found in hidden)
        else:
            assert rest[0] is one
            rest = rest[1:]
    assert rest == []


def test_rows_near_a_change_are_shown() -> None:
    rows = [row(number, "equal") for number in range(10)]
    rows[5] = row(5, "modified")
    assert folded(rows, 1) == [Gap(4), *rows[4:7], Gap(3)]


def test_a_single_row_is_not_folded() -> None:
    rows = [row(0, "equal"), row(1, "equal"), row(2, "added")]
    assert folded(rows, 1) == rows


def test_what_is_the_same_is_folded_whole() -> None:
    found = sides(Raw(b'{"a":1}'), Raw(b'{"a":1}'))
    assert found.is_same
    assert found.rows == [Gap(3)]


def test_a_record_that_came_has_one_side() -> None:
    found = sides(UNSET, Raw(b'["a"]'))
    assert not found.is_same
    assert [(one.kind, one.left) for one in found.rows if not isinstance(one, Gap)] == [
        ("added", None)
    ] * 3


def test_values_to_read_and_to_edit() -> None:
    assert (pretty(UNSET), editable(UNSET)) == (None, "")
    assert (pretty(Raw(b'"two\\nlines"')), editable(Raw(b'"two\\nlines"'))) == (
        "two\nlines",
        '"two\\nlines"',
    )
    assert pretty(Raw(b'"\\u001b[31m"')) == "␛[31m"
