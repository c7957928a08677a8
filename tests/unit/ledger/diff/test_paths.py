"""Paths have one text each, and a text one path at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.ledger.diff import Item, format_path, parse_path
from colloquy.model.errors import InvalidInput

TEXTS = st.text(max_size=6) | st.text("~/[]#01=id", max_size=6)
PATHS = st.lists(TEXTS | st.integers(0) | st.builds(Item, TEXTS | st.integers()), max_size=6).map(
    tuple
)


@given(PATHS)
def test_the_text_gives_back_the_path(path):
    assert parse_path(format_path(path)) == path


@given(st.text("~/[]#01234=id-", max_size=10))
def test_a_text_is_no_path_or_the_text_of_one(text):
    try:
        path = parse_path(text)
    except InvalidInput:
        return
    assert format_path(path) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("",), "/"),
        (("a.b", "c/d", "~"), "/a.b/c~1d/~0"),
        (("units", Item("a1"), "prices", 3), "/units[id=a1]/prices[3]"),
        ((Item(7), Item("7"), Item("#7")), "[id=#7][id=7][id=~47]"),
    ],
)
def test_texts(path, text):
    assert format_path(path) == text
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["a", "[01]", "[-1]", "[id=#07]", "/a]", "/~9", "/~", "[3"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_path(text)


@pytest.mark.parametrize("step", [-1, True, 1.0, None, Item(True)])
def test_what_is_no_step_is_refused(step):
    with pytest.raises(InvalidInput, match="is no step of a path"):
        format_path((step,))
