"""Rows out of a file: JSON lines or one JSON array, plain or gzipped, each with its line number.

Lines are streamed, so a file may be larger than memory; an array is read whole.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

import msgspec
from msgspec import Struct

from ..model.errors import ColloquyError, InvalidInput, NotFound
from ..model.message import Message, input_error

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_ROW = 64 * 1024 * 1024
"""Bytes of one row: a whole log in OpenAI form may be long, a file without line breaks is wrong."""
MAX_ARRAY = 1024 * 1024 * 1024
"""Bytes of a file that is one JSON array, since it has to fit into memory."""

MAX_RATIO = 200
"""How far a file may unpack: text packs to a fifth, and a bomb to a thousandth."""
SMALL = 64 * 1024 * 1024
"""Bytes that may come out of any file."""

SAMPLE = 80
"""Bytes of a bad row that a report shows."""

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_BYTE = re.compile(r"\(byte (\d+)\)")

_array = msgspec.json.Decoder(list[msgspec.Raw])


class Row(NamedTuple):
    """One undecoded row. `line` counts from 1; in an array it is the line the item begins on."""

    line: int
    data: bytes | msgspec.Raw


class Item(NamedTuple):
    """A message and the line it came from."""

    line: int
    message: Message


class Problem(Struct, frozen=True, omit_defaults=True):
    """A row that cannot be taken: `code` is that of the error, `field` is a path in the row."""

    line: int
    code: str
    detail: str
    field: str | None = None
    sample: str | None = None
    """How it begins."""

    @classmethod
    def of(cls, line: int, error: ColloquyError, data: bytes | msgspec.Raw = b"") -> Problem:
        """`data` is what could not be taken."""
        begin = bytes(memoryview(data)[:SAMPLE]).decode("utf-8", "replace")
        return cls(line, error.code, error.detail, error.field, begin or None)


def open_source(path: Path) -> BinaryIO:
    """The file, unpacked when it is gzip. Raises NotFound, InvalidInput."""
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    stream = _buffered(raw)
    if stream.peek(2)[:2] == _GZIP:
        return io.BufferedReader(_Unpacked(raw, stream))
    return stream


class _Unpacked(io.RawIOBase):
    """A gzip file that stops when it unpacks to far more than chat logs do."""

    def __init__(self, raw: BinaryIO, stream: BinaryIO) -> None:
        self._raw = raw
        self._gzip = gzip.GzipFile(fileobj=stream)
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        count = self._gzip.readinto(buffer)
        self._size += count
        if self._size > SMALL and self._size > MAX_RATIO * self._raw.tell():
            raise OSError(f"it unpacks to over {MAX_RATIO} times its size")
        return count

    def close(self) -> None:
        self._gzip.close()
        self._raw.close()
        super().close()


def rows(stream: BinaryIO) -> Iterator[Row | Problem]:
    """The rows of a stream in order. A row that is too long or cut off becomes a Problem."""
    source = _buffered(stream)
    number = 0
    try:
        if source.peek(3)[:3] == _BYTE_ORDER_MARK:
            source.read(3)
        while True:
            number += 1
            line = source.readline(MAX_ROW)
            if not line:
                return
            data = line.strip(_SPACE)
            if data[:1] == b"[":
                yield from _items(line, number, source)
                return
            if len(line) == MAX_ROW and not line.endswith(b"\n"):
                yield Problem(number, "too_large", f"the row has over {MAX_ROW} bytes")
                while line and not line.endswith(b"\n"):
                    line = source.readline(MAX_ROW)
            elif data:
                yield Row(number, data)
    except (EOFError, OSError, zlib.error) as error:
        yield Problem(number, "invalid_input", f"the file cannot be read to its end: {error}")


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    """The stream with `peek`."""
    if isinstance(stream, io.BufferedReader):
        return stream
    return io.BufferedReader(cast(io.RawIOBase, stream))


def _items(first: bytes, line: int, source: BinaryIO) -> Iterator[Row | Problem]:
    """The items of a JSON array that begins on `line`."""
    data = first + source.read(MAX_ARRAY - len(first) + 1)
    if len(data) > MAX_ARRAY:
        yield Problem(line, "too_large", "the array is over 1 GiB; use one row per line")
        return
    try:
        items = _array.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = _BYTE.search(str(error))
        line += data.count(b"\n", 0, int(found[1])) if found else 0
        yield Problem.of(line, input_error(error, data))
        return
    position = 0
    for item in items:
        start = data.index(item, position)
        line += data.count(b"\n", position, start)
        yield Row(line, item)
        line += data.count(b"\n", start, position := start + len(memoryview(item)))
