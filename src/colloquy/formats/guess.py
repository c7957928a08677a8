"""Which format a file is in, by its first rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import msgspec
from msgspec import Struct

from .source import Problem, Row

LOOK_AT = 20
"""Rows that are looked at: the first ones may be the bad ones."""


class _Shape(Struct):
    messages: list[msgspec.Raw] | None = None
    conversation: str | None = None


_shape = msgspec.json.Decoder(_Shape)


def guess(rows: Iterator[Row | Problem]) -> tuple[str | None, Iterator[Row | Problem]]:
    """The format (None: neither is seen) and the same rows again.

    A row with `messages` is a log in OpenAI form, one with `conversation` a V2 message.
    """
    seen: list[Row | Problem] = []
    for row in rows:
        seen.append(row)
        if isinstance(row, Row):
            try:
                shape = _shape.decode(row.data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                shape = _Shape()  # the reader will say what is wrong with this row
            if shape.messages is not None:
                return "openai", chain(seen, rows)
            if shape.conversation is not None:
                return "jsonl", chain(seen, rows)
        if len(seen) == LOOK_AT:
            break
    return None, chain(seen, rows)
