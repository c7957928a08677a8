"""Who owns an SQLite file: one process at a time, by a lock of the operating system (engine 2)."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from ..model.errors import StoreLocked


class FileLock:
    """The operating system's lock beside the database: its holder is the one writing process.

    The file says who that is, so that the command line can go through the server instead.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self._fd: int | None = None

    def acquire(self) -> None:
        """Raises StoreLocked."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for pause_s in (0.005, 0.02, None):  # `is_held` of another process has it for an instant
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if pause_s is not None:
                    time.sleep(pause_s)
                    continue
                os.close(fd)
                holder = self.read()
                # Not the whole note: it has the token of the holder's command line.
                raise StoreLocked(
                    f"{self.path.name} is held by process {holder.get('pid', 'unknown')}",
                    pid=holder.get("pid"),
                    url=holder.get("url"),
                ) from None
        self._fd = fd
        self.write({})

    def write(self, info: dict[str, Any]) -> None:
        """Says who holds it: the process, and how to reach its server."""
        if self._fd is None:
            return
        data = json.dumps({"pid": os.getpid(), **info}).encode()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, data, 0)

    def read(self) -> dict[str, Any]:
        """What the last holder wrote; empty when it let go in peace."""
        try:
            found = json.loads(self.path.read_bytes() or b"{}")
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def is_held(self) -> bool:
        """True when some process holds it now."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(fd)
        return False

    def release(self) -> None:
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None
