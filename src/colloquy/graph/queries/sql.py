"""Texts of queries with their parameters, in the order in which both engines want them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from ...model.errors import InvalidInput
from ...storage.store import Store

T = TypeVar("T")

CHUNK = 512
"""Values in one list of a query: engines keep few texts, and plan short lists well."""
_SIZES = (1, 8, 64, CHUNK)
"""Lengths that lists are filled up to, so that there are few different texts to prepare."""


class Parameters:
    """The values of one query: `f"… = {put(value)}"` writes `$1`, `$2`, … as it goes.

    The engines need each to appear first in its turn, so a text is put together from left to right.
    """

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __call__(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def any_of(self, values: Sequence[Any]) -> str:
        """A list for `IN`, filled up with its last value. `values` is not empty."""
        size = next((size for size in _SIZES if size >= len(values)), len(values))
        first = len(self.values) + 1
        self.values += values
        self.values += [values[-1]] * (size - len(values))
        return "(" + ", ".join([f"${number}" for number in range(first, first + size)]) + ")"


class Dialect(NamedTuple):
    """How an engine takes any number of whole numbers as one parameter, and gives a column of them
    as one value: one by one they are most of what a query over thousands costs."""

    from_numbers: str
    as_list: str
    encode: Callable[[Sequence[int]], Any]
    decode: Callable[[Any], list[int]]

    def numbers(self, put: Parameters, numbers: Sequence[int]) -> str:
        """A table `j` with the column `value`."""
        return self.from_numbers.format(put(self.encode(numbers)))


_SQLITE = Dialect(
    "json_each({}) AS j",
    "json_group_array",
    lambda numbers: msgspec.json.encode(numbers).decode(),
    msgspec.json.Decoder(list[int]).decode,
)
_POSTGRES = Dialect(
    "unnest(CAST({} AS bigint[])) AS j (value)",
    "array_agg",
    list,
    lambda column: column or [],  # of no rows it gives NULL
)


def dialect_of(store: Store) -> Dialect:
    return _SQLITE if store.dialect == "sqlite" else _POSTGRES


class Moment(NamedTuple):
    """What is asked about: `as_of` a position of the ledger (None: what is known now), and `at` a
    time of the world in microseconds (None: whenever it was so)."""

    as_of: int | None = None
    at_us: int | None = None


NOW = Moment()


def check_moment(moment: Moment) -> None:
    """Raises InvalidInput."""
    if moment.as_of is not None and moment.as_of < 0:
        raise InvalidInput("`as_of` is a position of the ledger, from 0", field="as_of")


def holds(put: Parameters, moment: Moment, fact: str = "f") -> str:
    """The condition that a row of `graph_facts` is known, and so, at this moment."""
    if moment.as_of is None:
        test = f"{fact}.learned_to IS NULL"
    else:
        position = put(moment.as_of)
        test = (
            f"{fact}.learned_from <= {position}"
            f" AND ({fact}.learned_to IS NULL OR {fact}.learned_to > {position})"
        )
    if moment.at_us is not None:
        at = put(moment.at_us)
        test += (
            f" AND ({fact}.valid_from IS NULL OR {fact}.valid_from <= {at})"
            f" AND ({fact}.valid_to IS NULL OR {fact}.valid_to > {at})"
        )
    return test


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of at most `size`."""
    part: list[T] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def check_bound(value: int, field: str, most: int, least: int = 1) -> int:
    """Raises InvalidInput outside `least` to `most`."""
    if isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"`{field}` must be {least} to {most}", field=field)
    return value
