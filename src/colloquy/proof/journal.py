"""The client's journal: what it sent and what it was told, on disk before it goes on.

A line is a CRC-32 in hex, a space and one record as JSON. Lines that wait are written and fsynced
together, in a thread, so that hundreds of senders share one fsync. A torn last line (the client
died in the middle of it) is dropped on reading; damage anywhere else is an error.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

import msgspec

from ..model.errors import InvalidInput
from .records import Record

_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class Journal:
    """Appends records; `n` of a record is its place and is given by `next_n`.

    async with Journal(path) as journal:
        await journal.write(Sent(journal.next_n(), ...))   # returns when it is on disk
        journal.note(Receipted(journal.next_n(), ...))     # on disk with the next fsync
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fsyncs = 0
        self._n = 0
        self._waiting: list[bytes] = []
        self._durable: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._error: OSError | None = None
        self._file = -1

    async def __aenter__(self) -> Self:
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._task = asyncio.create_task(self._flush_for_ever())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Everything noted is on disk afterwards."""
        self._closing = True
        self._wake.set()
        assert self._task is not None
        await self._task
        os.close(self._file)

    def next_n(self) -> int:
        """The number of the next record: take one per record, in the order of writing."""
        self._n += 1
        return self._n

    def note(self, *records: Record) -> None:
        """Append; on disk with the next fsync, which comes at once."""
        for record in records:
            self._waiting.append(encode_line(record))
        self._wake.set()

    async def write(self, *records: Record) -> None:
        """Append and return once it is on disk. Raises OSError when that failed, once and for all:
        the checker's truth has a hole, and nothing may be sent any more."""
        if self._error is not None:
            raise self._error
        self.note(*records)
        if self._durable is None:
            self._durable = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._durable)

    async def _flush_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            lines, self._waiting = self._waiting, []
            durable, self._durable = self._durable, None
            if lines:
                try:
                    await loop.run_in_executor(None, self._put, b"".join(lines))
                except OSError as error:
                    self._error = error
                    for waiter in (durable, self._durable):
                        if waiter is not None:
                            waiter.set_exception(error)
                    raise
                self.fsyncs += 1
            if durable is not None:
                durable.set_result(None)
            if self._closing and not self._waiting:
                return

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        os.fdatasync(self._file)


def encode_line(record: Record) -> bytes:
    """One line of the file, with its line break."""
    body = _encode(record)
    return b"%08x %s\n" % (crc32(body), body)


def read_journal(path: Path) -> Iterator[Record]:
    """The records in order; a torn last line is dropped.

    Raises InvalidInput for damage elsewhere: such a journal proves nothing.
    """
    with path.open("rb") as file:
        damaged: int | None = None
        for number, line in enumerate(file, 1):
            if damaged is not None:
                raise InvalidInput(f"line {damaged} of {path} is damaged")
            record = decode_line(line)
            if record is None:
                damaged = number
            else:
                yield record


def decode_line(line: bytes) -> Record | None:
    """The record of a line, or None when it is torn or damaged."""
    checksum, space, rest = line.partition(b" ")
    if not (space and rest.endswith(b"\n")):
        return None
    body = rest[:-1]
    if b"%08x" % crc32(body) != checksum:
        return None
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError:
        return None
