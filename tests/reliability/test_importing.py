"""An import that is killed and started again brings the same as one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from colloquy.cli import checkpoint
from support.command_line import Shell, settings

MESSAGES = 20_000
PEOPLE = 50
GIVE_UP_S = 60.0


def history(folder: Path) -> str:
    file = folder / "history.jsonl"
    with file.open("w") as out:
        for number in range(MESSAGES):
            row = {"conversation": f"p{number % PEOPLE}", "id": str(number), "text": f"no {number}"}
            out.write(json.dumps(row) + "\n")
    return str(file)


def test_killed_in_the_middle_and_started_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path, capsys, monkeypatch)
    file = history(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "colloquy.cli", "import", file],
        env=os.environ | settings(tmp_path),
    )
    mark = tmp_path / "test.db.import"
    end = time.monotonic() + GIVE_UP_S
    while not mark.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was in the middle"

    # The messages that were waiting to be recorded need nobody: history is not answered.
    app = tmp_path / "bot.py"
    app.write_text("from colloquy import Colloquy\n\napp = Colloquy()\n")
    again = shell("import", file, "--app", str(app), "--json").json
    assert 0 < again["resumed_at"] <= again["duplicates"] < MESSAGES
    assert again["stored"] + again["duplicates"] == MESSAGES
    assert not mark.exists()

    said: dict[str, list[str]] = {}
    for line in shell("export").out.splitlines():
        row = json.loads(line)
        said.setdefault(row["conversation"], []).append(row["text"])
    assert said == {
        f"p{one}": [f"no {number}" for number in range(one, MESSAGES, PEOPLE)]
        for one in range(PEOPLE)
    }


def test_a_mark_of_messages_that_the_database_lost_is_not_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path, capsys, monkeypatch)
    file = tmp_path / "two.jsonl"
    file.write_text('{"conversation":"a","id":"1","text":"x"}\n')
    monkeypatch.setattr(checkpoint.Checkpoint, "clear", lambda mark: None)
    assert shell("import", str(file), "--json").json["stored"] == 1
    assert shell("import", str(file), "--json").json["resumed_at"] == 1
    for left in tmp_path.glob("test.db*"):
        if left.is_file() and not left.name.endswith(".import"):
            left.unlink()
    anew = shell("import", str(file), "--json").json
    assert (anew["resumed_at"], anew["stored"]) == (0, 1)
