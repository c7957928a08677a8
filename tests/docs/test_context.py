"""The page about contexts: its handler runs, its flags and settings exist."""

from __future__ import annotations

import re
from typing import Any

from colloquy.flags.registry import REGISTRY
from colloquy.settings import Settings
from support.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "context.md").read_text(encoding="utf-8")


def test_its_handler_answers_with_what_it_knows() -> None:
    (block,) = blocks(PAGE, "python")
    names: dict[str, Any] = {}
    exec(compile(block.text, "docs/context.md", "exec", dont_inherit=True), names)
    with names["app"].test_client() as client:
        (first,) = client.send("the lease ends in May, she said")
        (pinned,) = client.send("only mornings, please")
        (last,) = client.send("and then?")
    counts = [
        [int(number) for number in re.findall(r"\d+", reply.text or "")]
        for reply in (first, pinned, last)
    ]
    items, tokens, lines = zip(*counts, strict=True)
    assert items[0] == 1 and items == tuple(sorted(items)) and tokens[0] < tokens[2]
    assert lines[0] == 0 and lines[1] >= 1


def test_its_flags_and_settings_exist() -> None:
    flags = set(re.findall(r"`(enable_\w+)`", PAGE))
    assert flags and flags <= set(REGISTRY)
    defaults = Settings().context
    named = dict(re.findall(r"\(`context\.(\w+)`, ([\d,]+)\)", PAGE))
    assert {name: int(value.replace(",", "")) for name, value in named.items()} == {
        "budget": defaults.budget,
        "memory_mb": defaults.memory_mb,
    }
