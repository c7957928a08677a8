"""Pages of a list that is in memory whole: slices behind a cursor, the id of the last one shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

PAGE = 50


def slice_after(
    items: Sequence[T], cursor: str | None, name: Callable[[T], str], limit: int = PAGE
) -> tuple[Sequence[T], str | None]:
    """The items after the one that the cursor names, and the cursor of the next page, if any.

    A cursor that names nothing (any more) begins at the front.
    """
    start = next((at + 1 for at, item in enumerate(items) if name(item) == cursor), 0)
    page = items[start : start + limit]
    return page, name(page[-1]) if len(items) > start + limit else None
