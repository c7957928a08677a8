"""Commands on a database that no server holds: they open it themselves."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from colloquy import Colloquy
from colloquy.client import address
from colloquy.model.message import Message
from colloquy.runtime import Runtime
from colloquy.settings import load_settings
from colloquy.storage.file_lock import FileLock
from support.command_line import APP, Shell, settings


def leave_waiting(shell: Shell) -> None:
    """A message that was accepted and not answered, because no worker ran."""

    async def work() -> None:
        runtime = Runtime(Colloquy(), load_settings(None, settings(shell.folder)), worker=False)
        await runtime.start()
        await runtime.accept([Message(conversation="ana", text="is anybody there?")])
        await runtime.stop()

    asyncio.run(work())


def write_log(folder: Path) -> str:
    file = folder / "log.json"
    users = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    file.write_text(json.dumps([{"id": f"log-{number}", "messages": users} for number in range(3)]))
    return str(file)


def test_history_comes_in_and_goes_out(alone: Shell, tmp_path: Path) -> None:
    file = write_log(tmp_path)
    first = alone("import", file, "--json").json
    assert (first["stored"], first["conversations"]) == (6, 3)
    status = alone("db", "status", "--json").json
    assert (status["conversations"], status["waiting_messages"]) == (3, 0)
    assert status["held_by_process"] is None
    assert alone("import", file).out.endswith("0 stored, 6 there before\n")
    exported = alone("export", "--format", "openai").out.splitlines()
    assert sorted(json.loads(row)["id"] for row in exported) == ["log-0", "log-1", "log-2"]


def test_what_was_exported_can_be_imported_elsewhere(
    alone: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone("import", write_log(tmp_path))
    out = str(tmp_path / "out.jsonl")
    alone("export", out)
    monkeypatch.setenv("COLLOQUY_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert alone("import", out, "--json").json["stored"] == 6
    again = str(tmp_path / "again.jsonl")
    alone("export", again)
    assert _lines(out) == _lines(again)


def _lines(file: str) -> list[str]:
    return sorted(Path(file).read_text().splitlines())


def test_an_import_answers_nobody_that_waits_for_the_assistant(
    alone: Shell, tmp_path: Path
) -> None:
    leave_waiting(alone)
    file = write_log(tmp_path)
    assert "error: conflict: " in alone("import", file, code=1).err
    (tmp_path / "bot.py").write_text(APP)
    assert alone("import", file, "--app", "bot.py", "--json").json["stored"] == 6
    rows = [json.loads(row) for row in alone("export").out.splitlines()]
    said = [row["text"] for row in rows if row["conversation"] == "ana"]
    assert said == ["is anybody there?", "You said: is anybody there?"]


def test_keys_before_the_first_start(alone: Shell) -> None:
    made = alone("keys", "create", "mine", "--scope", "admin", "--json").json
    (listed,) = alone("keys", "list", "--json").json["keys"]
    assert listed == made["key"]


def test_a_holder_that_is_no_server(alone: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "ANNOUNCE_WAIT_S", 0.05)
    alone("db", "upgrade")
    lock = FileLock(alone.folder / "test.db")
    lock.acquire()
    try:
        found = alone("dead-letters", "list", code=1)
        assert found.err.startswith("error: store_locked: process ")
    finally:
        lock.release()
    assert alone("dead-letters", "list").out == "No dead letters.\n"


def test_the_database_is_made_and_shown(alone: Shell) -> None:
    assert "not_found" in alone("db", "status", code=1).err
    assert alone("db", "upgrade", "--json").json["schema"]
    assert "conversations          0" in alone("db", "status").out
    (alone.folder / "test.db").write_bytes(b"")
    assert "no database of Colloquy" in alone("db", "status", code=1).err


def test_a_chat_with_an_engine_of_its_own(
    alone: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot.py").write_text(APP)
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\npoison\n"))
    found = alone("chat", "--app", "bot.py", "--set", "replies.apology=Sorry!")
    assert found.out.splitlines() == ["assistant ◂ You said: hello", "assistant ◂ Sorry!"]
    assert not (tmp_path / "test.db").exists()

    monkeypatch.setattr("sys.stdin", io.StringIO("are pets allowed?\n"))
    found = alone("chat")
    assert "Cats and dogs are welcome" in found.out
    assert "temporary folder" in found.err


def test_databases_on_postgresql(
    alone: Shell, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLOQUY_DATABASE_URL", postgres_url)
    assert "not_found" in alone("db", "status", code=1).err
    alone("db", "upgrade")
    assert alone("import", write_log(tmp_path), "--json").json["stored"] == 6
    status = alone("db", "status", "--json").json
    assert (status["conversations"], status["schema"]) == (3, status["schema_wanted"])
    found = {check["name"]: check for check in alone("doctor", "--json").json["checks"]}
    assert found["database"]["status"] == "ok"
    assert "PostgreSQL" in found["database"]["detail"]
