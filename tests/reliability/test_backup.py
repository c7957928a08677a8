"""A backup that is taken while a server writes: nothing with a receipt is missing, nothing torn."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from colloquy.client import Client
from colloquy.model.message import Message
from support.command_line import Serving, Shell

APP = """
from colloquy import Colloquy

app = Colloquy()


@app.on_message
def answer(turn):
    turn.state["count"] = turn.state.get("count", 0) + 1
    return f"That was number {turn.state['count']}."
"""
"""Each turn changes state: a row of the ledger."""
BATCH = 25
BEFORE = 500
"""Messages with a receipt before the backup begins."""
AFTER = 500
"""Messages with a receipt after it: they are not in it."""
SETTLE_S = 60.0


class Crowd(threading.Thread):
    """Writes until it is stopped; `receipts` are ids of messages, in the order they came."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(daemon=True)
        self._url, self._key = url, key
        self.receipts: list[str] = []
        self.grown = threading.Condition()
        self.stopped = threading.Event()

    def run(self) -> None:
        with Client(self._url, self._key) as client:
            number = 0
            while not self.stopped.is_set():
                messages = [
                    Message(conversation=f"c-{(number + n) % 40}", text=f"Number {number + n}")
                    for n in range(BATCH)
                ]
                found = client.send_many(messages)
                number += BATCH
                with self.grown:
                    self.receipts += [one.message_id for one in found]  # type: ignore[union-attr]
                    self.grown.notify()

    def wait_for(self, count: int) -> None:
        with self.grown:
            assert self.grown.wait_for(lambda: len(self.receipts) >= count, 120)


@pytest.mark.timeout(600)
def test_a_backup_under_load_has_everything_that_was_received_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "restored"
    folder.mkdir()
    for place in (tmp_path, folder):
        (place / "bot.py").write_text(APP, encoding="utf-8")
    serving = Serving(tmp_path)
    said = serving.start()
    shell = Shell(tmp_path, capsys, monkeypatch)
    crowd = Crowd(said["url"], said["admin_key"])
    crowd.start()
    try:
        crowd.wait_for(BEFORE)
        received = list(crowd.receipts)
        made = shell("backup", "b.db", "--json").json
        crowd.wait_for(len(crowd.receipts) + AFTER)
    finally:
        crowd.stopped.set()
        crowd.join(60)
        assert serving.stop() == 0
    checked = shell("restore", "b.db", "--to", "restored/test.db", "--json").json
    assert checked["database"] == made["database"]
    assert made["database"]["ledger_position"] > 0
    assert made["database"]["counts"]["events"] < 2 * len(crowd.receipts), "it was no late copy"

    again = Serving(folder)
    said = again.start()
    try:
        with Client(said["url"], said["admin_key"] or crowd._key) as client:
            states = [client.message(message_id).state for message_id in received]
            assert "dead" not in states
            # Nothing is torn: what was half done goes on.
            waiting = threading.Event()
            for message_id in received:
                for _ in range(int(SETTLE_S / 0.05)):
                    if client.message(message_id).state == "done":
                        break
                    waiting.wait(0.05)
                else:
                    pytest.fail(f"{message_id} was never answered")
    finally:
        assert again.stop() == 0
