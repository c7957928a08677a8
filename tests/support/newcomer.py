"""The newcomer of `scripts/newcomer`: reads the README, does what it says, and looks at a clock.

Commands, the question and the change come from the README itself, so that it cannot promise what
does not work.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import expect, sync_playwright

from .browser import ARGUMENTS, CHROMIUM
from .markdown import ROOT, blocks, inline

SECTION = "## Your first assistant in five minutes"
INSTALL = "scripts/install"
FIVE_MINUTES_S = 300.0
ANSWER_MS = 60_000
READY = re.compile(r"chat page +(\S+)")
_DONE = "newcomer-step-done"


class Promise(NamedTuple):
    """What the README says: commands, the last of which goes on; a question; a line to change."""

    commands: list[str]
    question: str
    file: str
    before: str
    after: str


def promise(readme: str) -> Promise:
    """Reads the section. Raises ValueError when it is not as expected."""
    section = readme.partition(SECTION)[2].partition("\n## ")[0]
    (shell,) = blocks(section, "sh")
    (change,) = blocks(section, "diff")
    commands = [line.partition("  #")[0].strip() for line in shell.text.splitlines()]
    removed = [line[1:] for line in change.text.splitlines() if line.startswith("-")]
    added = [line[1:] for line in change.text.splitlines() if line.startswith("+")]
    question = next(code for code in inline(section) if code.endswith("?"))
    file = next(code for code in inline(section) if code.endswith(".py"))
    return Promise(commands, question, file, "\n".join(removed), "\n".join(added))


class Terminal:
    """A shell that types one command after another, as in one window."""

    def __init__(self, folder: Path) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("COLLOQUY_")
        }
        # Another port than the usual one, where a server of this machine may be at work.
        environment["COLLOQUY_PORT"] = str(_free_port())
        environment.pop("PYTHONPATH", None)
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str) -> None:
        """Raises RuntimeError with what it printed when it fails."""
        self._type(f"{command}\necho {_DONE} $? $PWD")
        printed: list[str] = []
        for line in self._lines():
            if line.startswith(_DONE):
                if line.split()[1] != "0":
                    raise RuntimeError(f"{command} failed:\n{''.join(printed)}")
                return
            printed.append(line)
        raise RuntimeError(f"the shell ended:\n{''.join(printed)}")

    def start(self, command: str) -> str:
        """Starts a server and returns its chat page."""
        self._type(command)
        return self.ready()

    def ready(self) -> str:
        """The chat page, once the server says so (again)."""
        printed: list[str] = []
        for line in self._lines():
            printed.append(line)
            if found := READY.search(line):
                return found[1]
        raise RuntimeError(f"no server:\n{''.join(printed)}")

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()

    def _type(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def _lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            yield line


class Watch:
    """Says how long each step took."""

    def __init__(self) -> None:
        self.total_s = 0.0

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        took = time.perf_counter() - started
        self.total_s += took
        print(f"{took:7.1f} s  {what}", flush=True)


def go(installed: bool) -> float:
    """Walks the whole way and returns its seconds."""
    watch = Watch()
    with tempfile.TemporaryDirectory(prefix="colloquy-newcomer-") as folder:
        clone = Path(folder) / "colloquy"
        with watch.step("git clone"):
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        said = promise((clone / "README.md").read_text(encoding="utf-8"))
        *commands, serve = said.commands
        if installed:
            (clone / ".venv").symlink_to(ROOT / ".venv")
            commands.remove(INSTALL)
            print(
                f"      –    {INSTALL}: left out, the clone borrows this environment and its code"
            )
        terminal = Terminal(clone)
        try:
            for command in commands:
                with watch.step(command):
                    terminal.run(command)
            with watch.step(f"{serve}, until it is ready"):
                page = terminal.start(serve)
            _chat(watch, terminal, page, said, clone)
        finally:
            terminal.close()
    return watch.total_s


def _chat(watch: Watch, terminal: Terminal, address: str, said: Promise, clone: Path) -> None:
    (file,) = (path for path in clone.glob(f"*/{said.file}") if path.parent.name != "examples")
    answers = [text.split('"')[1] for text in (said.before, said.after)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()

        def ask(answer: str) -> None:
            page.get_by_label("Your message").fill(said.question)
            page.keyboard.press("Enter")
            expect(page.locator("#log").get_by_text(answer)).to_be_visible(timeout=ANSWER_MS)

        with watch.step(f"open {address} and ask: {said.question}"):
            page.goto(address)
            ask(answers[0])
        with watch.step(f"change {said.file}, and wait until it is served"):
            text = file.read_text(encoding="utf-8")
            if said.before not in text:
                raise RuntimeError(f"{said.file} has no line {said.before}")
            file.write_text(text.replace(said.before, said.after), encoding="utf-8")
            terminal.ready()
        with watch.step(f"ask again: {answers[1]}"):
            ask(answers[1])
        browser.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/newcomer", description=__doc__)
    parser.add_argument("--installed", action="store_true", help="borrow this environment")
    total_s = go(parser.parse_args().installed)
    print(f"{total_s:7.1f} s  in all, five minutes are {FIVE_MINUTES_S:.0f} s")
    return int(total_s > FIVE_MINUTES_S)


if __name__ == "__main__":
    raise SystemExit(main())
