"""`colloquy demo`, whole: a server, all contacts, a kill, a file, and the figures at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_S = 540


@pytest.mark.timeout(600)
def test_the_demo_shows_what_it_promises(tmp_path: Path) -> None:
    file = tmp_path / "logs.jsonl"
    users = [{"role": "user", "content": text} for text in ("hi there", "are pets allowed?")]
    logs = [{"id": f"log-{number}", "messages": users} for number in range(5)]
    file.write_text("".join(json.dumps(log) + "\n" for log in logs))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLLOQUY_")}
    done = subprocess.run(
        [sys.executable, "-m", "colloquy.cli", "demo", "--json", "--pace", "0.05",
         "--folder", str(tmp_path / "demo"), "--file", str(file)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    contacts, rush, crowd, played = 26, 600, 2000, 10
    assert figures["accepted"] == contacts + rush + crowd + played
    assert figures["answered"] >= rush + crowd + played
    assert figures["duplicates"] == 2
    assert figures["reordered"] >= 1
    assert figures["handed_over"] == 3
    assert figures["dead_letters"] == 1
    assert figures["kills"] == 1
    assert (figures["lost"], figures["doubled"], figures["inverted"]) == (0, 0, 0)
    assert figures["latency_ms"]["p50"] > 0
    for words in ("Chloe", "back in order", "dead letter (KeyError)", "Maya", "kill -9"):
        assert words in done.stderr
    assert (tmp_path / "demo" / "colloquy.db").exists(), "the folder is kept"
