"""A small run of the benchmark: every figure is there, nothing is dropped."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from colloquy.proof import bench
from colloquy.proof.bench import PipelineReport, bench_pipeline, show_pipeline


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "LATENCY_S", 1.0)


def test_a_small_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": f"d{n}", "turns": [{"text": f"hello {n}"}, {"text": "bye"}]} for n in range(600)]
    (tmp_path / "d.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    report = bench_pipeline(messages=1000, data=tmp_path, progress=False)
    assert report.dropped == 0
    assert report.dead_lettered == 0
    assert report.messages == 1000
    assert report.probes > 10
    figures = msgspec.to_builtins(report)
    zero = ("dropped", "dead_lettered", "refused", "rss_growth_mb", "latency_ms", "stages")
    for name, value in figures.items():
        if isinstance(value, (int, float)) and name not in zero:
            assert value > 0, name
    assert 0 < report.latency_ms.p50 <= report.latency_ms.p95 <= report.latency_ms.p99
    assert {"understand", "commit"} <= report.stages.keys()
    assert sum(report.stages.values()) == pytest.approx(1, abs=0.01)
    assert report.machine.cores >= 1
    assert msgspec.json.decode(msgspec.json.encode(report), type=PipelineReport) == report
    show_pipeline(report)
    shown = capsys.readouterr().out
    assert "whole pipeline" in shown
    assert tmp_path.name in shown
