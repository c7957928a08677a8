"""The page about language models names settings, metrics and reasons that there are."""

from __future__ import annotations

import re
from pathlib import Path

from colloquy.settings import load_settings
from colloquy.telemetry import Metrics
from support.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


def test_its_configuration_is_one(tmp_path: Path) -> None:
    (block,) = blocks(PAGE, "toml")
    file = tmp_path / "colloquy.toml"
    file.write_text(block.text)
    replies = load_settings(file).replies
    assert replies.responder == "chain"
    assert replies.model.name == "small"


def test_its_metrics_are_measured() -> None:
    metrics = Metrics()
    families = (metrics.model_turns, metrics.model_requests, metrics.model_tokens)
    for family in families:
        family.of("x").inc()
    metrics.tool_calls.of("x").of("ok").inc()
    metrics.tool_seconds.of("x").observe(1)
    shown = metrics.render().decode()
    named = set(re.findall(r"colloquy_\w+", PAGE))
    assert len(named) == 7
    for name in named:
        assert re.search(rf"^{name}(_count)?\W", shown, re.M), name
