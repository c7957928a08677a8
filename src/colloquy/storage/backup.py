"""Backups of a SQLite database while its server writes, and back.

A backup is a database file of its own, at rest: one snapshot, copied page by page under one read
transaction, so that no write of the server begins it anew (sqlite.org/c3ref/backup_finish.html).
Beside it lies a manifest, `FILE.json`, with what it holds and its SHA-256; `FILE.spool`, when
messages lay in the spool; and `FILE.key`, when the key of stored secrets was asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct

from ..model.errors import Conflict, InvalidInput, NotFound, UnsoundBackup
from ..model.times import now_us, rfc3339
from .file_lock import FileLock
from .soundness import Contents, contents_of, problems_of
from .spool import SUFFIX as SPOOL_SUFFIX
from .spool import framed, records_in

PAGES = 512
"""Pages copied before the progress is told."""
READ_BYTES = 1024 * 1024
RESTORED = "restored"
"""Folder of a spool that was restored: the next process that opens the spool takes it over."""

PAGE_BYTES = 4096
Advance = Callable[[int], None]
"""Called with the number of pages just copied."""


class Manifest(Struct, frozen=True, omit_defaults=True):
    """What a backup holds. Hashes are SHA-256 in hexadecimal digits."""

    made_at: str
    database: Contents
    bytes: int
    sha256: str
    spooled_bytes: int = 0
    spool_sha256: str | None = None
    with_key: bool = False


class Places(Struct, frozen=True):
    """A database and what belongs to it."""

    database: Path
    spool: Path
    key: Path


def backup(
    source: Places, file: Path, *, with_key: bool, force: bool, advance: Advance
) -> Manifest:
    """Copies the database and its spool. Everything with a receipt before this began is in it.

    Raises Conflict when `file` is there, NotFound when there is no key to take, InvalidInput when
    it cannot be written.
    """
    if file.exists() and not force:
        raise Conflict(f"{file} is there already; --force replaces it", field="file")
    with _written(file) as part:
        # First the spool: what is brought into the database meanwhile is in both, and known twice
        # by its id; the other way round it could be in neither.
        spooled = _spooled(source.spool)
        _copy(source.database, part, advance)
        spool, key = _beside(file, "spool"), _beside(file, "key")
        spool.unlink(missing_ok=True)
        key.unlink(missing_ok=True)
        if spooled:
            _write(spool, spooled)
        if with_key:
            if not source.key.is_file():
                raise NotFound(f"there is no key file {source.key}", field="with_key")
            _write(key, source.key.read_bytes())
        manifest = Manifest(
            rfc3339(now_us()),
            contents_of(part),
            part.stat().st_size,
            sha256(part),
            len(spooled),
            hashlib.sha256(spooled).hexdigest() if spooled else None,
            with_key,
        )
        _write(_beside(file, "json"), msgspec.json.encode(manifest) + b"\n")
    return manifest


def verify(file: Path) -> Manifest:
    """What a backup holds, once all of it was read and found sound.

    Raises NotFound, InvalidInput when it is no backup, UnsoundBackup.
    """
    problems = problems_of(file)
    manifest = _manifest(file)
    if manifest is None:
        raise UnsoundBackup(f"its manifest {_beside(file, 'json')} is missing")
    if sha256(file) != manifest.sha256:
        problems.append(f"{file} has another SHA-256 than its manifest")
    if contents_of(file) != manifest.database:
        problems.append(f"{file} holds something else than its manifest says")
    if manifest.spool_sha256 is not None:
        spool = _beside(file, "spool")
        if not spool.is_file():
            problems.append(f"{spool} is missing: {manifest.spooled_bytes} bytes of messages")
        elif sha256(spool) != manifest.spool_sha256:
            problems.append(f"{spool} has another SHA-256 than its manifest")
    if problems:
        raise UnsoundBackup("; ".join(problems), problems=problems)
    return manifest


def restore(file: Path, target: Places, *, with_key: bool, force: bool) -> None:
    """Puts a backup into the place of a database, whole or not at all; `verify` it before.

    Raises StoreLocked while a process holds the target, Conflict when it is there (unless `force`),
    NotFound for a missing key, InvalidInput when it cannot be written.
    """
    database = target.database.absolute()
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(database)
    lock.acquire()
    try:
        if database.exists() and not force:
            raise Conflict(f"{database} is there already; --force replaces it", field="to")
        if _spooled(target.spool) and not force:
            raise Conflict(
                f"messages wait in {target.spool} for a database that is gone; --force sets them "
                "aside",
                field="to",
            )
        if with_key:
            _restore_key(_beside(file, "key"), target.key, force)
        with _written(database) as part:
            shutil.copyfile(file, part)
            _sync(part)
            _retire(database)
            if target.spool.exists():
                target.spool.rename(target.spool.with_name(f"{target.spool.name}.{now_us()}"))
            spool = _beside(file, "spool")
            if spool.is_file():
                folder = target.spool / RESTORED
                folder.mkdir(parents=True)
                _write(folder / f"{1:08d}{SPOOL_SUFFIX}", spool.read_bytes())
    finally:
        lock.release()


def sha256(file: Path) -> str:
    """The hash of a file in hexadecimal digits."""
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while data := stream.read(READ_BYTES):
            found.update(data)
    return found.hexdigest()


def _copy(database: Path, part: Path, advance: Advance) -> None:
    source = apsw.Connection(str(database.absolute()), flags=apsw.SQLITE_OPEN_READONLY)
    target = apsw.Connection(str(part))
    try:
        source.set_busy_timeout(10_000)
        # The snapshot: what is committed from here on is not in it and does not disturb it.
        source.execute("BEGIN; SELECT count(*) FROM sqlite_schema").fetchall()
        with target.backup("main", source, "main") as copying:
            while not copying.done:
                copying.step(PAGES)
                advance(PAGES)
        source.execute("ROLLBACK")
        # At rest: no second file belongs to it, and reading it makes none.
        target.execute("PRAGMA journal_mode = DELETE").fetchall()
    finally:
        target.close()
        source.close()
    _sync(part)


def _spooled(folder: Path) -> bytes:
    """All spooled records, as one file would have them; each file ends before a torn record."""
    found = b""
    for path in sorted(folder.glob(f"*/*{SPOOL_SUFFIX}")):
        # Drained and removed while we look: then the database has it.
        with contextlib.suppress(FileNotFoundError):
            found += framed(records_in(path.read_bytes()))
    return found


def _retire(database: Path) -> None:
    """Takes away what belongs to the database that is replaced: its log would be read into the new
    one. Closing it moves the log into the file first, so that a crash here loses nothing."""
    if database.exists():
        with contextlib.suppress(apsw.Error):  # it is damaged, which may be why it is replaced
            apsw.Connection(str(database)).close()
    for suffix in ("-wal", "-shm", ".running"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _restore_key(source: Path, target: Path, force: bool) -> None:
    if not source.is_file():
        raise NotFound(f"the backup has no key: there is no {source}", field="with_key")
    if target.exists() and target.read_bytes() != source.read_bytes() and not force:
        raise Conflict(f"{target} is another key; --force replaces it", field="with_key")
    _write(target, source.read_bytes())


def _manifest(file: Path) -> Manifest | None:
    try:
        return msgspec.json.decode(_beside(file, "json").read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise InvalidInput(f"{_beside(file, 'json')} is no manifest: {error}") from None


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(f"{file.name}.{suffix}")


@contextlib.contextmanager
def _written(file: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `file` once it is whole and on disk."""
    part = _beside(file, "part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        yield part
        part.replace(file)
        _sync(file.parent)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}", field="file") from None
    finally:
        part.unlink(missing_ok=True)


def _write(file: Path, data: bytes) -> None:
    with _written(file) as part:
        part.write_bytes(data)
        _sync(part)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
