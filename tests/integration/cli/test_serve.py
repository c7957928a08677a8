"""Servers and workers as processes: starts, stops, reloads."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from colloquy.client import AsyncClient
from colloquy.model.message import Message
from support.command_line import Serving, Shell, settings

ANSWER_S = 30.0


def ask(serving: Serving, key: str | None, text: str) -> list[str | None]:
    async def work() -> list[str | None]:
        async with AsyncClient(serving.said["url"], key) as client:
            answer = await client.send(Message(conversation="ana", text=text), ANSWER_S)
            return [reply.text for reply in answer.replies or []]

    return asyncio.run(work())


def test_a_key_is_shown_once_and_works_after_a_restart(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    said = serving.start()
    assert said["console"] == f"{said['url']}/console"
    key = said["admin_key"]
    assert ask(serving, key, "one") == ["You said: one"]
    assert serving.stop() == 0
    assert serving.start()["admin_key"] is None
    assert ask(serving, key, "two") == ["You said: two"]
    assert serving.stop() == 0


def test_dev_needs_no_key_from_this_machine(tmp_path: Path) -> None:
    serving = Serving(tmp_path, "--dev", "--workers", "0")
    serving.start()
    assert ask(serving, None, "hello") == ["You said: hello"]
    assert serving.stop() == 0


def test_a_start_that_fails_says_why_in_one_line(alone: Shell, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert (
            "error: invalid_input: port: cannot listen"
            in alone("serve", "--port", port, code=1).err
        )
    assert (
        "error: not_found: app: there is no module nowhere"
        in alone("serve", "--app", "nowhere:app", code=1).err
    )
    assert "error: invalid_settings: " in alone("serve", "--set", "port=x", code=1).err


def test_reload_starts_anew_when_a_source_changes(tmp_path: Path) -> None:
    serving = Serving(tmp_path, "--reload", "--dev", "--workers", "0")
    serving.start()
    assert ask(serving, None, "one") == ["You said: one"]
    serving.app.write_text(serving.app.read_text().replace("You said", "You wrote"))
    serving.said = serving.next_words()
    assert ask(serving, None, "two") == ["You wrote: two"]
    assert serving.stop() == 0


def test_a_worker_needs_postgresql(alone: Shell) -> None:
    assert "error: invalid_input: database_url: on SQLite" in alone("worker", code=1).err


def test_a_worker_answers_what_others_accepted(tmp_path: Path, postgres_url: str) -> None:
    shared = {"COLLOQUY_DATABASE_URL": postgres_url, "COLLOQUY_DATA_DIR": str(tmp_path)}
    app = Serving(tmp_path).app
    worker = subprocess.Popen(
        [sys.executable, "-m", "colloquy.cli", "worker", "--app", str(app), "--json"],
        cwd=tmp_path,
        env=os.environ | settings(tmp_path) | shared,
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "worker.log").open("wb"),
    )
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith(b'{"worker":')
        replies = asyncio.run(_accept_elsewhere(settings(tmp_path) | shared))
        assert replies == ["You said: hello"]
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    finally:
        worker.kill()
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()


async def _accept_elsewhere(env: dict[str, str]) -> list[str | None]:
    from colloquy import Colloquy
    from colloquy.model.views import Receipt
    from colloquy.runtime import Runtime
    from colloquy.settings import load_settings

    runtime = Runtime(Colloquy(), load_settings(None, env), worker=False)
    await runtime.start()
    try:
        (receipt,) = await runtime.accept([Message(conversation="ana", text="hello")])
        assert isinstance(receipt, Receipt)
        replies = await runtime.wait(receipt.message_id, ANSWER_S)
        assert replies is not None
        return [reply.text for reply in replies]
    finally:
        await runtime.stop()
