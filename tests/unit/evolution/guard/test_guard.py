"""The guard with a clock of the test's own: windows, verdicts, what is too little to say."""

from __future__ import annotations

import random

import numpy as np
import pytest

from colloquy.evolution.guard import Guard, Limits
from colloquy.flags import Decision

ON = {"shiny": Decision(True, "rollout", "5 %")}
OFF = {"shiny": Decision(False, "default")}


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def guard(clock: Time) -> Guard:
    found = Guard(Limits(), clock)
    found.watch("shiny", True)
    return found


def feed(guard: Guard, asked: dict[str, Decision], count: int, failed: int, took: float = 0.1):
    for number in range(count):
        guard.add("v2", asked, number >= failed, took)


def test_ten_requests_decide_nothing(guard: Guard):
    feed(guard, ON, 10, 10)
    guard.look()
    verdict = guard.verdict("shiny")
    assert (verdict.judgement, verdict.enough, verdict.on.failed) == ("ok", False, 10)


def test_above_five_percent_warns_and_above_ten_goes_back(guard: Guard):
    feed(guard, OFF, 500, 5)
    feed(guard, ON, 100, 7)
    guard.look()
    warned = guard.verdict("shiny")
    assert warned.judgement == "warn"
    assert {one.what for one in warned.findings} == {"error_rate", "success_rate"}
    feed(guard, ON, 100, 40)
    guard.look()
    broken = guard.verdict("shiny")
    assert broken.judgement == "roll_back"
    (first, *_) = broken.findings
    assert (first.what, round(first.value, 3), first.bound) == ("error_rate", 0.235, 0.1)
    assert first.evidence is not None and first.evidence >= 1000
    assert "23.5% of the last 200 turns failed" in broken.says()


def test_twice_the_baseline_alerts_below_every_bound(guard: Guard):
    rng = random.Random(5)
    for _ in range(100):
        feed(guard, OFF, 100, sum(rng.random() < 0.005 for _ in range(100)))
        feed(guard, ON, 50, sum(rng.random() < 0.04 for _ in range(50)))
        guard.look()
    verdict = guard.verdict("shiny")
    assert (verdict.judgement, verdict.findings[0].what) == ("alert", "baseline")


def test_slow_responses_go_back_and_the_baseline_of_time_alerts(guard: Guard):
    feed(guard, OFF, 100, 0, 0.1)
    feed(guard, ON, 100, 0, 0.3)
    guard.look()
    alert = guard.verdict("shiny")
    assert (alert.judgement, alert.findings[0].what) == ("alert", "baseline")
    feed(guard, ON, 50, 0, 12.0)
    guard.look()
    verdict = guard.verdict("shiny")
    assert verdict.judgement == "roll_back"
    (first, *_) = verdict.findings
    assert (first.what, round(first.value, 3), first.bound) == ("response_time", 0.333, 0.05)
    assert first.evidence is not None and first.evidence >= 1000


def test_a_handful_of_slow_turns_decides_nothing(guard: Guard, clock: Time):
    feed(guard, ON, 49, 0, 60.0)
    guard.look()
    assert guard.verdict("shiny").judgement == "ok"
    guard.watch("shiny", True)
    feed(guard, ON, 60, 0, 0.1)
    guard.look()
    # All that were seen in the last while are slow, and they are two.
    clock.now += 600
    feed(guard, ON, 2, 0, 60.0)
    guard.look()
    assert guard.verdict("shiny").judgement == "ok"
    # More than 5 % of them, and still few enough to be of one stall.
    feed(guard, ON, 7, 0, 60.0)
    guard.look()
    verdict = guard.verdict("shiny")
    assert (verdict.judgement, verdict.findings[0].what) == ("warn", "response_time")
    feed(guard, ON, 1, 0, 60.0)
    guard.look()
    assert guard.verdict("shiny").judgement == "roll_back"


def test_a_difference_of_time_that_may_be_chance_is_not_told(guard: Guard):
    feed(guard, OFF, 60, 0, 0.1)
    feed(guard, ON, 57, 0, 0.1)
    feed(guard, ON, 3, 0, 9.0)
    guard.look()
    verdict = guard.verdict("shiny")
    assert verdict.on.mean_s is not None and verdict.off.mean_s is not None
    assert verdict.on.mean_s > 5 * verdict.off.mean_s
    assert verdict.judgement == "ok"


def test_memory_goes_back_only_when_it_lasts(guard: Guard, clock: Time):
    guard.look(0.95)
    assert guard.verdict("shiny").judgement == "warn"
    clock.now += 20
    guard.look(0.5)
    assert guard.verdict("shiny").judgement == "ok"
    guard.look(0.95)
    clock.now += 30
    guard.look(0.95)
    (finding,) = guard.verdict("shiny").findings
    assert (finding.what, finding.judgement, finding.value) == ("memory", "roll_back", 0.95)
    guard.look(None)
    assert guard.verdict("shiny").judgement == "ok"


def test_what_was_not_asked_does_not_count(guard: Guard):
    feed(guard, {}, 100, 100)
    guard.look()
    assert guard.verdict("shiny").on.count == guard.verdict("shiny").off.count == 0
    assert guard.versions()["v2"].count == 100
    assert guard.verdict("another").judgement == "ok"


def test_old_outcomes_leave_the_window_and_a_quiet_site_counts_all(guard: Guard, clock: Time):
    feed(guard, ON, 100, 50)
    guard.look()
    clock.now += 301
    feed(guard, ON, 60, 0)
    guard.look()
    verdict = guard.verdict("shiny")
    assert (verdict.on.count, verdict.on.failed) == (60, 0)
    clock.now += 301
    feed(guard, ON, 5, 0)
    guard.look()
    assert guard.verdict("shiny").on.count == 165
    assert guard.seen("shiny") == 165


def test_a_good_week_does_not_hide_a_bad_hour(guard: Guard, clock: Time):
    """Few turns, so that none of the windows is ever full."""
    for _ in range(5000):
        clock.now += 60
        feed(guard, ON, 1, 0)
        guard.look()
    served = 0
    while guard.verdict("shiny").judgement != "roll_back":
        clock.now += 60
        served += 1
        feed(guard, ON, 1, int(served % 5 == 0))
        guard.look()
    assert served <= 150


def test_watching_anew_forgets_and_leaving_ends(guard: Guard):
    feed(guard, ON, 100, 100)
    guard.watch("shiny", True)
    guard.look()
    assert guard.seen("shiny") == 0
    guard.leave("shiny")
    guard.leave("shiny")
    assert guard.watched == []


def test_versions_are_told_apart_and_bounded(guard: Guard):
    for number in range(20):
        guard.add(f"v{number}", {}, True, 0.1)
    assert len(guard.versions()) == 8
    assert sum(one.count for one in guard.versions().values()) == 20


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_a_feature_like_the_others_is_not_taken_back(rate: float):
    """30 roll-outs of 3,000 turns each way: not one, where one in 500 would be too many."""
    rng = np.random.default_rng(23)
    for _ in range(30):
        clock = Time()
        guard = Guard(Limits(), clock)
        guard.watch("shiny", True)
        for _ in range(100):
            clock.now += 1
            for asked in (ON, OFF):
                for ok in (rng.random(30) >= rate).tolist():
                    guard.add("v2", asked, ok, 0.1)
            guard.look()
            assert guard.verdict("shiny").judgement != "roll_back"
