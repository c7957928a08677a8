"""Numbers in sentences."""

from __future__ import annotations

import pytest

from colloquy.model.counting import counted


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 records"), (1, "1 record"), (2, "2 records"), (1000, "1,000 records")],
)
def test_one_thing_is_not_two(number: int, text: str) -> None:
    assert counted(number, "record") == text


def test_a_plural_of_its_own() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(2, "entry", "entries") == "2 entries"
