"""How far an import came, so that one that was interrupted goes on there.

It only saves time: what is offered again is a duplicate and changes nothing. The mark lies beside
an SQLite database, as `<database>.import`; with another store there is none. It counts only if the
database still has the last message it speaks of, so a restored backup is filled up from the start.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ..model.errors import ColloquyError, NotFound
from ..model.views import Receipt
from .options import Reach, settings_of
from .target import Local

if TYPE_CHECKING:
    from ..client import AsyncClient

HASHED = 1024 * 1024
"""Bytes of the file's beginning that its identity is made of, besides size and time."""


class _Mark(Struct):
    """`messages` of the `source` were taken in, the last of them as `message_id`."""

    source: str
    messages: int
    message_id: str


class Checkpoint:
    """The mark of one import; `file` None: nothing is kept."""

    def __init__(self, file: Path | None, source: str) -> None:
        self._file = file
        self._source = source

    @classmethod
    def of(cls, reach: Reach, path: Path, format: str, options: bytes) -> Checkpoint:
        """The mark of importing this file in this way. Raises SettingsError, InvalidInput."""
        database = None if reach.server() is not None else settings_of(reach).settings.sqlite_file
        if database is None:
            return cls(None, "")
        status = path.stat()
        with path.open("rb") as stream:
            digest = blake2b(stream.read(HASHED), digest_size=16)
        digest.update(f"{status.st_size} {status.st_mtime_ns} {format}".encode() + options)
        return cls(database.with_name(database.name + ".import"), digest.hexdigest())

    async def reached(self, target: Local | AsyncClient) -> int:
        """How many messages of the file are surely in the database."""
        if self._file is None:
            return 0
        try:
            mark = msgspec.json.decode(self._file.read_bytes(), type=_Mark)
        except (OSError, msgspec.DecodeError):
            return 0
        if mark.source != self._source:
            return 0
        try:
            await target.message(mark.message_id)
        except NotFound:
            return 0
        return mark.messages

    def save(self, messages: int, receipts: Sequence[Receipt | ColloquyError]) -> None:
        """Notes that so many messages of the file were offered and answered."""
        last = receipts[-1]
        if self._file is None or not isinstance(last, Receipt):
            return
        part = self._file.with_name(self._file.name + ".part")
        with contextlib.suppress(OSError):  # without a mark the import is slower, not wrong
            part.write_bytes(msgspec.json.encode(_Mark(self._source, messages, last.message_id)))
            part.replace(self._file)

    def clear(self) -> None:
        """Forgets the mark of an import that is done."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
