"""What `colloquy bench context` measures on."""

import asyncio
import json
from pathlib import Path

import pytest

from colloquy.cli.root import run
from colloquy.context.tokens import EstimatedTokens
from colloquy.model.errors import InvalidInput
from colloquy.proof import bench_assembly, bench_context
from colloquy.proof.conversations import made_up, read_conversations

COUNTER = EstimatedTokens()


def test_made_up_conversations_are_the_same_again() -> None:
    assert made_up(50, seed=3) == made_up(50, seed=3)
    assert made_up(50, seed=3) != made_up(50, seed=4)
    assert [line.seq for line in made_up(5, seed=1)] == [1, 2, 3, 4, 5]


def test_conversations_are_read_in_their_forms(tmp_path: Path) -> None:
    rows = [
        {"sessions": [
            {"at": "2026-01-01T10:00:00", "turns": [{"speaker": "A", "text": "Hello"}]},
            {"at": "2026-01-02T10:00:00", "turns": [{"speaker": "B", "text": "Hello again"}]},
        ]},
        {"turns": [{"speaker": "A", "text": "one"}, {"speaker": "B", "text": "two"}]},
        {"dialogue_id": "x", "text": "alone", "speaker": "A"},
        {"dialogue_id": "x", "text": "together", "speaker": "B"},
        {"something": "else"},
    ]  # fmt: skip
    path = tmp_path / "talks.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = read_conversations(path)
    assert [[(line.role, line.text) for line in lines] for lines in found] == [
        [("visitor", "Hello"), ("assistant", "Hello again")],
        [("visitor", "one"), ("assistant", "two")],
        [("visitor", "alone"), ("assistant", "together")],
    ]
    assert found[0][1].at - found[0][0].at == 86_400_000_000


def test_a_file_without_conversations_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nothing.jsonl"
    path.write_text("")
    with pytest.raises(InvalidInput):
        bench_context.judged(path)


def test_truncation_keeps_the_last_lines_that_fit() -> None:
    lines = made_up(50, seed=1)
    kept, _ = bench_context.truncated(lines, 60)
    assert list(kept) == lines[-len(kept) :]
    total = sum(COUNTER.count(line.text) for line in kept)
    assert total <= 60 < total + COUNTER.count(lines[-len(kept) - 1].text)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {
        bench_context: {"MESSAGES": 120, "FURTHER": 5, "RUNS": 1, "MOST": 2, "USERS": 2},
        bench_assembly: {"LINES": 40, "FURTHER": 2, "VISITORS": 2, "USERS": 2, "LINES_EACH": 50},
    }
    for module, values in small.items():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("short")
def test_contexts_are_timed_in_turns(tmp_path: Path) -> None:
    found = bench_assembly.measured(tmp_path)
    assert len(found.first) == 2
    assert len(found.later) == 2 * 2
    again = asyncio.run(bench_assembly._times_again(tmp_path))
    assert len(again) == 2
    assert min(min(cost) for cost in (*found.first, *found.later, *again)) > 0


@pytest.mark.usefixtures("short")
def test_the_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    costs = {
        kind: [bench_assembly.Cost(ms, ms - 0.5) for ms in found]
        for kind, found in (("first", [30, 20]), ("later", [3, 1, 2]), ("restarted", [9, 7]))
    }
    turns = bench_assembly.Assembled(**costs, memories_mb=64.5)
    monkeypatch.setattr(bench_context, "measured_apart", lambda: turns)
    monkeypatch.setattr(bench_context, "_growth_apart", bench_context.growth_mb)
    assert run(["bench", "context", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["first_ms"] > 0
    assert report["resumed_ms"] > 0
    assert report["later_ms"] > 0
    assert (report["assembled_first_ms"], report["assembled_first_worst_ms"]) == (20.0, 30.0)
    assert (report["assembled_later_ms"], report["assembled_later_p95_ms"]) == (2.0, 3.0)
    assert (report["assembled_later_best_ms"], report["assembled_later_cpu_ms"]) == (1.0, 1.5)
    assert (report["assembled_restarted_ms"], report["assembled_restarted_worst_ms"]) == (7.0, 9.0)
    assert (report["assembled_first_cpu_ms"], report["assembled_restarted_cpu_ms"]) == (24.5, 7.5)
    assert report["memories_mb"] == 64.5
    assert report["contradictions"] == 0
    assert set(report["peers"]) | set(report["missing"]) == {"lexrank", "langchain"}
    for share in ("50", "25", "10"):
        kept = dict(report["retention"][share])
        truncation = kept.pop("truncation")
        assert min(kept.values()) > truncation
