"""The page about monitoring: its events, flags and settings are those of the code."""

from __future__ import annotations

import re

import msgspec

from colloquy.flags import REGISTRY
from colloquy.model.monitoring import MonitoringEvent
from colloquy.ops.monitoring import KINDS
from colloquy.ops.monitoring.events import TurnsCommitted
from colloquy.settings import Settings
from support.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", section(title), re.M)


def test_every_type_of_event_is_described() -> None:
    assert rows("Events") == list(KINDS)


def test_every_flag_is_described() -> None:
    assert sorted(rows("Flags")) == sorted(name for name in REGISTRY if "monitoring" in name)


def test_settings_of_the_page_are_settings() -> None:
    known = set(Settings().monitoring.__struct_fields__)
    named = set(re.findall(r"`monitoring\.(\w+)`", PAGE)) | {"keep_hours_days", "keep_days_days"}
    assert named
    assert named <= known


def test_the_example_is_an_event() -> None:
    (block,) = blocks(PAGE, "json")
    event = msgspec.json.decode(block.text, type=MonitoringEvent)
    assert event.type == TurnsCommitted.kind
    assert msgspec.convert(event.data, TurnsCommitted).errors() == []
