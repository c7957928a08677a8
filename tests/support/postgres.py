"""A PostgreSQL server for the tests: the one we are told of, the machine's, or a private one."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

MACHINE = "postgresql://postgres@127.0.0.1:5432/postgres"

MISSING = (
    "These tests need PostgreSQL and none was found: set COLLOQUY_TEST_POSTGRES_URL, "
    f"or let one answer at {MACHINE}, or install the packages (apt-get install postgresql)."
)

FRESH = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
INITIAL = ("--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server that lets us make databases. Raises RuntimeError when there is none."""
    told = os.environ.get("COLLOQUY_TEST_POSTGRES_URL")
    if told:
        why = asyncio.run(_refusal(told))
        if why is not None:
            raise RuntimeError(f"COLLOQUY_TEST_POSTGRES_URL does not answer: {why}")
        yield told
    elif asyncio.run(_refusal(MACHINE)) is None:
        yield MACHINE
    else:
        with private_server() as url:
            yield url


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """The URL of a fresh database with a random name; dropped afterwards."""
    name = f"colloquy_test_{secrets.token_hex(8)}"
    asyncio.run(_execute(server_url, f'CREATE DATABASE "{name}" {FRESH}'))
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        asyncio.run(_execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)'))


def vector_programs() -> Path:
    """The programs of a PostgreSQL that has the extension `vector`: those of the package pgserver.

    Raises RuntimeError where it is not installed.
    """
    found = importlib.util.find_spec("pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("These tests need the package pgserver (scripts/install brings it).")
    return Path(found.origin).parent / "pginstall" / "bin"


@contextmanager
def private_server(programs: Path | None = None) -> Iterator[str]:
    """A server of our own on a free port, out of these or the installed programs; gone
    afterwards."""
    programs = programs or _programs()
    if programs is None:
        raise RuntimeError(MISSING)
    # PostgreSQL refuses to run as root.
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="colloquy-postgres-"))
    try:
        if prefix:
            shutil.chown(folder, "postgres")
        data, log = folder / "data", folder / "log"
        _run(
            [*prefix, str(programs / "initdb"), "-D", str(data), *INITIAL],
            folder,
        )
        port = free_port()
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
            "-c fsync=off -c shared_buffers=32MB"
        )
        control = [*prefix, str(programs / "pg_ctl"), "-D", str(data), "-w", "-s"]
        _run([*control, "-l", str(log), "-o", options, "start"], folder)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`, the newest version first."""
    versions = Path("/usr/lib/postgresql")
    folders = [folder / "bin" for folder in versions.glob("*")] if versions.is_dir() else []
    folders.sort(key=lambda folder: _number(folder.parent.name), reverse=True)
    on_path = shutil.which("pg_ctl")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


def _number(version: str) -> float:
    try:
        return float(version)
    except ValueError:
        return 0.0


def _run(command: list[str], folder: Path) -> None:
    # Its output goes to a file: a pipe would be held open by the server for as long as it runs.
    with (folder / "commands").open("ab") as output:
        done = subprocess.run(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/", timeout=60
        )
    if done.returncode != 0:
        said = (folder / "commands").read_text(errors="replace")
        raise RuntimeError(f"{' '.join(command)} failed: {said}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _refusal(url: str) -> str | None:
    """Why the server does not take us, or None when it does."""
    try:
        connection = await asyncpg.connect(url, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return str(error) or type(error).__name__
    await connection.close()
    return None


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
