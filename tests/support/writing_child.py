"""Runs as a process of its own: writes messages into one conversation, a few at a time.

`python -m support.writing_child TARGET COUNT [KEY]`: TARGET is the address of a server, which is
asked with this key, or the URL of a database, on which the child then works itself.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx
import msgspec

from colloquy import Colloquy, Message, Reply, Turn
from colloquy.model.errors import ColloquyError
from colloquy.proof.conversations import made_up
from colloquy.runtime import Runtime
from colloquy.telemetry import configure

CONVERSATION = "ann"
AT_ONCE = 4
TESTS = Path(__file__).parents[1]


def assistant() -> Colloquy:
    """Puts a context together for each answer, so that what is kept moves on."""
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> Reply:
        context = await turn.context.assemble()
        return Reply(f"You said: {turn.text}", metadata={"items": len(context.items)})

    return app


def texts(count: int) -> list[str]:
    """What is written: names, amounts and days, each text once."""
    return [f"{line.text} ({line.seq})" for line in made_up(count, seed=7)]


def start(target: str, count: int, key: str = "") -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "support.writing_child", target, str(count), key],
        env={**os.environ, "PYTHONPATH": path},
    )


async def main(target: str, count: int, key: str) -> None:
    messages = [Message(conversation=CONVERSATION, text=text) for text in texts(count)]
    parts = [messages[at : at + AT_ONCE] for at in range(0, count, AT_ONCE)]
    if target.startswith("http"):
        await _over_http(target, parts, key)
    else:
        await _on_database(target, parts)


async def _over_http(url: str, parts: list[list[Message]], key: str) -> None:
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=60, trust_env=False
    ) as client:
        for messages in parts:
            for message in messages[:-1]:
                answer = await client.post("/v2/messages", json=msgspec.to_builtins(message))
                answer.raise_for_status()
            # The next ones come once the last of these was answered.
            last = msgspec.to_builtins(messages[-1])
            answer = await client.post("/v2/messages?wait=30", json=last)
            answer.raise_for_status()


async def _on_database(url: str, parts: list[list[Message]]) -> None:
    app = assistant()
    runtime = Runtime(app, app.settings({"preset": "test", "database_url": url}))
    await runtime.start()
    try:
        for messages in parts:
            for receipt in await runtime.accept(messages):
                if isinstance(receipt, ColloquyError):
                    raise receipt
                await runtime.wait(receipt.message_id, 60)
    finally:
        await runtime.stop()


if __name__ == "__main__":
    configure("error")
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
