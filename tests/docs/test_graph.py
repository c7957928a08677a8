"""The page on the knowledge graph: what it shows is learned, names of filters are all there."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from colloquy.graph.queries.conditions import read_conditions
from colloquy.model.errors import InvalidInput
from support.command_line import Shell
from support.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "graph.md").read_text(encoding="utf-8")


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    return Shell(tmp_path, capsys, monkeypatch)


def test_the_commands_of_the_page_do_what_it_says(shell: Shell, tmp_path: Path) -> None:
    """In their order, on a database of their own, with the file of the page."""
    (known,) = blocks(PAGE, "json")
    file = tmp_path / "known.json"
    file.write_text(known.text, encoding="utf-8")
    extra = tmp_path / "extra.json"
    person = {"id": "person-17", "kind": "person", "attributes": {"language": "de"}}
    heard = {
        "subject": "ann", "predicate": "language", "value": "en",
        "evidence": {"source": "message", "event": 812},
    }  # fmt: skip
    extra.write_bytes(msgspec.json.encode({"entities": [person], "facts": [heard]}))
    shell("graph", "learn", str(extra))
    commands = [
        re.findall(r'"[^"]*"|\S+', line.removeprefix("colloquy "))
        for block in blocks(PAGE, "sh")
        for line in block.text.splitlines()
    ]
    assert len(commands) > 15
    made = ""
    for words in commands:
        arguments = [word.strip('"').replace("known.json", str(file)) for word in words]
        arguments = [made if re.fullmatch("[0-9a-f]{32}", one) else one for one in arguments]
        # What was not known then is not found; all else is.
        asks_the_past = "--as-of" in arguments
        result = shell(*arguments, code=1 if asks_the_past else 0)
        assert "not_found" in result.err if asks_the_past else result.out, arguments
        made = result.out.strip() if "create" in arguments else made


def test_every_filter_of_relationships_is_named() -> None:
    rows = PAGE.partition("where=NAME:VALUE")[2].partition("## ")[0]
    named = re.findall(r"^\| [a-z][a-z ]+ \| (.*) \|$", rows, re.MULTILINE)
    names = [name for row in named for name in re.findall(r"`(\w+)`", row)]
    assert len(names) == len(set(names)) > 60
    read_conditions(dict.fromkeys(names))
    with pytest.raises(InvalidInput):
        read_conditions({"shoeSize": None})
