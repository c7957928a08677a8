"""Format `jsonl`: one V2 message per line, the same JSON that the API takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import msgspec

from ..model.errors import ColloquyError
from ..model.message import Message, decode_message, encode
from .source import Item, Problem, Row


def read(rows: Iterable[Row | Problem]) -> Iterator[Item | Problem]:
    """A message per row. Text of any length is kept (decision 17).

    A message without an id gets one out of its line number and content, so that the same file
    (or the same file with more lines at its end) can be imported again without doubling anything.
    """
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        try:
            message = decode_message(row.data, max_text=None, max_body=None)
        except ColloquyError as error:
            yield Problem.of(row.line, error, row.data)
            continue
        if message.id is None:
            digest = blake2b(bytes(row.data), digest_size=8).hexdigest()
            message = msgspec.structs.replace(message, id=f"line-{row.line}-{digest}")
        yield Item(row.line, message)


def write(messages: Iterable[Message]) -> Iterator[bytes]:
    """A line per message, with its line break."""
    for message in messages:
        yield encode(message) + b"\n"
