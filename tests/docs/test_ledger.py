"""The page about the ledger: its figures are the program's."""

from __future__ import annotations

import re

import pytest

from colloquy.ledger.merge import ConflictPolicy
from colloquy.ledger.restoring.requests import PRESETS, Preset
from colloquy.settings import Settings
from colloquy.telemetry import Metrics
from support.markdown import ROOT

PAGE = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
ROWS = {cells[1].strip(" `"): [cell.strip(" `") for cell in cells[2:-1]]
        for line in PAGE.splitlines() if len(cells := line.split("|")) in (4, 8)}  # fmt: skip
EXECUTED = {name: preset for name, preset in PRESETS.items() if preset.execute}


@pytest.mark.parametrize(("name", "preset"), EXECUTED.items())
def test_a_strategy_is_as_the_table_says(name: str, preset: Preset) -> None:
    assert ROWS[name] == [
        str(preset.batch_size),
        f"{preset.pause_s:g} s" if preset.pause_s else "–",
        "yes" if preset.verify else "no",
        preset.on_conflict.value,
        "yes" if preset.undo_on_failure else "no",
    ]


def test_every_policy_is_explained() -> None:
    assert {policy.value for policy in ConflictPolicy} <= set(ROWS)


def test_the_settings_have_the_defaults_of_the_page() -> None:
    found = re.findall(r"`ledger\.(\w+)`(?:-th)?\s+\((\d+)", PAGE)
    assert len(found) == 4
    for name, value in found:
        assert getattr(Settings().ledger, name) == int(value)


def test_the_metrics_are_there() -> None:
    metrics = Metrics()
    metrics.rollback_operations.of("completed").inc()
    metrics.rollback_errors.of("not_found").inc()
    metrics.rollback_conflicts.of("detected").inc()
    shown = metrics.render().decode()
    names = re.findall(
        r"`((?:rollback|ledger)_[a-z_]+)(?:\{\w+\})?`", PAGE[PAGE.index("Metrics (") :]
    )
    assert len(names) == 12
    for name in names:
        assert f"colloquy_{name}" in shown
