"""A server that is killed between sending a webhook and recording it sends the same again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from colloquy.model.session import EventKind
from colloquy.model.webhooks import WebhookRequest
from colloquy.webhooks import verify
from support.engine import echo, running
from support.receiver import LOCAL, Reaction, Received, Receiver
from support.waiting import until

CHILD = """
import asyncio, json, sys
from support.engine import echo, settings_for
from colloquy import Message
from colloquy.runtime import Runtime

database, folder, options, *posts = sys.argv[1:]

async def main():
    runtime = Runtime(echo(), settings_for(database, folder, **json.loads(options)))
    await runtime.start()
    await runtime.accept([Message(conversation="ann", text=text, id=text) for text in posts])
    await asyncio.Event().wait()

asyncio.run(main())
"""


def child(database: str, folder: Path, *posts: str) -> subprocess.Popen[bytes]:
    options = json.dumps(LOCAL | {"webhooks__timeout_s": "60"})
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, database, str(folder), options, *posts],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'colloquy.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_killed_while_sending_it_sends_again_under_the_same_id(
    database: str, tmp_path: Path
) -> None:
    arrived = threading.Event()
    killed = threading.Event()

    def react(received: Received) -> Reaction:
        """The receiver has acted on it, but its answer never reaches the sender."""
        if not killed.is_set() and received.event["data"]["seq"] >= 5:
            arrived.set()
            killed.wait(60)
        return Reaction()

    with Receiver(react) as receiver:
        async with running(echo(), database, tmp_path, **LOCAL) as talk:
            made = await talk.runtime.webhooks.create(
                WebhookRequest(receiver.url, [EventKind.MESSAGE, EventKind.REPLY]), "tester"
            )
        process = child(database, tmp_path, "one", "two", "three")
        try:
            assert await asyncio.to_thread(arrived.wait, 60)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(60)
        killed.set()
        async with running(echo(), database, tmp_path, **LOCAL) as talk:
            await until(lambda: {*_seqs(receiver)} == {2, 3, 4, 5, 6, 7}, 60)
            page = await talk.runtime.webhooks.deliveries(made.webhook.id)
            assert len(page.deliveries) == 6
    events = [verify(made.secret, one.headers, one.body) for one in receiver.received]
    times = Counter(event["data"]["seq"] for event in events)
    assert times == {2: 1, 3: 1, 4: 1, 5: 2, 6: 1, 7: 1}
    twice = [one for one in receiver.received if one.event["data"]["seq"] == 5]
    assert twice[0].id == twice[1].id
    assert twice[0].body == twice[1].body
    assert len(set(receiver.ids())) == 6


def _seqs(receiver: Receiver) -> list[int]:
    return [one.event["data"]["seq"] for one in list(receiver.received)]
