"""A real `colloquy serve` for tests of the command line, and the command line in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from colloquy.cli.root import run

APP = """
from pathlib import Path

from colloquy import Colloquy

app = Colloquy()


@app.on_message
def answer(turn):
    if "poison" in turn.text and not Path("mended").exists():
        raise ValueError("this cannot be handled yet")
    return f"You said: {turn.text}"
"""
"""An assistant that repeats what it hears, and fails at poison until a file `mended` is there."""

STOP_S = 60.0


class Result(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


class Shell:
    """Runs commands in this process, on one database."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._capsys = capsys
        self.folder = folder
        for name in list(os.environ):
            if name.startswith("COLLOQUY_") and not name.startswith("COLLOQUY_TEST_"):
                monkeypatch.delenv(name)
        for name, value in settings(folder).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)

    def __call__(self, *arguments: str, code: int | None = 0) -> Result:
        self._capsys.readouterr()
        found = run(arguments)
        result = Result(found, *self._capsys.readouterr())
        assert code is None or found == code, result.err
        return result


class Serving:
    """A server in a process of its own. `start` returns what it says about itself."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.app = folder / "bot.py"
        if not self.app.exists():
            self.app.write_text(APP, encoding="utf-8")
        self._options = options
        self.process: subprocess.Popen[bytes]
        self.said: dict[str, Any] = {}

    def start(self) -> dict[str, Any]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("COLLOQUY_")
        }
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "colloquy.cli", "serve", "--json", "--port", "0",
                 "--app", str(self.app), *self._options],
                cwd=self.folder,
                env=environment | settings(self.folder),
                stdout=subprocess.PIPE,
                stderr=log,
            )  # fmt: skip
        self.said = self.next_words()
        return self.said

    def next_words(self) -> dict[str, Any]:
        """The next line on standard output; waits for it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.folder / "server.log").read_text()
        return msgspec.json.decode(line, type=dict[str, Any])

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            if self.process.stdout is not None:
                self.process.stdout.close()


def settings(folder: Path) -> dict[str, str]:
    """Environment of a test's database: short waits, nobody is handed over to."""
    return {
        "COLLOQUY_DATABASE_URL": f"sqlite:///{folder / 'test.db'}",
        "COLLOQUY_PRESET": "test",
        "COLLOQUY_REPLIES_APOLOGY_HAND_OVER": "",
    }
