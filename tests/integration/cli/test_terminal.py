"""`colloquy chat` in a terminal: a pseudo-terminal with somebody typing."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

from support.command_line import APP, settings

LIMIT_S = 20.0


def read_until(terminal: int, wanted: str) -> str:
    """What appears on the screen up to the wanted text."""
    seen = b""
    while wanted not in seen.decode(errors="replace"):
        ready, _, _ = select.select([terminal], [], [], LIMIT_S)
        assert ready, f"{wanted!r} did not appear: {seen!r}"
        seen += os.read(terminal, 4096)
    return seen.decode(errors="replace")


def test_replies_appear_above_the_line_that_is_being_typed(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(APP)
    terminal, inner = pty.openpty()
    chat = subprocess.Popen(
        [sys.executable, "-m", "colloquy.cli", "chat", "--app", "bot.py"],
        cwd=tmp_path,
        env=os.environ | settings(tmp_path) | {"TERM": "xterm"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    try:
        read_until(terminal, "you ▸ ")
        os.write(terminal, b"hello\n")
        read_until(terminal, "assistant ◂ You said: hello")
        os.write(terminal, b"poison\n")
        read_until(terminal, "assistant ◂ Sorry, something went wrong")
        os.write(terminal, b"/quit\n")
        assert chat.wait(LIMIT_S) == 0
    finally:
        chat.kill()
        chat.wait()
        os.close(terminal)
