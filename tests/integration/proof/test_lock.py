"""The process that locks a database: others are kept out, and it lets go."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import asyncpg
import pytest


@contextmanager
def holder(url: str, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """The running process, once it has the lock; told to let go at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "colloquy.proof.lock", url, str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked\n"
    try:
        yield process
    finally:
        process.communicate()
        assert process.returncode == 0


def test_writers_are_kept_out_of_an_sqlite_file_while_readers_read(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "a.db"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    with holder(f"sqlite:///{tmp_path / 'a.db'}", 60):
        assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]
        with pytest.raises(apsw.BusyError):
            connection.execute("INSERT INTO t VALUES (2)")
    connection.execute("INSERT INTO t VALUES (2)")
    connection.close()


def test_it_lets_go_by_itself(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "a.db"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (x)")
    with holder(f"sqlite:///{tmp_path / 'a.db'}", 0.05) as process:
        assert process.wait(30) == 0
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()


async def test_writers_are_kept_out_of_postgresql(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("CREATE TABLE inbox (x int); CREATE TABLE message_keys (x int)")
    await connection.execute("SET lock_timeout = '10ms'")
    with holder(postgres_url, 60):
        assert await connection.fetch("SELECT x FROM inbox") == []
        with pytest.raises(asyncpg.LockNotAvailableError):
            await connection.execute("INSERT INTO inbox VALUES (1)")
    await connection.execute("INSERT INTO inbox VALUES (1)")
    await connection.close()
