"""Checks of a machine and an installation, one by one. See `doctor` and the console's page.

Nothing is changed. A check never raises: what it cannot find out is a finding of its own.
"""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
import shutil
import stat
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import apsw
from msgspec import Struct

from ..model.errors import ColloquyError, SettingsError
from ..settings import Resolution, Settings, shown
from ..storage import schema
from ..storage.signals.carrier import carrier_to
from ..storage.signals.envelope import Identity
from ..storage.signals.signals import Signals
from ..understanding.model_files import model_version
from ..understanding.packs.folder import load_pack
from ..understanding.train import shipped_model
from .assistant import find_pack

SQLITE_LEAST = (3, 53, 0)
"""Its change log lists the repair of a rare corruption of the write-ahead log."""
FSYNC_SLOW_MS = 10.0
"""What a turning disk needs: one sender at a time then gets 100 messages a second through."""
FSYNC_SAMPLES = 20
SPACE_LEAST = 100 * 1024 * 1024
SPACE_LOW = 1024 * 1024 * 1024
INTEGRITY_S = 10.0
"""How long a database is read to check it; a larger one is checked in part."""
NETWORK_S = 5.0
UNSYNCED = ("tmpfs", "ramfs")
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs")
"""File systems whose locks or syncs are not to be relied on."""
EXTRAS = {
    "train": ("sklearn", "training an intent pack of your own"),
    "postgres": ("asyncpg", "a PostgreSQL database"),
    "reload": ("watchfiles", "serve --reload"),
}


class Check(Struct, frozen=True, omit_defaults=True):
    """One finding. `fail` means the engine will not run or not keep its promises."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    advice: str | None = None


async def check_installation(resolution: Resolution) -> list[Check]:
    """Every check that needs no other process, in an order that puts causes before effects.

    What blocks runs in a thread.
    """
    settings = resolution.settings
    changed = sum(origin != "default" for _, _, origin in resolution.rows())
    folder = existing(settings.data_folder)
    checks = [
        check_python(),
        check_sqlite(),
        Check("settings", "ok", f"{changed} differ from the defaults"),
        *check_extras(),
        await safely("pack", asyncio.to_thread(check_pack, settings)),
        check_disk_space(folder),
        await asyncio.to_thread(check_fsync, folder),
    ]
    if settings.sqlite_file is not None:
        checks.append(await asyncio.to_thread(check_database, settings.sqlite_file))
    else:
        checks.append(await safely("database", check_postgres(settings)))
    if settings.signals.url is not None:
        checks.append(await safely("signals", check_signals(settings)))
    checks.append(await asyncio.to_thread(check_spool, settings))
    checks.append(await asyncio.to_thread(check_secret_key, settings))
    return checks


def worst(checks: list[Check]) -> str:
    """ok, warn or fail: the worst of them."""
    found = {check.status for check in checks}
    return next((status for status in ("fail", "warn") if status in found), "ok")


async def safely(name: str, check: Awaitable[Check]) -> Check:
    """The finding of a check that may raise."""
    try:
        return await check
    except ColloquyError as error:
        return Check(name, "fail", f"{error.code}: {error.detail}")
    except (OSError, TimeoutError) as error:
        return Check(name, "fail", f"{type(error).__name__}: {error}")


# -- the installation -------------------------------------------------------------------------


def check_python() -> Check:
    """Which interpreter this is; an older one than allowed could not have been installed on."""
    name = f"{platform.python_implementation()} {platform.python_version()}"
    return Check("python", "ok", f"{name} at {sys.executable}")


def check_sqlite(version: str | None = None) -> Check:
    """The SQLite that apsw brings; that of the standard library is never used."""
    version = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")[:3]) < SQLITE_LEAST:
        least = ".".join(str(part) for part in SQLITE_LEAST)
        return Check("sqlite", "fail", version, f"Install apsw with SQLite {least} or newer.")
    return Check("sqlite", "ok", f"{version} (apsw {apsw.apsw_version()})")


def settings_problems(error: SettingsError) -> Iterator[Check]:
    """A finding for each thing that is wrong, with where it was said."""
    for problem in error.extra["problems"]:
        said = f"{problem['setting']} {problem['detail']}".strip()
        yield Check("settings", "fail", f"{said} ({problem['source']})", "colloquy config check")


def check_extras() -> Iterator[Check]:
    for extra, (module, use) in EXTRAS.items():
        if find_spec(module) is not None:
            yield Check(f"extra {extra}", "ok", "installed")
        else:
            yield Check(
                f"extra {extra}",
                "warn",
                f"not installed; needed for {use}",
                f"pip install 'colloquy[{extra}]'",
            )


def check_pack(settings: Settings) -> Check:
    """The intent pack of the settings (else the shipped one), and whether its model is at hand."""
    pack = load_pack(find_pack(settings.pack if settings.pack is not None else "property"))
    version = model_version(pack)
    said = f"{pack.name}: {len(pack.intents)} intents"
    if shipped_model(pack) is not None:
        return Check("pack", "ok", f"{said}, model {version} ships with Colloquy")
    if find_spec("sklearn") is None:
        return Check(
            "pack", "fail", f"{said}; its model has to be trained",
            "pip install 'colloquy[train]'",
        )  # fmt: skip
    return Check("pack", "ok", f"{said}; its model is trained at the first start")


# -- the disk ---------------------------------------------------------------------------------


def existing(folder: Path) -> Path:
    """The folder, else the nearest one above it that exists."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def check_disk_space(folder: Path, free: int | None = None) -> Check:
    free = shutil.disk_usage(folder).free if free is None else free
    detail = f"{_size(free)} free in {folder}"
    if free < SPACE_LEAST:
        return Check("disk space", "fail", detail, "Make room: accepting stops on a full disk.")
    if free < SPACE_LOW:
        return Check("disk space", "warn", detail, "A million messages need about 2.5 GB.")
    return Check("disk space", "ok", detail)


def check_fsync(folder: Path) -> Check:
    """How long the disk takes to make 4 KiB durable: the price of every acknowledged message."""
    kind = file_system(folder)
    times: list[float] = []
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".colloquy-doctor-") as file:
            for _ in range(FSYNC_SAMPLES):
                file.write(os.urandom(4096))
                file.flush()
                started = time.perf_counter()
                os.fdatasync(file.fileno())
                times.append((time.perf_counter() - started) * 1000)
    except OSError as error:
        return Check("fsync", "fail", f"{folder} cannot be written: {error.strerror}")
    median = statistics.median(times)
    detail = f"{median:.2f} ms (median of {FSYNC_SAMPLES}) on {kind or 'an unknown file system'}"
    if kind in REMOTE:
        return Check("fsync", "fail", detail, "Put the database on a disk of this machine.")
    if kind in UNSYNCED:
        return Check("fsync", "warn", detail, "This is memory: everything goes with the machine.")
    if median > FSYNC_SLOW_MS:
        return Check("fsync", "warn", detail, "Send in batches: each request waits for one sync.")
    return Check("fsync", "ok", detail)


def file_system(folder: Path, mounts: str | None = None) -> str:
    """The kind of file system a folder lies on, by the longest mount point; "" if not known."""
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    path = str(folder.resolve())
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").rstrip("/")
        if (path == point or path.startswith(point + "/")) and len(point) >= best:
            best, kind = len(point), fields[2]
    return kind


# -- the database -----------------------------------------------------------------------------


def check_database(file: Path) -> Check:
    """Opened read-only, beside a server that may be running."""
    if not file.exists():
        return Check("database", "ok", f"{file} does not exist yet; the first start makes it")
    try:
        connection = apsw.Connection(str(file.absolute()), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error as error:
        return Check("database", "fail", f"{file} cannot be opened: {error}")
    try:
        found = schema_version(connection)
        if found is None:
            return Check(
                "database", "fail", f"{file} is no database of Colloquy",
                "Name another file with --database-url.",
            )  # fmt: skip
        whole, problem = _integrity(connection)
    except apsw.Error as error:
        return Check("database", "fail", f"{file}: {error}", "Restore a backup.")
    finally:
        connection.close()
    size = _size(file.stat().st_size)
    if problem:
        return Check("database", "fail", f"{file}: {problem}", "Restore a backup.")
    if found != schema.HEAD:
        return Check(
            "database", "warn", f"{file} has schema {found}, this program {schema.HEAD}",
            "colloquy db upgrade (serve does it too)",
        )  # fmt: skip
    if not whole:
        detail = f"{file}, {size}, schema {found}; checked for {INTEGRITY_S:.0f} s, not to the end"
        return Check("database", "ok", detail)
    return Check("database", "ok", f"{file}, {size}, schema {found}, sound")


def schema_version(connection: apsw.Connection) -> str | None:
    """The revision that the database is at; None when it is not one of ours."""
    tables = connection.execute(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'"
    ).fetchall()
    if not tables[0][0]:
        return None
    rows = connection.execute("SELECT version_num FROM schema_version").fetchall()
    return str(rows[0][0]) if rows else None


def _integrity(connection: apsw.Connection) -> tuple[bool, str]:
    """(read to the end, what is wrong)."""
    end = time.monotonic() + INTEGRITY_S
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        rows = connection.execute("PRAGMA quick_check(3)").fetchall()
    except apsw.InterruptError:
        return False, ""
    said = [str(row[0]) for row in rows]
    return True, "" if said == ["ok"] else "; ".join(said)


async def check_postgres(settings: Settings) -> Check:
    """Reachable, which version, and whether its answers are durable."""
    url = str(shown("database_url", settings.database_url))
    if find_spec("asyncpg") is None:
        return Check("database", "fail", f"{url} needs asyncpg", "pip install 'colloquy[postgres]'")
    import asyncpg

    try:
        connection = await asyncpg.connect(settings.database_url, timeout=NETWORK_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
        return Check("database", "fail", f"{url}: {type(error).__name__}: {error}")
    try:
        version = await connection.fetchval("SHOW server_version")
        risky = [
            name
            for name in ("fsync", "synchronous_commit", "full_page_writes")
            if await connection.fetchval(f"SHOW {name}") == "off"
        ]
        known = await connection.fetchval("SELECT to_regclass('schema_version') IS NOT NULL")
        found = None
        if known:
            found = await connection.fetchval("SELECT version_num FROM schema_version")
    finally:
        await connection.close(timeout=NETWORK_S)
    detail = f"{url}, PostgreSQL {version}, schema {found or 'not made yet'}"
    if risky:
        return Check(
            "database", "fail", f"{detail}; off: {', '.join(risky)}",
            "Switch them on: without them accepted messages can be lost.",
        )  # fmt: skip
    if found not in (None, schema.HEAD):
        return Check(
            "database", "warn", f"{detail}, this program {schema.HEAD}", "colloquy db upgrade"
        )
    return Check("database", "ok", detail)


async def check_signals(settings: Settings) -> Check:
    """The server that carries signals: whether what is sent there comes back, and how fast."""
    server = settings.signals.server
    assert server is not None
    signals = Signals(carrier_to(server), prefix=settings.signals.prefix)
    try:
        # A channel of its own, which is gone with this check.
        await signals.open(Identity.of(secrets.token_bytes(32), "doctor"))
        started = time.perf_counter()
        await signals.echo()
        took_ms = (time.perf_counter() - started) * 1000
    finally:
        await signals.close()
    return Check("signals", "ok", f"{server.place}, there and back in {took_ms:.1f} ms")


def check_spool(settings: Settings) -> Check:
    """What was accepted while the database was away and is not in it yet."""
    folder = settings.spool_folder
    files = list(folder.rglob("*.spool")) if folder.is_dir() else []
    size = sum(file.stat().st_size for file in files)
    if not size:
        return Check("spool", "ok", "empty")
    return Check(
        "spool", "warn", f"{_size(size)} in {len(files)} files in {folder}",
        "A running server brings them into the database; start one.",
    )  # fmt: skip


def check_secret_key(settings: Settings) -> Check:
    """Where the key is that seals stored secrets, and whether only its owner can read it."""
    file = settings.key_file
    if settings.security.secret_key is not None:
        return Check("secret_key", "ok", "in security.secret_key")
    if settings.sqlite_file is None:
        return Check(
            "secret_key", "warn", f"in {file.name} of this machine: other servers cannot open "
            "what this one seals",
            "Set security.secret_key for all of them: openssl rand -base64 32",
        )  # fmt: skip
    if not file.exists():
        return Check("secret_key", "ok", f"{file.name} is made when it is needed")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        return Check("secret_key", "warn", f"others can read {file}", f"chmod 600 {file}")
    return Check("secret_key", "ok", f"in {file}")


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
