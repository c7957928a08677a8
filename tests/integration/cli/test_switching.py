"""A server that goes over to other models when it is told to look at its settings again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from colloquy.client import AsyncClient
from colloquy.model.message import Message
from support.command_line import Serving

ANSWER_S = 30.0
WAIT_S = 60.0

BOT = """
from colloquy import Colloquy

app = Colloquy()

@app.on_message
def answer(turn):
    return turn.understanding.extra.get("size", [{}])[0].get("name", "unknown")
"""
SIZES = """
from colloquy import Label

class Sizes:
    name, version = "size", "1"
    def classify(self, texts, contexts):
        return [[Label("long" if len(t) > 9 else "short", 1.0)] for t in texts]
"""


def ask(serving: Serving, text: str) -> str | None:
    async def work() -> str | None:
        async with AsyncClient(serving.said["url"]) as client:
            answer = await client.send(Message(conversation="ana", text=text), ANSWER_S)
            assert answer.replies
            return answer.replies[0].text

    return asyncio.run(work())


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not met():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_signal_makes_it_read_its_models_again(tmp_path: Path, workers: str) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / "sizes.py").write_text(SIZES)
    toml = tmp_path / "colloquy.toml"
    toml.write_text("")
    log = tmp_path / "server.log"
    serving = Serving(tmp_path, "--dev", "--workers", workers)

    def refused() -> int:
        return log.read_text().count("models_not_switched")

    serving.start()
    try:
        assert ask(serving, "hello") == "unknown"
        toml.write_text('[understanding]\nextensions = ["sizes.py:Sizes"]\n')
        serving.process.send_signal(signal.SIGUSR1)
        until(lambda: ask(serving, "hello") == "short")
        for number, wrong in enumerate(
            ("model = 'none such'", "extensions = ['no_module:X']", "model = 5", "[["), 1
        ):
            toml.write_text(f"[understanding]\n{wrong}\n")
            serving.process.send_signal(signal.SIGUSR1)
            until(lambda count=number: refused() == count)  # type: ignore[misc]
        assert ask(serving, "hello again") == "long"
        assert "Traceback" not in log.read_text()
    finally:
        assert serving.stop() == 0
