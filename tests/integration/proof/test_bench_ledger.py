"""A small run of the ledger's benchmark: every figure is there, and can be drawn."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from colloquy.proof.bench_ledger import LedgerReport, bench_ledger, show_ledger

PLOT = Path(__file__).parents[3] / "benchmarks" / "plot.py"

GRAPH = {
    "database": "sqlite", "relationships": 1000, "ingest_per_s": 31_000,
    "three_hop_ms": {"median": 3.5, "p95": 9}, "hybrid_search_ms": {"median": 20, "p95": 41},
}  # fmt: skip
DIFF = {
    "entities": 100, "ours_ms": 1.25, "hand_loop_ms": 1, "deepdiff_ms": None,
    "dictdiffer_ms": 40, "jsonpatch_ms": 52,
}  # fmt: skip


def test_a_small_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("colloquy.proof.bench_ledger.POINTS", 3)
    monkeypatch.setattr("colloquy.proof.bench_ledger.ROLLBACKS", 1)
    report = bench_ledger(60, progress=False)
    assert (report.records, report.checksums_equal) == (60, True)
    # Written, changed, and taken back and put again twice.
    assert report.positions == 6 * 60
    for name, value in msgspec.to_builtins(report).items():
        if name.endswith(("_ms", "_s")):
            assert value > 0, name
    assert msgspec.json.decode(msgspec.json.encode(report), type=LedgerReport) == report
    show_ledger(report)
    assert "rollback_10k_cpu_s" in capsys.readouterr().out
    files = []
    for name, figures in (("ledger", report), ("graph", GRAPH), ("diff", DIFF)):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_bytes(msgspec.json.encode(figures))
    drawn = ElementTree.fromstring(plotted(files, capsys, monkeypatch))
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "Ledger of 60 records, sqlite (ms)" in texts
    assert {"31,000", "1.25", "dictdiffer", "a point"} <= set(texts)
    assert "deepdiff" not in texts  # it is not installed everywhere


def test_what_is_no_benchmark_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"point_ms": 1}')
    with pytest.raises(SystemExit):
        plotted([file], capsys, monkeypatch)
    assert "no figures of bench" in capsys.readouterr().err


def plotted(
    files: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setattr(sys, "argv", ["plot.py", *map(str, files)])
    runpy.run_path(str(PLOT), run_name="__main__")
    return capsys.readouterr().out
