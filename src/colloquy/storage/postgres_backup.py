"""Backups of a PostgreSQL database with its own tools, `pg_dump` and `pg_restore`.

A dump is one snapshot in the custom format. Passwords go through the environment, where other
users of the machine do not see them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from ..model.errors import Conflict, InvalidInput, StoreUnavailable, Unavailable, UnsoundBackup


def dump(url: str, file: Path, *, force: bool) -> None:
    """Writes a dump. Raises Conflict when `file` is there, Unavailable without `pg_dump`,
    StoreUnavailable with its words when it fails."""
    if file.exists() and not force:
        raise Conflict(f"{file} is there already; --force replaces it", field="file")
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}", field="file") from None
    try:
        _run(url, "pg_dump", "--format=custom", f"--file={part}", "--dbname={url}")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def check(file: Path) -> int:
    """The number of entries of a dump whose list could be read. Raises UnsoundBackup."""
    try:
        listed = _run("", "pg_restore", "--list", str(file))
    except StoreUnavailable as error:
        raise UnsoundBackup(error.detail, problems=[error.detail]) from None
    return sum(1 for line in listed.splitlines() if line and not line.startswith(";"))


def load(file: Path, url: str, *, force: bool) -> None:
    """Brings a dump into a database in one transaction: whole or not at all. `force` drops what
    is there under the same names. Raises Unavailable, StoreUnavailable."""
    options = ["--clean", "--if-exists"] if force else []
    _run(url, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", *options,
         "--dbname={url}", str(file))  # fmt: skip


def _run(url: str, program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        place = without_password(url)
        shown = " ".join([program, *(one.format(url=place) for one in arguments)])
        raise Unavailable(
            f"{program} is not installed (Debian: postgresql-client); where it is, run: {shown}"
        )
    command = [program, *(one.format(url=without_password(url)) for one in arguments)]
    done = subprocess.run(
        command, env=_environment(url, os.environ), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StoreUnavailable(f"{program} failed: {' '.join(done.stderr.split())}")
    return done.stdout


def without_password(url: str) -> str:
    """The address as it may stand on a command line."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{host}"))


def _environment(url: str, env: Mapping[str, str]) -> dict[str, str]:
    password = urlsplit(url).password
    return {**env, **({"PGPASSWORD": unquote(password)} if password is not None else {})}
