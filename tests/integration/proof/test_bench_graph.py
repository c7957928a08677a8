"""A small run of the graph's benchmark: every figure is there."""

from __future__ import annotations

import msgspec
import pytest

from colloquy.model.errors import InvalidInput
from colloquy.proof.bench_graph import GraphReport, bench_graph, show_graph


def test_a_small_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("colloquy.proof.bench_graph.INGEST_ENTITIES", 60)
    monkeypatch.setattr("colloquy.proof.bench_graph.INGEST_RELATIONSHIPS", 100)
    report = bench_graph(300, 100, progress=False)
    assert (report.entities, report.relationships, report.facts) == (100, 300, 800)
    assert (report.ingested, report.three_hop_truncated) == (400, 0)
    assert report.three_hop_entities > 1
    assert report.hybrid_hits > 0
    figures = msgspec.to_builtins(report)
    for name in ("ingest_per_s", "load_per_s", "index_per_s", "database_mb", "hybrid_first_ms"):
        assert figures[name] > 0, name
    for spread in (report.three_hop_ms, report.hybrid_search_ms):
        assert 0 < spread.median <= spread.p95
    assert msgspec.json.decode(msgspec.json.encode(report), type=GraphReport) == report
    show_graph(report)
    assert "three_hop_ms" in capsys.readouterr().out


def test_a_graph_that_is_too_small_is_refused() -> None:
    with pytest.raises(InvalidInput) as raised:
        bench_graph(99, 100)
    assert raised.value.field == "relationships"
