"""`colloquy monitoring`, through a server and on a database that nobody serves."""

from __future__ import annotations

import json
import threading

import httpx

from colloquy.storage.file_lock import FileLock
from support.command_line import Serving, Shell


def test_through_a_server(shell: Shell, server: Serving) -> None:
    shell("alerts", "test")  # something that happens
    status = shell("monitoring", "status", "--json").json
    assert status["adapters"] == ["realtime", "websocket"]
    assert "every 300 s" in shell("monitoring", "status").out
    found = shell("monitoring", "validation", "--json").json
    assert found["total_validations"] == sum(
        one["total"] for one in found["by_event_type"].values()
    )
    shell("monitoring", "validation")
    written = shell("monitoring", "flush", "--json").json["flushed_records"]
    records = shell("monitoring", "history", "--json").json["records"]
    assert len(records) >= written
    assert "records written" in shell("monitoring", "flush").out
    history = shell("monitoring", "history", "--span", "day", "--event-type", "nonsense")
    assert history.out == "Nothing was written yet.\n"
    assert "invalid_input" in shell("monitoring", "history", "--cursor", "x", code=1).err


def test_watching_shows_events_as_they_come(shell: Shell, server: Serving) -> None:
    known = FileLock(server.folder / "test.db").read()
    headers = {"authorization": f"Bearer {known['token']}"}
    over = threading.Event()

    def talk() -> None:
        with httpx.Client(base_url=known["url"], headers=headers, trust_env=False) as client:
            while not over.wait(0.02):
                client.post("/v2/messages", json={"conversation": "ann", "text": "hello"})

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        lines = shell("monitoring", "watch", "--count", "2", "--json").out.splitlines()
    finally:
        over.set()
        talking.join()
    events = [json.loads(line) for line in lines]
    assert len(events) == 2
    assert all(event["type"] and event["source"] for event in events)


def test_on_a_database_that_nobody_serves(alone: Shell) -> None:
    alone("keys", "create", "any")  # makes the database
    assert "error: not_found" in alone("monitoring", "watch", code=1).err
