"""Names that a running process learns of, on their way to the dictionary of every process.

One process writes them into a file beside the database (`write_names`); those that understand look
at it before a batch (`NamesFile`), which costs a look at the file's time while nothing changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from ...telemetry import get_logger
from .dictionary import MAX_PHRASE, Entry

log = get_logger(__name__)


class _Names(Struct):
    version: str
    entries: list[Entry]


_decoder = msgspec.json.Decoder(_Names)


def write_names(path: Path, entries: Iterable[Entry]) -> str:
    """Puts the file in place whole; only its owner reads it. Returns the version that it has.

    Raises OSError.
    """
    known = list(entries)
    version = blake2b(msgspec.json.encode(known), digest_size=6).hexdigest() if known else ""
    body = msgspec.json.encode(_Names(version, known))
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(body)
    temporary.replace(path)
    return version


class NamesFile:
    """A `dictionary.Gazetteer`. A file that is missing has no names; one that cannot be read leaves
    those that were there before, and is told of once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._names = _Names("", [])

    @property
    def version(self) -> str:
        """Of what is in the file now; "" for nothing."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._seen, self._names = None, _Names("", [])
            return ""
        seen = (found.st_mtime_ns, found.st_ino, found.st_size)
        if seen != self._seen:
            self._seen = seen
            self._read()
        return self._names.version

    def read(self) -> list[Entry]:
        """The entries that are in the file now."""
        return self.entries() if self.version else []

    def entries(self) -> list[Entry]:
        return self._names.entries

    def _read(self) -> None:
        try:
            read = _decoder.decode(self._path.read_bytes())
        except (OSError, msgspec.MsgspecError) as error:
            log.error("names_unread", file=str(self._path), detail=str(error))
            return
        self._names = _Names(read.version, [entry for entry in read.entries if _can_be_used(entry)])


def _can_be_used(entry: Entry) -> bool:
    """The dictionary refuses all where one phrase is wrong."""
    return all(phrase.strip() and len(phrase) <= MAX_PHRASE for phrase in entry.phrases)
