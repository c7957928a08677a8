"""A small run of the benchmark of flags: every figure is there, kills on PostgreSQL too."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from openfeature import api

from colloquy.model.errors import InvalidInput
from colloquy.proof import bench_flags
from colloquy.proof.bench_flags import FlagReport, Micros, show_flags
from colloquy.proof.flag_contenders import CONTENDERS, measure
from colloquy.proof.flag_kills import kills_on_database


def test_a_small_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setattr(bench_flags, "PASSES", 1)
    monkeypatch.setattr(bench_flags, "PROCESSES", 2)
    # Starting a process for each takes longer than measuring: only for what is left running.
    apart = bench_flags._apart
    monkeypatch.setattr(
        bench_flags,
        "_apart",
        lambda name, rounds: (
            apart(name, rounds) if name in ("flagd", "unleash") else measure(name, rounds)
        ),
    )
    report = bench_flags.bench_flags(2, 2, database_url=postgres_url, progress=False)
    assert report.notes == {}
    for name in CONTENDERS:
        micros = getattr(report, f"{name}_us")
        assert isinstance(micros, Micros)
        assert 0 < micros.best <= micros.median
    # The same flag in the words of each: hashes differ, shares hardly.
    shares = [report.served[name] for name in ("evaluate", "openfeature_ours", "flagd", "unleash")]
    assert shares[0] == shares[1]
    assert max(shares) - min(shares) < 0.1
    assert (report.kills, report.kill_processes, report.kill_signals) == (2, 2, "postgresql")
    assert report.kill_p50_ms is not None and report.kill_p99_ms is not None
    assert 0 < report.kill_p50_ms <= report.kill_p99_ms
    assert 0 < report.kill_file_p50_ms <= report.kill_file_p99_ms
    assert msgspec.json.decode(msgspec.json.encode(report), type=FlagReport) == report
    api.shutdown()
    show_flags(report)
    assert "kill_p99_ms" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["redis", "nats"])
async def test_kills_told_by_another_server(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str
) -> None:
    server = request.getfixturevalue(f"{kind}_server")
    (took,) = await kills_on_database(postgres_url, tmp_path, 1, 2, server)
    assert took > 0


@pytest.mark.parametrize(
    ("database", "url", "problem"),
    [(None, "redis://x", "--database-url"), ("postgresql://x/y", "amqp://x", "scheme 'amqp'")],
)
def test_signals_that_will_not_do(database: str | None, url: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        bench_flags.bench_flags(1, 1, database_url=database, signals_url=url, progress=False)


def test_what_is_not_installed_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise ImportError("No module named 'UnleashClient'")

    monkeypatch.setitem(CONTENDERS, "unleash", missing)
    reason = measure("unleash", 1)["reason"]
    assert "UnleashClient" in reason

    async def kills(folder: Path, count: int) -> list[float]:
        return [5.0] * count

    # What is measured elsewhere is not measured again here.
    monkeypatch.setattr(bench_flags, "kills_by_file", kills)
    monkeypatch.setattr(
        bench_flags,
        "_apart",
        lambda name, rounds: measure(name if name.startswith("evaluate") else "unleash", rounds),
    )
    report = bench_flags.bench_flags(1, 1, progress=False)
    assert (report.unleash_us, report.kill_p99_ms) == (None, None)
    assert report.kill_file_p99_ms == 5.0
    assert report.notes["unleash_us"] == reason
    assert "--database-url" in report.notes["kill_p99_ms"]
    show_flags(report)
    assert "not installed" in capsys.readouterr().out
