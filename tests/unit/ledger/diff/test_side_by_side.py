"""Two texts side by side."""

from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.ledger.diff.render import Limits
from colloquy.ledger.diff.side_by_side import side_by_side


def told(found):
    return [
        (row.kind, row.left and row.left.number, row.right and row.right.number)
        for row in found.rows
    ]


def test_a_line_more_at_the_start_moves_the_others_down():
    assert told(side_by_side("a\nb", "new\na\nb")) == [
        ("added", None, 1), ("equal", 1, 2), ("equal", 2, 3),
    ]  # fmt: skip


def test_a_changed_line_says_where_it_changed():
    (row,) = side_by_side("the big cat", "the small cat sat").rows
    assert row.kind == "modified"
    assert [(each.kind, each.start, each.text) for each in row.left.tokens] == [
        ("same", 0, "the "), ("removed", 4, "big"), ("same", 7, " cat"),
    ]  # fmt: skip
    assert [(each.kind, each.start, each.text) for each in row.right.tokens] == [
        ("same", 0, "the "), ("added", 4, "small"), ("same", 9, " cat"), ("added", 13, " sat"),
    ]  # fmt: skip


def test_what_has_no_partner_was_removed_or_added():
    assert told(side_by_side("a\nb\nc\nz", "x\nz")) == [
        ("modified", 1, 1), ("removed", 2, None), ("removed", 3, None), ("equal", 4, 2),
    ]  # fmt: skip
    assert told(side_by_side(None, "a\n")) == [("added", None, 1), ("added", None, 2)]
    assert told(side_by_side("", "")) == [("equal", 1, 1)]


def test_what_is_not_compared_is_counted_and_control_characters_are_seen():
    found = side_by_side("a\x1b" + "b" * 10, "c", Limits(text=2))
    assert (found.hidden, found.rows[0].left.text) == (10, "a␛")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab ", max_size=4)), st.lists(st.text("ab ", max_size=4)))
def test_the_rows_are_both_texts_whole(left, right):
    one, other = "\n".join(left), "\n".join(right)
    found = side_by_side(one, other)
    for text, side in ((one, "left"), (other, "right")):
        lines = [getattr(row, side) for row in found.rows if getattr(row, side)]
        assert "\n".join(line.text for line in lines) == text
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        for line in lines:
            for token in line.tokens:
                assert line.text[token.start :][: len(token.text)] == token.text
    for row in found.rows:
        if row.kind == "modified":
            assert "".join(each.text for each in row.left.tokens) == row.left.text
            assert row.left.text != row.right.text
