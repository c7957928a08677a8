"""Messages that kill: the process that works on them, or the one that understands them.

A child process runs the engine, is killed by a message (or by us), and is started again until it
has come to rest: what killed it is dead-lettered, everything else is answered once and in order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.engine import echo, running

CHILD = """
import asyncio, os, signal, sys
from colloquy import Colloquy, Message
from support.engine import settings_for
from colloquy.runtime import Runtime

database, mode, *posts = sys.argv[1:]
app = Colloquy()

@app.on_message
async def answer(turn):
    if "kill parked" in turn.text:
        await asyncio.sleep(0.08)
        os._exit(1)
    if "kill" in turn.text:
        os._exit(1)
    if "stop here" in turn.text and mode == "first":
        print("stopped", flush=True)
        await asyncio.Event().wait()
    return f"You said: {turn.text}"

async def main():
    settings = settings_for(database, replies__apology_hand_over="", pipeline__crash_limit="3",
                            pipeline__parked_timeout_s="30")
    runtime = Runtime(app, settings)
    await runtime.start()
    items = [Message(conversation=p.split(":")[0], text=p.split(":")[1], id=p) for p in posts]
    if items:
        await runtime.accept(items)
    print("ready", flush=True)
    while mode == "first" or not (runtime.worker.is_idle and runtime.delivery.is_idle):
        await asyncio.sleep(0.005)
    await runtime.stop()

asyncio.run(main())
"""


def child(database: Path, mode: str, *posts: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, f"sqlite:///{database}", mode, *posts],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_until_rest(database: Path, *posts: str, limit: int = 12) -> int:
    """Runs the engine again and again until it ends by itself; returns how often it died."""
    deaths = 0
    while True:
        process = child(database, "rest", *(posts if not deaths else ()))
        _, errors = process.communicate(timeout=120)
        if process.returncode == 0:
            return deaths
        assert process.returncode in (1, -signal.SIGKILL), errors
        assert "Traceback" not in errors, errors
        deaths += 1
        assert deaths <= limit, "it never came to rest"


async def verdict(database: Path) -> tuple[list[Any], dict[str, list[str]]]:
    """The dead letters, and each conversation's log."""
    async with running(echo(), database) as talk:
        letters = (await talk.runtime.dead_letters()).dead_letters
        logs: dict[str, list[str]] = {}
        async for row in talk.runtime.export():
            if row["kind"] in ("message", "reply"):
                text = row["body"].get("text") or row["body"].get("message", {}).get("text")
                logs.setdefault(row["conversation"], []).append(text)
        return letters, logs


@pytest.mark.timeout(600)
@pytest.mark.parametrize("text", ["kill", "kill parked"])
async def test_a_message_that_kills_the_process_is_found_out_and_the_others_survive(
    tmp_path: Path, text: str
) -> None:
    database = tmp_path / "a.db"
    posts = [f"c{n}:hello {k}" for k in range(2) for n in range(6)]
    posts.insert(5, f"bad:{text}")
    posts.append("bad:after")
    deaths = run_until_rest(database, *posts)
    assert 3 <= deaths <= 4, "twice with the others, then alone"
    (letter,), logs = await verdict(database)
    assert letter.cause == "crashed"
    assert msgspec.json.decode(letter.message)["text"] == text
    for number in range(6):
        expected = [line for k in range(2) for line in (f"hello {k}", f"You said: hello {k}")]
        assert logs[f"c{number}"] == expected
    assert logs["bad"][-2:] == ["after", "You said: after"]


async def test_a_message_that_was_killed_with_others_is_not_blamed_for_them(
    tmp_path: Path,
) -> None:
    """SIGKILL from outside, again and again, while one message is being worked on."""
    database = tmp_path / "a.db"
    posts = ("a:stop here", "a:next", "b:hello")
    for count in range(3):
        process = child(database, "first", *(posts if not count else ()))
        assert process.stdout is not None
        awaited = {"ready", "stopped"}
        while awaited:
            line = process.stdout.readline()
            assert line, "it ended too early"
            awaited.discard(line.strip())
        await asyncio.sleep(0.05)  # the handler is parked by now, or not: both must do
        process.kill()
        process.wait()
    assert run_until_rest(database) == 0
    letters, logs = await verdict(database)
    assert letters == [] or [letter.cause for letter in letters] == ["crashed"]
    assert logs["b"] == ["hello", "You said: hello"]
    assert logs["a"][-2:] == ["next", "You said: next"]


async def test_a_text_that_kills_the_compute_process_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys, os\n"
        "if '--parent' in sys.argv or 'compute' in ' '.join(sys.orig_argv):\n"
        "    from colloquy.understanding import analyse\n"
        "    real = analyse.Analyser.analyse\n"
        "    def deadly(self, items):\n"
        "        if any('segfault' in item.text for item in items):\n"
        "            os._exit(139)\n"
        "        return real(self, items)\n"
        "    analyse.Analyser.analyse = deadly\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    settings = {
        "workers": "1",
        "pipeline__crash_limit": "2",
        "replies__apology_hand_over": "",
        "replies__apology": "",
    }
    async with running(echo(), tmp_path / "a.db", **settings) as talk:
        receipts = []
        for number in range(6):
            text = "segfault" if number == 2 else f"hello {number}"
            receipts.append(await talk.post(text, f"c{number}"))
        for number, receipt in enumerate(receipts):
            state = await talk.reached(receipt, "done", "dead")
            assert state.state == ("dead" if number == 2 else "done")
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        assert letter.cause == "compute_crashed"
        assert await talk.send("still here", "c2") == ["You said: still here"]
