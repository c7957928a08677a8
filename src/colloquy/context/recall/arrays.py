"""Arrays that grow at their end."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FIRST_ROOM = 64


class Growing:
    """Rows of one kind; an append costs what it appends, on average."""

    __slots__ = ("_rows", "count")

    def __init__(self, dtype: npt.DTypeLike, width: int | None = None) -> None:
        """`width`: numbers in a row; None where a row is one number."""
        shape = (FIRST_ROOM,) if width is None else (FIRST_ROOM, width)
        self._rows: npt.NDArray[Any] = np.zeros(shape, dtype)
        self.count = 0

    @property
    def rows(self) -> npt.NDArray[Any]:
        """A view of what is there; valid until the next change."""
        return self._rows[: self.count]

    @property
    def nbytes(self) -> int:
        """With the room that is still free."""
        return self._rows.nbytes

    def extend(self, rows: npt.ArrayLike) -> None:
        added = np.asarray(rows)
        end = self.count + len(added)
        if end > len(self._rows):
            room = max(end, 2 * len(self._rows))
            grown = np.zeros((room, *self._rows.shape[1:]), self._rows.dtype)
            grown[: self.count] = self.rows
            self._rows = grown
        self._rows[self.count : end] = added
        self.count = end

    def drop(self, count: int) -> None:
        """Forgets the first rows."""
        self._rows = self.rows[count:].copy()
        self.count -= count
