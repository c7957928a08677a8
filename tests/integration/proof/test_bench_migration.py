"""A small run of the migration's benchmark: every figure is there, and can be shown."""

from __future__ import annotations

import msgspec
import pytest

from colloquy.model.errors import InvalidInput
from colloquy.proof.bench_migration import MigrationReport, bench_migration, show_migration


def test_a_small_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PAIRS", 2), ("WARM_UP", 10), ("CONVERSIONS", 50)):
        monkeypatch.setattr(f"colloquy.proof.bench_migration.{name}", value)
    report = bench_migration(200, 300, progress=False)
    assert (report.messages, report.pairs, report.backfilled) == (200, 2, 300)
    for name in ("without_per_s", "with_per_s", "convert_us", "backfill_per_s"):
        assert getattr(report, name) > 0, name
    assert report.dual_write_cost < 1 and report.dual_write_cost_cpu < 1
    for median, (low, high) in (
        (report.dual_write_cost_median, report.dual_write_cost_interval),
        (report.dual_write_cost_cpu, report.dual_write_cost_cpu_interval),
    ):
        assert low <= median <= high < 1
    assert msgspec.json.decode(msgspec.json.encode(report), type=MigrationReport) == report
    show_migration(report)
    assert "dual_write_cost" in capsys.readouterr().out


def test_too_few_messages_are_refused() -> None:
    with pytest.raises(InvalidInput):
        bench_migration(10, 10, progress=False)
