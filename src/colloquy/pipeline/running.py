"""The messages being worked on, in a small file that is not synced (engine decision 5).

After an unclean end the next process reads it. A message that was being worked on at two unclean
ends in a row runs alone from then on, so that one which kills the process is found out while the
others go on; what was there only once was most likely there by chance.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from ..model.errors import StoreLocked

SUFFIX = ".running"
_ENTRY = struct.Struct(">qq")
MAX_BYTES = 16 * 1024 * 1024


class RunningFile:
    """Rewritten at the begin and end of each batch: a few microseconds, no fsync."""

    def __init__(self, folder: Path, name: str, owner: str = "") -> None:
        """`name` stands for the database, `owner` for this process where several run on it."""
        self.path = folder / f"{name}{owner}{SUFFIX}"
        self._pattern = f"{name}{'-*' if owner else ''}{SUFFIX}"
        self._fd: int | None = None
        self._batches: dict[int, tuple[int, ...]] = {}
        self._deaths: dict[int, int] = {}
        self._next = 0

    def open(self) -> dict[int, int]:
        """What was being worked on when the last process died, and at how many unclean ends in a
        row. Empty after a clean end. Raises StoreLocked."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        found: dict[int, int] = {}
        for path in sorted({self.path, *self.path.parent.glob(self._pattern)}):
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                # Its process lives: several of them share a folder on PostgreSQL.
                os.close(fd)
                continue
            data = os.pread(fd, MAX_BYTES, 0)
            whole = len(data) - len(data) % _ENTRY.size
            for number, deaths in _ENTRY.iter_unpack(data[:whole]):
                found[number] = max(found.get(number, 0), deaths + 1)
            if path == self.path:
                self._fd = fd
            else:
                path.unlink()
                os.close(fd)
        if self._fd is None:
            raise StoreLocked(f"{self.path.name} is held by another process")
        self._deaths = dict(found)
        return found

    def begin(self, ids: tuple[int, ...]) -> int:
        """A batch starts; returns its handle for `end`."""
        self._next += 1
        self._batches[self._next] = ids
        self._write()
        return self._next

    def end(self, handle: int) -> None:
        """It ended while the process lives: its messages are not to blame for earlier deaths."""
        ended = self._batches.pop(handle, ())
        if self._deaths:
            going = {number for batch in self._batches.values() for number in batch}
            for number in ended:
                if number not in going:
                    self._deaths.pop(number, None)
        self._write()

    def _write(self) -> None:
        if self._fd is None:
            return
        deaths = self._deaths
        data = b"".join(
            _ENTRY.pack(number, deaths.get(number, 0))
            for batch in self._batches.values()
            for number in batch
        )
        os.pwrite(self._fd, data, 0)
        os.ftruncate(self._fd, len(data))

    def close(self) -> None:
        """A clean end: nothing is suspect."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None
