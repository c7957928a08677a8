"""The files and commands of the page on imports, run in order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from support.command_line import Shell
from support.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
_FILE = re.compile(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```$", re.S | re.M)


def test_the_page_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path, capsys, monkeypatch)
    for name, text in _FILE.findall(PAGE):
        (tmp_path / name).write_text(text)
    said = [
        shell(*shlex.split(line)[1:]).out
        for block in blocks(PAGE, "sh")
        for line in block.text.splitlines()
    ]
    assert said[0].startswith("2 messages of 2 people")
    assert "2 stored" in said[1]
    assert "1 stored" in said[2]
    assert [line.partition(" →")[0] for line in said[3:5]] == ["2 conversations, 3 rows"] * 2
    assert said[5].startswith("1 intents with 2 examples")
