"""Arrays that grow."""

from __future__ import annotations

import numpy as np

from colloquy.context.recall.arrays import FIRST_ROOM, Growing


def test_rows_stay_as_the_array_grows() -> None:
    column = Growing(np.int64)
    expected: list[int] = []
    for size in (1, FIRST_ROOM, 0, 5 * FIRST_ROOM):
        added = list(range(len(expected), len(expected) + size))
        column.extend(added)
        expected += added
        assert column.rows.tolist() == expected


def test_room_doubles_so_that_appends_are_cheap_on_average() -> None:
    column = Growing(np.float32, 4)
    sizes = set()
    for _ in range(1000):
        column.extend(np.ones((1, 4), np.float32))
        sizes.add(column.nbytes)
    assert len(sizes) <= 6
    assert column.rows.shape == (1000, 4)


def test_dropped_rows_free_their_room() -> None:
    column = Growing(np.int64)
    column.extend(range(1000))
    before = column.nbytes
    column.drop(990)
    assert column.rows.tolist() == list(range(990, 1000))
    assert column.nbytes < before
    column.extend([7])
    assert column.rows[-1] == 7
