"""The spool: where accepted messages go, in order, while the database cannot be written.

A file holds records of length, CRC-32 and bytes. A record whose length or checksum is wrong ends
the file: it was torn by a crash and never acknowledged. After a crash, and after a failed write or
fsync, a new file is begun; an old one is never appended to (engine decision 24).
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from pathlib import Path

from ..model.errors import StoreLocked, Unavailable

_HEADER = struct.Struct(">II")
SUFFIX = ".spool"
REFUSED = ".refused"
LOCK = "lock"


class Spool:
    """Appends durable records and gives them back in order. Not safe for two threads at once."""

    def __init__(self, root: Path, max_bytes: int, owner: str = "main") -> None:
        """`root`: the folder of this database's spools; `owner`: this process, where several run
        on one database. What a dead process left in it is taken over."""
        self.root = root
        self.folder = root / owner
        self._lock: int | None = None
        self.max_bytes = max_bytes
        self._fd: int | None = None
        self._number = 0
        self.size = 0
        """Bytes on disk that are not drained yet."""

    def open(self) -> None:
        """Finds what an earlier process left. Later appends go to a new file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.folder)
        if self._lock is None:
            raise StoreLocked(f"the spool {self.folder} is held by another process")
        self._adopt()
        files = self.files()
        # Those set aside keep their numbers, so that no later one takes their place.
        taken = [*files, *self.folder.glob(f"*{REFUSED}")]
        self._number = max((int(path.stem) for path in taken), default=0)
        self.size = sum(path.stat().st_size for path in files)

    def _adopt(self) -> None:
        """Takes the files of processes that are gone."""
        for folder in sorted(self.root.iterdir()):
            if folder == self.folder or not folder.is_dir():
                continue
            lock = _lock(folder)
            if lock is None:
                continue  # it lives, and drains its own
            for path in _files(folder):
                number = max((int(own.stem) for own in _files(self.folder)), default=0) + 1
                path.rename(self.folder / f"{number:08d}{SUFFIX}")
            os.close(lock)

    def files(self) -> list[Path]:
        """Spool files, oldest first."""
        return _files(self.folder)

    @property
    def is_empty(self) -> bool:
        return self.size == 0

    def append(self, records: list[bytes]) -> None:
        """Writes the records and fsyncs. Raises Unavailable when it cannot: nothing is promised."""
        data = framed(records)
        if self.size + len(data) > self.max_bytes:
            raise Unavailable("the database is away and the spool is full", retry_after_s=5.0)
        try:
            if self._fd is None:
                self._fd = self._new_file()
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError as error:
            self.abandon()
            raise Unavailable(f"the spool cannot be written: {error}", retry_after_s=5.0) from error
        self.size += len(data)

    def abandon(self) -> None:
        """Leaves the current file as it is; the next append begins a new one."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _new_file(self) -> int:
        self._number += 1
        path = self.folder / f"{self._number:08d}{SUFFIX}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        folder = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return fd

    def read(self, path: Path) -> list[bytes]:
        """The whole records of one file, which is at most `max_bytes` long."""
        return records_in(path.read_bytes())

    def remove(self, path: Path) -> None:
        """Drops a drained file."""
        size = path.stat().st_size
        path.unlink()
        self.size = max(0, self.size - size)

    def set_aside(self, path: Path) -> None:
        """Keeps a file that holds something the database refuses, out of the way."""
        size = path.stat().st_size
        path.rename(path.with_suffix(REFUSED))
        self.size = max(0, self.size - size)

    def close(self) -> None:
        self.abandon()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def records_in(data: bytes) -> list[bytes]:
    """The whole records at the beginning of a file's bytes."""
    records: list[bytes] = []
    start = 0
    while start + _HEADER.size <= len(data):
        length, checksum = _HEADER.unpack_from(data, start)
        start += _HEADER.size
        record = data[start : start + length]
        # Zeros, which a file may end with after power loss, have the right checksum.
        if not length or len(record) != length or zlib.crc32(record) != checksum:
            break
        records.append(record)
        start += length
    return records


def framed(records: list[bytes]) -> bytes:
    """Records as a file has them."""
    return b"".join(_HEADER.pack(len(record), zlib.crc32(record)) + record for record in records)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: int(path.stem))


def _lock(folder: Path) -> int | None:
    """The folder's lock, or None when a living process has it."""
    fd = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd
