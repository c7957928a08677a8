"""Files below a folder, reached name by name so that no symbolic link leads out of it.

Each step opens the next name relative to the folder before it and follows no link (openat(2),
O_NOFOLLOW): a link that somebody puts there between a look and the use of it changes nothing.
All functions raise InvalidInput for what is no ordinary file or folder, Conflict where the system
refuses.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import NamedTuple

from ...model.errors import Conflict, InvalidInput, TooLarge

MODE = 0o777
"""Of a file's mode only the permissions are kept; no set-user-id bit comes out of a ledger."""
ATTEMPTS = 3
"""Reads of a file that changes while it is read."""

_PART = ".colloquy-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would block without O_NONBLOCK; an ordinary file does not mind it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileState(NamedTuple):
    """`mode` is of MODE's bits."""

    content: bytes
    mode: int


def read(root: str, parts: Sequence[str], limit: int) -> FileState | None:
    """None where there is none. Raises TooLarge for one over `limit` bytes."""
    path = "/".join(parts)
    with _errors(path):
        try:
            with _folder(root, parts[:-1]) as folder:
                for _ in range(ATTEMPTS):
                    found = _read(folder, parts[-1], limit, path)
                    if found is not None:
                        return found
        except FileNotFoundError:
            return None
    raise Conflict(f"the file {path} changes while it is read")


def write(root: str, parts: Sequence[str], state: FileState) -> None:
    """Puts a file there, whole or not at all, durably; folders that are missing are made."""
    with _errors("/".join(parts)), _folder(root, parts[:-1], make=True) as folder:
        # One name for each file: what a crash left is found and replaced.
        part = _PART + blake2b(parts[-1].encode(), digest_size=16).hexdigest()
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(part, flags, 0o600, dir_fd=folder), "wb") as stream:
                stream.write(state.content)
                stream.flush()
                os.fchmod(stream.fileno(), state.mode & MODE)
                os.fsync(stream.fileno())
            os.rename(part, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise
        os.fsync(folder)


def remove(root: str, parts: Sequence[str]) -> None:
    """Does nothing where there is none."""
    path = "/".join(parts)
    with _errors(path), suppress(FileNotFoundError), _folder(root, parts[:-1]) as folder:
        os.unlink(parts[-1], dir_fd=folder)
        os.fsync(folder)


def is_folder(root: str, parts: Sequence[str]) -> bool:
    with _errors("/".join(parts)):
        try:
            with _folder(root, parts[:-1]) as folder:
                if not parts:
                    return True
                found = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
    return stat.S_ISDIR(found.st_mode)


def size(root: str, parts: Sequence[str]) -> int | None:
    """Bytes of an ordinary file; None where there is none."""
    path = "/".join(parts)
    with _errors(path):
        try:
            with _folder(root, parts[:-1]) as folder:
                found = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
    if not stat.S_ISREG(found.st_mode):
        raise InvalidInput(f"{path} is no ordinary file", field="paths")
    return found.st_size


def walk(root: str, parts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The ordinary files below a folder, in the order of their names; links are passed over."""
    with _errors("/".join(parts)), _folder(root, parts) as top:
        for place, folders, names, folder in os.fwalk(".", dir_fd=top, onerror=_raised):
            folders.sort()
            below = tuple(part for part in place.split("/") if part != ".")
            for name in sorted(names):
                if name.startswith(_PART):
                    continue
                try:
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(found.st_mode):
                    yield (*parts, *below, name)


def _read(folder: int, name: str, limit: int, path: str) -> FileState | None:
    """None when it was written to meanwhile."""
    descriptor = os.open(name, _FILE, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as stream:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise InvalidInput(f"{path} is no ordinary file", field="paths")
        content = stream.read(limit + 1)
        if len(content) > limit:
            raise TooLarge(f"the file {path} has more than {limit:,} bytes", field="paths")
        after = os.fstat(descriptor)
    same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    if not same or len(content) != after.st_size:
        return None
    return FileState(content, after.st_mode & MODE)


@contextmanager
def _folder(root: str, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    descriptor = os.open(root, _FOLDER)
    try:
        for part in parts:
            descriptor = _next(descriptor, part, make)
        yield descriptor
    finally:
        os.close(descriptor)


def _next(folder: int, part: str, make: bool) -> int:
    """Opens a folder in a folder, which is closed. On an error it stays open."""
    try:
        found = os.open(part, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
        with suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=folder)
        os.fsync(folder)
        found = os.open(part, _FOLDER, dir_fd=folder)
    os.close(folder)
    return found


@contextmanager
def _errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
            text = f"{path} is no ordinary file, or a symbolic link leads to it"
            raise InvalidInput(text, field="paths") from None
        raise Conflict(f"{path}: {error.strerror}", field="paths") from None


def _raised(error: OSError) -> None:
    raise error
