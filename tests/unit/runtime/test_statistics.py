"""Rates and latencies over time, with clocks that the test sets."""

from __future__ import annotations

import msgspec

from colloquy.model.statistics import StatisticsView, Waiting
from colloquy.ops.health import HealthScore, Signal
from colloquy.runtime.statistics import MINUTES, SECONDS, Statistics
from colloquy.telemetry import Metrics


class Bench:
    """Statistics, their metrics, and a clock; a step is a second."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.seconds = 0.0
        self.waiting = 0
        self.statistics = Statistics(
            self.metrics,
            waiting=lambda: Waiting(self.waiting, 0, 0, 0, 0, 0, 0, 0.0),
            health=lambda: HealthScore().update(
                [Signal("fine", 1, 50), Signal("lag", 0.5, 40, "2 s")], 1_000_000
            ),
            census=lambda: None,
            clock=lambda: self.seconds,
            wall=lambda: 1_000_000 + self.seconds,
        )

    def step(self, accepted: int = 0, latency_s: float = 0.02) -> None:
        self.seconds += 1
        self.metrics.accepted.of("stored").inc(accepted)
        self.metrics.accepted.of("duplicate").inc(7)  # no message more than before
        self.metrics.committed_turns.inc(accepted)
        self.metrics.replies.of("web").inc(accepted)
        self.metrics.replies.of("api").inc(accepted)
        self.metrics.end_to_end_seconds.observe_many([latency_s] * accepted)
        self.statistics.sample()


def test_rates_are_those_of_the_last_ten_seconds() -> None:
    bench = Bench()
    for accepted in [5] * 10 + [20] * 10:
        bench.step(accepted)
    now = bench.statistics.now()
    assert now.rates.accepted_per_s == 20.0
    assert now.rates.turns_per_s == 20.0
    assert now.rates.replies_per_s == 40.0
    view = bench.statistics.view().ten_minutes
    assert view.accepted_per_s == [5.0] * 10 + [20.0] * 10
    assert view.at == list(range(1_000_001, 1_000_021))


def test_latencies_forget_what_is_over() -> None:
    bench = Bench()
    for _ in range(5):
        bench.step(10, latency_s=4.0)
    assert bench.statistics.now().latency.turns == 50
    for _ in range(60):
        bench.step(10, latency_s=0.02)
    latency = bench.statistics.now().latency
    assert latency.p99_ms is not None
    assert 10 <= latency.p99_ms <= 25
    for _ in range(61):
        bench.step()
    latency = bench.statistics.now().latency
    assert (latency.turns, latency.p50_ms, latency.p95_ms, latency.p99_ms) == (0, None, None, None)
    points = bench.statistics.view().ten_minutes.p95_ms
    assert points[0] is not None
    assert points[0] > 2500
    assert points[-1] is None


def test_the_rings_are_bounded_and_the_day_has_a_point_per_minute() -> None:
    bench = Bench()
    for _ in range(MINUTES * 60 + 600):
        bench.step(1)
    view = bench.statistics.view()
    assert len(view.ten_minutes.at) == SECONDS
    assert len(view.day.at) == MINUTES
    assert view.day.at[1] - view.day.at[0] == 60
    assert set(view.day.accepted_per_s) == {1.0}
    assert view.ten_minutes.at[-1] == 1_000_000 + bench.seconds
    assert msgspec.convert(msgspec.to_builtins(view), StatisticsView) == view


def test_a_process_that_stood_still_shows_no_wrong_rate() -> None:
    bench = Bench()
    bench.step(10)
    bench.seconds += 9  # the loop was held up
    bench.step(90)
    assert bench.statistics.view().ten_minutes.accepted_per_s[-1] == 9.0
    bench.statistics.sample()  # twice in one moment
    assert len(bench.statistics.view().ten_minutes.at) == 2


def test_the_dearest_signal_comes_first() -> None:
    bench = Bench()
    bench.waiting = 3
    assert bench.statistics.newest().at == []
    bench.step()
    assert bench.statistics.newest().waiting == [3]
    health = bench.statistics.now().health
    assert (health.status, health.score) == ("healthy", 80.0)
    assert [(signal.name, signal.loss) for signal in health.signals] == [("lag", 20.0), ("fine", 0)]
