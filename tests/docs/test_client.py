"""The page about the Python client, run against a server."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from colloquy.client import Client
from support.markdown import ROOT, blocks
from support.server import Server

PAGE = ROOT / "docs" / "client.md"


def test_the_page_runs(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        names: dict[str, object] = {"URL": server.url, "KEY": server.key(), "__name__": "page"}
        for block in blocks(PAGE.read_text(encoding="utf-8"), "python"):
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, PAGE, "exec", dont_inherit=True), names)


def test_methods_that_the_prose_names_are_there() -> None:
    methods = {name for name, _ in inspect.getmembers(Client)}
    named = set(re.findall(r"`([a-z]+_page)`", PAGE.read_text(encoding="utf-8")))
    assert named
    assert named <= methods
