"""What was last known of the flags, on disk: in force while the database cannot be asked."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from ...telemetry import get_logger

log = get_logger(__name__)

MAX_FILE = 64 * 1024 * 1024


class LastKnown(Struct):
    """States and thrown switches by name, as they are in the ledger, with their positions."""

    states: dict[str, tuple[int, msgspec.Raw]] = {}
    thrown: dict[str, tuple[int, msgspec.Raw]] = {}


def read_known(path: Path) -> LastKnown:
    """What the file says; a file that is missing or damaged says nothing."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE)
        return msgspec.json.decode(data, type=LastKnown)
    except FileNotFoundError:
        return LastKnown()
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("flags_file_unreadable", path=str(path), detail=str(error))
        return LastKnown()


def write_known(path: Path, known: LastKnown) -> None:
    """All or nothing; a disk that is full costs the file, never the process."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(msgspec.json.encode(known))
        part.replace(path)
    except OSError as error:
        log.warning("flags_file_unwritten", path=str(path), detail=str(error))
        with contextlib.suppress(OSError):
            part.unlink()


class SwitchFile:
    """The file of thrown switches: read when it changed, by its time, size and inode."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._text = ""

    def read(self) -> str:
        """The file's text; "" where there is none.

        One that is there and cannot be read says what it said before: neither does a switch come
        loose because of a wrong permission, nor is one thrown.
        """
        try:
            stat = self.path.stat()
            mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if mark != self._seen:
                self._text = self.path.read_text("utf-8", "replace")
                self._seen = mark
        except FileNotFoundError:
            self._text, self._seen = "", None
        except OSError as error:
            log.warning("kill_switch_file_unreadable", path=str(self.path), detail=str(error))
        return self._text
