"""Pages of a list in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from colloquy.console.paging import slice_after


@given(st.integers(0, 40), st.integers(1, 10))
def test_pages_are_the_whole_list_once(length: int, limit: int) -> None:
    items = [str(number) for number in range(length)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = slice_after(items, cursor, str, limit)
        assert len(page) <= limit
        seen += page
        if cursor is None:
            break
    assert seen == items


def test_a_cursor_that_is_gone_begins_anew() -> None:
    assert slice_after(["a", "b", "c"], "x", str, 2) == (["a", "b"], "b")
