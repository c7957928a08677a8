"""Every `colloquy …` command that the documentation shows is one, with these options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from colloquy.cli.root import build
from support.markdown import ROOT, blocks, inline, pages

_SHELL = ("", "sh", "bash", "ini")
_PYTHON = re.compile(r"`colloquy [^`]+`")


def commands() -> Iterator[tuple[Path, str]]:
    """(page, command) of every page, and of the examples' docstrings."""
    for page in pages():
        if page.name == "commands.md":  # made from the commands themselves
            continue
        text = page.read_text(encoding="utf-8")
        for block in blocks(text, *_SHELL):
            for line in block.text.splitlines():
                start = line.find("colloquy ")
                if (
                    line.startswith(("colloquy ", ".venv/bin/colloquy ", "ExecStart="))
                    and start >= 0
                ):
                    yield page, line[start:].split("#")[0]
        for code in inline(text):
            if code.startswith("colloquy "):
                yield page, code
    for file in (ROOT / "examples").glob("*.py"):
        for match in _PYTHON.finditer(file.read_text(encoding="utf-8")):
            yield file, match[0].strip("`")


FOUND = sorted({(page.name, command.strip()) for page, command in commands()})


@pytest.mark.parametrize(("page", "command"), FOUND)
def test_the_command_exists(page: str, command: str) -> None:
    words = shlex.split(command)[1:]
    words = ["1" if word == "NUMBER" else word for word in words]
    found = typer.main.get_command(build())
    name = "colloquy"
    context = found.make_context(name, [], resilient_parsing=True)
    while hasattr(found, "commands"):
        if not words:
            pytest.fail(f"{command} is a group, not a command")
        if words[0].startswith("--"):  # such as --install-completion
            assert words[0] in {option for one in found.params for option in one.opts}
            return
        name = words.pop(0)
        assert name in found.commands, f"{command}: no command {name}"
        found = found.commands[name]
        context = found.make_context(name, [], parent=context, resilient_parsing=True)
    if words:
        # Parses options and arguments for good: what is unknown or of a wrong type raises.
        found.make_context(name, words, parent=context)
    else:
        known = {option for parameter in found.params for option in parameter.opts}
        assert known


def test_every_command_is_shown_somewhere() -> None:
    shown = " ".join(command for _, command in FOUND)
    missing = [
        name
        for name in typer.main.get_command(build()).commands
        if f"colloquy {name}" not in shown and name not in ("version",)
    ]
    assert not missing
